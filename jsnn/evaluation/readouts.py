"""Readouts: the answer of a presentation, from a population with one neuron per class."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.recording import FirstSpike, MaxVariable, Recording, SpikeCount


@dataclass(frozen=True)
class Readout:
    """A recording of a population and the function that names the class from it.

    Attributes:
      population: the output; neuron c stands for class c.
      recording: the recording of a presentation.
      predict: recorded values -> the class, int32 (), or -1 for no answer. Keep it at module level,
        as a new function is compiled anew.
      least_steps: the smallest number of steps of a presentation with an answer.
      most_steps: the largest one, or None for any number.

    Raises:
      ValueError: if the recording is of another population.
    """

    population: str
    recording: Recording
    predict: Callable[[jax.Array], jax.Array]
    least_steps: int = 1
    most_steps: int | None = None

    def __post_init__(self) -> None:
        recorded = getattr(self.recording, "population", self.population)
        if recorded != self.population:
            raise ValueError(
                f"readout, recording: given one of population {recorded!r}; expected "
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


def _earliest(first: jax.Array) -> jax.Array:
    spiked = first >= 0
    earliest = jnp.argmin(jnp.where(spiked, first, jnp.iinfo(first.dtype).max))
    return jnp.where(spiked.any(), earliest, -1).astype(jnp.int32)


def spike_count(population: str) -> Readout:
    """Read the neuron that spiked most; among equals the lowest index, as in GeNN's tutorial.

    A presentation without any output spike therefore reads as class 0.
    """
    return Readout(population, SpikeCount(population), _largest)


def first_spike(population: str) -> Readout:
    """Read the neuron that spiked first; among equals the lowest index, and -1 if none spiked."""
    return Readout(population, FirstSpike(population), _earliest)


def max_voltage(population: str, variable: str = "v") -> Readout:
    """Read the neuron whose variable reached the highest value at the end of a step."""
    return Readout(population, MaxVariable(population, variable), _largest)
