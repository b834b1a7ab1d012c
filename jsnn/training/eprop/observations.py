"""Observations of a loss: recordings to which each step adds a share of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from jsnn.recording import FinalVariable, MeanVariable, Rate, SpikeCount, SumVariable, Variable
from jsnn.training.eprop.local_step import SPIKE, Place, of_neuron


@dataclass(frozen=True)
class Observation:
    """A recording, and what of a population it keeps.

    Attributes:
      name: of the recording.
      population: the name of the population.
      place: what is recorded of its neurons.
      kept_as: the name of the sum over the steps in what the fold keeps, or None if it is all.
      is_last: True if the last step alone counts.
      is_trace: True if every step is recorded.
    """

    name: str
    population: str
    place: Place
    kept_as: str | None = None
    is_last: bool = False
    is_trace: bool = False

    def own(self, kept: Mapping[str, Any]) -> jax.Array:
        """Return the part of a fold, or of its derivative, that adds up over the steps, [N]."""
        of_fold = kept[self.name]
        return of_fold if self.kept_as is None else of_fold[self.kept_as]


def observed(name: str, recording: Any) -> Observation:
    """Return the observation of a recording.

    Raises:
      ValueError: if it is of a kind to which a step does not add a share of its own.
    """
    match recording:
        case SpikeCount(population):
            return Observation(name, population, SPIKE)
        case Rate(population):
            return Observation(name, population, SPIKE, kept_as="count")
        case SumVariable(population, variable):
            return Observation(name, population, of_neuron(variable))
        case MeanVariable(population, variable):
            return Observation(name, population, of_neuron(variable), kept_as="sum")
        case FinalVariable(population, variable):
            return Observation(name, population, of_neuron(variable), is_last=True)
        case Variable(population, variable, neurons=None, every=1):
            return Observation(name, population, of_neuron(variable), is_trace=True)
    raise ValueError(
        f"eprop, loss: given the recording {recording!r}; expected a Variable of all neurons and "
        "steps, a MeanVariable, SumVariable, FinalVariable, Rate or SpikeCount, which add up over "
        "the steps (jsnn.mean_voltage is a readout of this kind)"
    )
