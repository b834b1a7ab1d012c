"""Statistics of spike lists: rates and the irregularity of spike trains."""

from typing import NamedTuple

import numpy as np

from experiments.balanced.network import num_excitatory

MIN_SPIKES = 10
"""Fewest spikes for a coefficient of variation; with fewer intervals it says little."""


class Summary(NamedTuple):
    """Statistics of the activity of a balanced network."""

    num_spikes: int
    rate: float
    """Mean over all neurons, in Hz."""
    excitatory_rate: float
    inhibitory_rate: float
    cv: float | None
    """Mean over the neurons with at least `MIN_SPIKES`; None if there are none."""

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
    """Return the spikes per second of every neuron, in Hz, [N].

    Args:
      neurons: int [num_spikes], the neuron of each spike.
      num_neurons: N.
      duration: of the recording, in ms.
    """
    return np.bincount(neurons, minlength=num_neurons) / (duration / 1000)


def cv_of_intervals(
    steps: np.ndarray, neurons: np.ndarray, min_spikes: int = MIN_SPIKES
) -> np.ndarray:
    """Return the coefficients of variation of the inter-spike intervals, one per neuron.

    The coefficient is the standard deviation of a neuron's intervals over their mean: 0 for a
    regular train, 1 for a Poisson process. The standard deviation is divided by the number of
    intervals.

    Args:
      steps: int [num_spikes].
      neurons: int [num_spikes].
      min_spikes: neurons with fewer are left out.

    Returns:
      float [K], in order of the K neurons with at least `min_spikes`.
    """
    order = np.lexsort((steps, neurons))
    times, owners = steps[order], neurons[order]
    counts = np.bincount(owners) if len(owners) else np.zeros(0, np.int64)
    trains = np.split(times, np.cumsum(counts)[:-1])
    intervals = [np.diff(train) for train in trains if len(train) >= min_spikes]
    return np.array([np.std(train) / np.mean(train) for train in intervals])


def histogram(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Count values >= 0 in bins of `width` from 0 on; return counts [K] and edges [K + 1]."""
    counts = np.bincount((values // width).astype(np.int64))
    return counts, width * np.arange(len(counts) + 1)
