"""Statistics of spike lists: rates and the irregularity of spike trains."""

from typing import NamedTuple

import numpy as np

from experiments.balanced.network import num_excitatory

MIN_SPIKES = 10
"""A neuron with fewer has no coefficient of variation: of few intervals it says little."""


class Summary(NamedTuple):
    """What a balanced network did."""

    num_spikes: int
    rate: float
    """Mean over all neurons, Hz."""
    excitatory_rate: float
    inhibitory_rate: float
    cv: float | None
    """Mean over the neurons with at least `MIN_SPIKES`; None where there are none."""

    def __str__(self) -> str:
        cv = "none" if self.cv is None else f"{self.cv:.3f}"
        return (
            f"{self.num_spikes:,} spikes, excitatory {self.excitatory_rate:.2f} Hz, "
            f"inhibitory {self.inhibitory_rate:.2f} Hz, CV {cv}"
        )


def summary(steps: np.ndarray, neurons: np.ndarray, num_neurons: int, duration: float) -> Summary:
    """Of a run of `duration` ms; steps, neurons: int [num_spikes]."""
    hertz, first = rates(neurons, num_neurons, duration), num_excitatory(num_neurons)
    cv = cv_of_intervals(steps, neurons)
    return Summary(
        num_spikes=len(steps),
        rate=float(hertz.mean()),
        excitatory_rate=float(hertz[:first].mean()),
        inhibitory_rate=float(hertz[first:].mean()),
        cv=float(cv.mean()) if len(cv) else None,
    )


def rates(neurons: np.ndarray, num_neurons: int, duration: float) -> np.ndarray:
    """Spikes per second of every neuron, Hz [N].

    Args:
      neurons: int [num_spikes], the neuron of each spike.
      num_neurons: N.
      duration: of the recording, in ms.
    """
    return np.bincount(neurons, minlength=num_neurons) / (duration / 1000)


def cv_of_intervals(
    steps: np.ndarray, neurons: np.ndarray, min_spikes: int = MIN_SPIKES
) -> np.ndarray:
    """Coefficients of variation of the inter-spike intervals, one per neuron.

    Standard deviation over mean of a neuron's intervals: 0 of a regular train, 1 of a Poisson
    process. The standard deviation is that of the intervals at hand (divided by their number).

    Args:
      steps: int [num_spikes].
      neurons: int [num_spikes].
      min_spikes: neurons with fewer are left out.

    Returns float [K], in order of the K neurons with at least `min_spikes`.
    """
    order = np.lexsort((steps, neurons))
    times, owners = steps[order], neurons[order]
    counts = np.bincount(owners) if len(owners) else np.zeros(0, np.int64)
    trains = np.split(times, np.cumsum(counts)[:-1])
    intervals = [np.diff(train) for train in trains if len(train) >= min_spikes]
    return np.array([np.std(train) / np.mean(train) for train in intervals])


def histogram(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts [K] of values >= 0 in bins of `width` that begin at 0, and the edges [K + 1]."""
    counts = np.bincount((values // width).astype(np.int64))
    return counts, width * np.arange(len(counts) + 1)
