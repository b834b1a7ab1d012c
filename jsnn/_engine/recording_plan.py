"""Recording plan: recordings sorted by the way in which a run keeps them."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._checks import check_type
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording import (
    FinalVariable,
    FirstSpike,
    Fold,
    MaxVariable,
    Recordings,
    SpikeCount,
    Spikes,
    SpikesOf,
    Trace,
    Variable,
    abstract_step,
)


@dataclass(frozen=True)
class _Observation:
    """A plain function of (state, spikes) as a trace of every step."""

    observe: Callable[[State, SpikesOf], Any]
    every: int = 1

    def check(self, network: Network, what: str) -> None: ...


@dataclass(frozen=True)
class _Sampled:
    """A trace of every k-th step as a fold, so that the steps between take no memory."""

    trace: Trace
    num_rows: int

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> Any:
        observed = jax.eval_shape(self.trace.observe, *abstract_step(network))
        # One row more than needed takes the steps after the last whole k.
        rows = jax.tree.map(
            lambda leaf: jnp.zeros((self.num_rows + 1, *leaf.shape), leaf.dtype), observed
        )
        return jnp.zeros((), jnp.int32), rows

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        step, rows = kept
        observed = self.trace.observe(state, spikes)
        put = jax.lax.dynamic_update_index_in_dim
        row = step // self.trace.every
        return step + 1, jax.tree.map(lambda all_, new: put(all_, new, row, 0), rows, observed)

    def finish(self, kept: Any) -> Any:
        return jax.tree.map(lambda rows: rows[:-1], kept[1])


def population_of(recording: Any) -> str | None:
    """Return the one population that a recording looks at, or None if there may be more."""
    if isinstance(recording, _Sampled):
        return population_of(recording.trace)
    of_one = isinstance(
        recording, (Spikes, Variable, SpikeCount, FirstSpike, MaxVariable, FinalVariable)
    )
    return recording.population if of_one else None


def folds_each_neuron(recording: Any) -> bool:
    """Return True if a recording keeps one value for each neuron of its population."""
    return isinstance(recording, (SpikeCount, FirstSpike, MaxVariable, FinalVariable))


@dataclass(frozen=True)
class RecordingPlan:
    """Recordings sorted by the way in which a run keeps them.

    Attributes:
      stacked: {name: trace} as pairs, stacked by `scan`.
      folded: {name: fold} as pairs, folded in the carry of `scan`.
    """

    stacked: tuple[tuple[str, Trace], ...]
    folded: tuple[tuple[str, Fold], ...]

    def of(self, populations: Collection[str]) -> "RecordingPlan":
        """Return the plan of the recordings of `populations` alone."""
        return RecordingPlan(
            tuple((name, r) for name, r in self.stacked if population_of(r) in populations),
            tuple((name, r) for name, r in self.folded if population_of(r) in populations),
        )

    def start(self, network: Network) -> dict[str, Any]:
        """Return the folds before the first step."""
        return {name: recording.start(network) for name, recording in self.folded}

    def fold(self, kept: dict[str, Any], state: State, spikes: SpikesOf) -> dict[str, Any]:
        """Return the folds after one more step."""
        return {name: r.fold(kept[name], state, spikes) for name, r in self.folded}

    def observe(self, state: State, spikes: SpikesOf) -> dict[str, Any]:
        """Return the traces of one step."""
        return {name: trace.observe(state, spikes) for name, trace in self.stacked}

    def finish(self, kept: dict[str, Any], stacked: dict[str, Any]) -> dict[str, Any]:
        """Return {recording: its result} from the last folds and the stacked traces."""
        finished = {
            name: r.finish(kept[name]) if isinstance(r, _Sampled) else kept[name]
            for name, r in self.folded
        }
        return stacked | finished


def plan_recordings(network: Network, record: Recordings | None, num_steps: int) -> RecordingPlan:
    """Check recordings against the network and sort them.

    Args:
      network: the network that is simulated.
      record: {name: recording}, or None for nothing.
      num_steps: T.

    Returns:
      A hashable plan.

    Raises:
      TypeError: if a recording is not one, or is not hashable.
      ValueError: if a recording does not fit the network.
    """
    stacked: list[tuple[str, Trace]] = []
    folded: list[tuple[str, Fold]] = []
    record = {} if record is None else record
    check_type(record, Mapping, "record", " by name")
    for name, recording in record.items():
        if isinstance(recording, type):
            raise TypeError(
                f"recording {name!r}: given the class {recording.__name__}; expected an instance, "
                f"{recording.__name__}(population)"
            )
        if not isinstance(recording, Hashable):
            raise TypeError(
                f"recording {name!r}: given an unhashable {type(recording).__name__}; expected a "
                "function or a frozen dataclass, since recordings are static"
            )
        if isinstance(recording, (Trace, Fold)):
            recording.check(network, f"recording {name!r}")
        elif callable(recording):
            recording = _Observation(recording)
        else:
            raise TypeError(
                f"recording {name!r}: given {type(recording).__name__}; expected a recording such "
                "as jsnn.Spikes(population) or a function of (state, spikes)"
            )
        if isinstance(recording, Fold):
            folded.append((name, recording))
        elif recording.every > 1:
            folded.append((name, _Sampled(recording, num_steps // recording.every)))
        else:
            stacked.append((name, recording))
    return RecordingPlan(tuple(stacked), tuple(folded))
