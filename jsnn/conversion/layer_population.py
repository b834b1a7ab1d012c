"""Population that computes a layer of the artificial network."""

from dataclasses import dataclass

import numpy as np

from jsnn.conversion.emission import Emission
from jsnn.recording import FinalVariable, SpikeCount, Spikes, Variable


@dataclass(frozen=True)
class LayerPopulation:
    """Population that computes a layer, and what its emission stands for.

    Attributes:
      name: name of the population in the network.
      unit: activation that one spike a step stands for (or digits that add up to 1), [1] or
        [channels].
      emission: variables with what its neurons emit.
    """

    name: str
    unit: np.ndarray
    emission: Emission

    def emitted_per_step(self) -> Spikes | Variable:
        """Return the recording of what is emitted in each step, [T, N]."""
        variable = self.emission.emitted
        return Spikes(self.name) if variable is None else Variable(self.name, variable)

    def total_over_time(self) -> Spikes | Variable:
        """Return the recording of the sum after each step, or of the spikes, [T, N]."""
        variable = self.emission.total
        return Spikes(self.name) if variable is None else Variable(self.name, variable)

    def final_total(self) -> SpikeCount | FinalVariable:
        """Return the recording of the sum after the last step, [N]."""
        variable = self.emission.total
        return SpikeCount(self.name) if variable is None else FinalVariable(self.name, variable)
