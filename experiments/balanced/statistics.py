"""Statistics of spike lists: rates and the irregularity of spike trains."""

from typing import NamedTuple

import numpy as np

from experiments.balanced.network import DT, num_excitatory
from jsnn.analysis import SpikeTrains, cv_of_intervals, rates


class Summary(NamedTuple):
    """Statistics of the activity of a balanced network."""

    num_spikes: int
    rate: float
    """Mean over all neurons, in Hz."""
    excitatory_rate: float
    inhibitory_rate: float
    cv: float | None
    """Mean over the neurons with at least `jsnn.analysis.MIN_SPIKES`; None if there are none."""

    def __str__(self) -> str:
        cv = "none" if self.cv is None else f"{self.cv:.3f}"
        return (
            f"{self.num_spikes:,} spikes, excitatory {self.excitatory_rate:.2f} Hz, "
            f"inhibitory {self.inhibitory_rate:.2f} Hz, CV {cv}"
        )


def summary(steps: np.ndarray, neurons: np.ndarray, num_neurons: int, duration: float) -> Summary:
    """Return the statistics of a run.

    Args:
      steps: int [num_spikes].
      neurons: int [num_spikes].
      num_neurons: N.
      duration: of the run, in ms.
    """
    trains = SpikeTrains(steps, neurons, num_neurons, duration, DT)
    hertz, first = rates(trains), num_excitatory(num_neurons)
    cv = cv_of_intervals(trains)
    return Summary(
        num_spikes=len(steps),
        rate=float(hertz.mean()),
        excitatory_rate=float(hertz[:first].mean()),
        inhibitory_rate=float(hertz[first:].mean()),
        cv=float(cv.mean()) if len(cv) else None,
    )


def histogram(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Count values >= 0 in bins of `width` from 0 on; return counts [K] and edges [K + 1]."""
    counts = np.bincount((values // width).astype(np.int64))
    return counts, width * np.arange(len(counts) + 1)
