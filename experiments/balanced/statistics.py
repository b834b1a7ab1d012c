"""Statistics of spike lists: rates and the irregularity of spike trains."""

import numpy as np

MIN_SPIKES = 10
"""A neuron with fewer has no coefficient of variation: of few intervals it says little."""


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
