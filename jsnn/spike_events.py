"""Spikes as events: a step and a neuron for each spike, in an array of fixed size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import host_array, is_concrete, positive_int
from jsnn._kernels.compaction import indices_of
from jsnn._pytree import pytree
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording import (
    SpikesOf,
    check_neurons,
    checked_neurons,
    checked_spikes,
    chosen,
)


@pytree
class Events:
    """Spikes in order of time, and within a step in order of the neurons.

    Attributes:
      steps: int32 [capacity], the step of each spike, counted from the start of the run; -1 behind
        the last spike.
      neurons: int32 [capacity], the neuron of each spike; -1 behind the last spike.
      count: int32 (), the number of spikes that there were, of which the first `capacity` are kept.
    """

    steps: Any
    neurons: Any
    count: Any


@dataclass(frozen=True)
class SpikeEvents:
    """Spikes of a population as events, `Events`: 8 bytes for each spike that there is room for.

    Outside `jax.jit` and `jax.vmap` a run with more spikes than `capacity` raises an error. Inside,
    where nothing can be raised, the `count` of the events tells, and `spike_list` raises the error.
    `simulate_in_blocks` needs no capacity, since it has room for all spikes. A run needs one byte
    for each neuron and step on its way.

    Attributes:
      population: the name of the population.
      capacity: the largest number of spikes in a run of `simulate`.
      neurons: indices of the neurons to record; all by default. Events have these indices.
    """

    population: str
    capacity: int | None = None
    neurons: Sequence[int] | None = None

    def __post_init__(self) -> None:
        what = f"recording of {self.population!r}"
        if self.capacity is not None:
            positive_int(self.capacity, f"{what}, capacity")
        object.__setattr__(self, "neurons", checked_neurons(self.neurons, what))

    @property
    def every(self) -> int:
        return 1

    def check(self, network: Network, what: str) -> None:
        check_neurons(network, self.population, self.neurons, what)

    def observe(self, state: State, spikes: SpikesOf) -> jax.Array:
        return chosen(spikes[self.population], self.neurons) > 0

    def finish(self, spikes: jax.Array) -> Events:
        """Turn the spikes of all steps, bool [T, N], into events.

        Raises:
          ValueError: if there is no capacity, or T N is beyond 2^31 - 1.
        """
        if self.capacity is None:
            raise ValueError(
                f"recording of {self.population!r}, capacity: given None; expected the largest "
                "number of spikes in a run (jsnn.simulate_in_blocks needs none)"
            )
        num_steps, num_neurons = spikes.shape
        if spikes.size > 2**31 - 1:
            raise ValueError(
                f"recording of {self.population!r}: given {num_steps} steps of {num_neurons} "
                f"neurons; expected at most {2**31 - 1} together (run fewer steps at once: "
                "jsnn.simulate_in_blocks)"
            )
        index, count = indices_of(spikes.reshape(-1), self.capacity)
        is_spike = index >= 0
        steps, neurons = jnp.divmod(index, max(num_neurons, 1))
        if self.neurons:
            neurons = jnp.asarray(self.neurons, jnp.int32)[neurons]
        return Events(jnp.where(is_spike, steps, -1), jnp.where(is_spike, neurons, -1), count)


def check_capacities(record: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
    """Raise ValueError if there were more spikes in a run than events that could be kept.

    Args:
      record: {name: recording}.
      recorded: {name: recorded}; what is traced is not checked.
    """
    for name, recording in record.items():
        if isinstance(recording, SpikeEvents) and is_concrete(recorded[name].count):
            most, room = int(np.max(recorded[name].count)), recorded[name].steps.shape[-1]
            if most > room:
                raise ValueError(
                    f"recording {name!r}: given capacity={room}; found {most} spikes "
                    f"of {recording.population!r} in the run; expected a capacity of {most} or "
                    "more (jsnn.simulate_in_blocks has room for all)"
                )


def spike_list(spikes: ArrayLike | Events) -> tuple[np.ndarray, np.ndarray]:
    """Turn recorded spikes into (steps, neurons), int [number of spikes] each, by time.

    Args:
      spikes: of one presentation, bool [T, N] as `Spikes` records them, or `Events`.

    Raises:
      ValueError: if the spikes are not [T, N] or hold anything but 0 and 1, or if there were more
        spikes than events that could be kept.
    """
    if isinstance(spikes, Events):
        return _events_list(spikes)
    array = checked_spikes(spikes, "spike_list")
    # np.nonzero of two axes takes twenty times as long as of one
    steps, neurons = np.divmod(np.flatnonzero(array), array.shape[1])
    return steps, neurons


def _events_list(events: Events) -> tuple[np.ndarray, np.ndarray]:
    count, steps, neurons = (
        host_array(given, "spike_list") for given in (events.count, events.steps, events.neurons)
    )
    if count.ndim:
        raise ValueError(
            f"spike_list: given events of {count.shape} presentations; expected those of one "
            "(jax.tree.map(lambda leaf: leaf[i], events))"
        )
    if count > len(steps):
        raise ValueError(
            f"spike_list: given {len(steps)} events of {count} spikes; expected all of them "
            f"(jsnn.SpikeEvents with a capacity of {count} or more)"
        )
    return steps[:count].astype(np.intp), neurons[:count].astype(np.intp)
