"""Intervals between the spikes of a neuron, and how much they vary."""

import numpy as np

from jsnn._checks import positive_int
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import check_trains
from jsnn.analysis.units import Array

MIN_SPIKES = 10
"""Fewest spikes for a variation of intervals unless given; of fewer intervals it says little."""


def intervals(trains: SpikeTrains) -> tuple[Array, Array]:
    """Return all inter-spike intervals, in ms, and their neurons: [K] and [K].

    They are sorted by neuron, then by time. A neuron with n spikes has n - 1 intervals.
    """
    check_trains(trains, "intervals")
    same = trains.neurons[1:] == trains.neurons[:-1]
    return np.diff(trains.times)[same] * trains.dt, trains.neurons[1:][same]


def cv_of_intervals(trains: SpikeTrains, min_spikes: int = MIN_SPIKES) -> Array:
    """Return the coefficients of variation of the inter-spike intervals, one per neuron.

        CV = √(⟨(I - ⟨I⟩)²⟩) / ⟨I⟩

    CV is 0 for a regular train and 1 for a Poisson process. The variance is the mean squared
    deviation of the n intervals, with the divisor n and not n - 1. Softky & Koch 1993,
    J. Neurosci. 13, 334-350.

    Args:
      trains: the spikes.
      min_spikes: neurons with fewer are left out; at least 2, which make one interval.

    Returns:
      float [K], in order of the K neurons with at least `min_spikes`.
    """
    fewest = positive_int(min_spikes, "cv_of_intervals, min_spikes", least=2) - 1
    lengths, neurons = intervals(trains)
    number, mean = _numbers_and_means(lengths, neurons, trains.num_neurons)
    squares = (lengths - mean[neurons]) ** 2
    _, variance = _numbers_and_means(squares, neurons, trains.num_neurons)
    enough = (number >= fewest) & (mean > 0)
    return np.sqrt(variance[enough]) / mean[enough]


def local_variations(trains: SpikeTrains, min_spikes: int = MIN_SPIKES) -> Array:
    """Return the local variations of the inter-spike intervals, one per neuron.

        LV = 3 / (n - 1) · Σᵢ ((Iᵢ - Iᵢ₊₁) / (Iᵢ + Iᵢ₊₁))²

    The sum is over the n - 1 pairs of intervals that follow each other. LV is 0 for a regular train
    and 1 for a Poisson process, as CV is, and unlike CV it hardly changes if the rate varies
    slowly. Shinomoto, Shima & Tanji 2003, Neural Comput. 15, 2823-2842.

    Args:
      trains: the spikes.
      min_spikes: neurons with fewer are left out; at least 3, which make one pair of intervals.

    Returns:
      float [K], in order of the K neurons with at least `min_spikes`, without those that have three
      spikes at one time.
    """
    fewest = positive_int(min_spikes, "local_variations, min_spikes", least=3) - 2
    lengths, neurons = intervals(trains)
    same = neurons[1:] == neurons[:-1]
    one, next_one, of = lengths[:-1][same], lengths[1:][same], neurons[1:][same]
    with np.errstate(invalid="ignore"):  # 0 / 0 of three spikes at one time
        squares = ((one - next_one) / (one + next_one)) ** 2
    number, mean = _numbers_and_means(squares, of, trains.num_neurons)
    return 3 * mean[(number >= fewest) & ~np.isnan(mean)]


def _numbers_and_means(values: Array, neurons: Array, num_neurons: int) -> tuple[Array, Array]:
    """Return the number of values of each neuron, [N], and their mean or 0, [N]."""
    number = np.bincount(neurons, minlength=num_neurons)
    return number, np.bincount(neurons, values, num_neurons) / np.maximum(number, 1)
