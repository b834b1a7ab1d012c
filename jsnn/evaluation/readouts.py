"""Readouts: the answer of a presentation, from a population with one neuron per class."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn._engine.recording_plan import part_seen_by
from jsnn.recording import (
    FinalVariable,
    FirstSpikeTime,
    MaxVariable,
    MeanVariable,
    Recording,
    SpikeCount,
    SumVariable,
)


@dataclass(frozen=True)
class Readout:
    """A recording of a population, and functions that name and rate the classes from it.

    Attributes:
      population: the output; neuron c stands for class c.
      recording: the recording of a presentation.
      predict: recorded values -> the class, int32 (), or -1 for no answer. Keep it at module level,
        as a new function is compiled anew.
      least_steps: the smallest number of steps of a presentation with an answer.
      most_steps: the largest one, or None for any number.
      scores: recorded values -> a float for each class, [C], with a derivative and largest for the
        class that is read; None if there are none, in which case nothing can be trained with it.

    Raises:
      ValueError: if the recording is of another population.
    """

    population: str
    recording: Recording
    predict: Callable[[jax.Array], jax.Array]
    least_steps: int = 1
    most_steps: int | None = None
    scores: Callable[[jax.Array], jax.Array] | None = None

    def __post_init__(self) -> None:
        recorded = part_seen_by(self.recording)
        if recorded not in (None, self.population):
            raise ValueError(
                f"readout, recording: given one of {recorded!r}; expected "
                f"{self.population!r}, the population of the readout"
            )

    def check_steps(self, num_steps: int) -> None:
        """Raise ValueError if a presentation of so many steps has no answer."""
        if num_steps < self.least_steps:
            raise ValueError(
                f"num_steps: given {num_steps}; expected at least {self.least_steps}, which the "
                f"readout of {self.population!r} needs"
            )
        if self.most_steps is not None and num_steps > self.most_steps:
            raise ValueError(
                f"num_steps: given {num_steps}; expected at most {self.most_steps}, for which the "
                f"readout of {self.population!r} is made"
            )


def _largest(values: jax.Array) -> jax.Array:
    return jnp.argmax(values).astype(jnp.int32)


def _themselves(values: jax.Array) -> jax.Array:
    return values


def _earliest(first: jax.Array) -> jax.Array:
    spiked = first >= 0
    earliest = jnp.argmin(jnp.where(spiked, first, jnp.max(first) + 1))
    return jnp.where(spiked.any(), earliest, -1).astype(jnp.int32)


@dataclass(frozen=True)
class _FirstSpikeTime(FirstSpikeTime):
    """The time of each neuron's first spike in ms, negative for a neuron that stays silent: [N]."""

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        time = super().finish(kept)
        return jnp.where(kept["silent"] > 0, -time, time)


def _earliness(time: jax.Array) -> jax.Array:
    return jnp.where(time < 0, time, -time)


def spike_count(population: str) -> Readout:
    """Read the neuron that spiked most; among equals the lowest index, as in GeNN's tutorial.

    A presentation without any output spike therefore reads as class 0. The scores are the counts.
    """
    return Readout(population, SpikeCount(population), _largest, scores=_themselves)


def first_spike(population: str) -> Readout:
    """Read the neuron that spiked first; among equals the lowest index, and -1 if none spiked.

    The scores are minus the times of `FirstSpikeTime`, in ms.
    """
    return Readout(population, _FirstSpikeTime(population), _earliest, scores=_earliness)


def max_voltage(population: str, variable: str = "v") -> Readout:
    """Read the neuron whose variable reached the highest value at the end of a step."""
    return Readout(population, MaxVariable(population, variable), _largest, scores=_themselves)


def mean_voltage(population: str, variable: str = "v") -> Readout:
    """Read the neuron whose variable had the highest mean over the steps."""
    return Readout(population, MeanVariable(population, variable), _largest, scores=_themselves)


def sum_voltage(population: str, variable: str = "v") -> Readout:
    """Read the neuron whose variable had the highest sum over the steps."""
    return Readout(population, SumVariable(population, variable), _largest, scores=_themselves)


def last_voltage(population: str, variable: str = "v") -> Readout:
    """Read the neuron whose variable has the highest value after the last step."""
    return Readout(population, FinalVariable(population, variable), _largest, scores=_themselves)
