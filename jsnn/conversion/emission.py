"""Emission: the variables in which a neuron model keeps what its neurons send."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Emission:
    """Variables of a neuron model that say what its neurons emit, in units of one spike.

    Attributes:
      emitted: variable with what a neuron emits in a step; None if it emits mere spikes.
      total: variable with the sum of all that was emitted so far; None if spikes have to be
        counted.
      most_per_step: the most that a neuron can emit in a step.
    """

    emitted: str | None = None
    total: str | None = None
    most_per_step: float = 1.0

    def with_total(self, variable: str) -> "Emission":
        """Return the emission of neurons that also keep the sum, in `variable`."""
        return replace(self, total=variable)


SPIKES = Emission()
"""Mere spikes, at most one in a step."""

GRADED = Emission(emitted="emitted", total="total")
"""Numbers from -1 to 1, with their sum."""

POTENTIAL = Emission(total="v", most_per_step=np.inf)
"""Nothing: the potential is read as if it were the sum of all that was emitted."""
