"""Firing rates: of neurons and of populations, over a recording and over time."""

import numpy as np

from jsnn._checks import positive_number
from jsnn.analysis.bins import bins_of
from jsnn.analysis.spike_counts import counts_in_bins
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import Trials, check_trains, checked_trials
from jsnn.analysis.units import Array

REACH = 6.0
"""Standard deviations from a spike at which its Gaussian ends; 2 · 10⁻⁹ of it are beyond."""


def rates(trains: SpikeTrains) -> Array:
    """Return the spikes per second of every neuron, in Hz, [N]."""
    check_trains(trains, "rates")
    return np.bincount(trains.neurons, minlength=trains.num_neurons) / (trains.duration / 1000)


def population_rate(trains: SpikeTrains, width: float) -> Array:
    """Return the mean rate of all neurons in each bin, in Hz, [B].

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`.
    """
    bins, num_bins = bins_of(trains, width, "population_rate")
    inside = bins < num_bins
    of_all = np.bincount(bins[inside], minlength=num_bins)
    return of_all / (trains.num_neurons * width / 1000)


def binned_rates(trains: SpikeTrains, width: float) -> Array:
    """Return the rate of every neuron in each bin, its spikes over its width, in Hz, [B, N].

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`.
    """
    return counts_in_bins(trains, width, "binned_rates") / (width / 1000)


def gaussian_rates(trains: SpikeTrains, width: float, sigma: float) -> Array:
    """Return the rate of every neuron, smoothed with a Gaussian, at the centre of each bin.

        r(t) = Σₖ exp(-(t - tₖ)² / 2σ²) / (√(2π) σ)

    tₖ are the times of the spikes as they are: they are not moved to bins. Nothing is known of
    spikes before and after the recording, so that rates within about 2 σ of its ends are too low.
    Dayan & Abbott 2001, Theoretical Neuroscience, section 1.2.

    Args:
      trains: the spikes.
      width: of a bin, in ms.
      sigma: σ, the standard deviation of the Gaussian, in ms; at least half a bin, since a spike
        may else fall between two centres.

    Returns:
      float [B, N], in Hz.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`, or sigma is less
        than half a bin.
    """
    bins, num_bins = bins_of(trains, width, "gaussian_rates")
    sigma = positive_number(sigma, "gaussian_rates, sigma")
    if sigma < width / 2:
        raise ValueError(
            f"gaussian_rates, sigma: given {sigma:g} ms; expected at least half a bin, "
            f"{width / 2:g} ms"
        )
    times, found = trains.times_ms, np.zeros((num_bins, trains.num_neurons))
    reach = int(np.ceil(REACH * sigma / width))
    for offset in range(-reach, reach + 1):
        near = bins + offset
        inside = (near >= 0) & (near < num_bins)
        distance = (near[inside] + 0.5) * width - times[inside]
        density = np.exp(-(distance**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
        np.add.at(found, (near[inside], trains.neurons[inside]), 1000 * density)
    return found


def psth(trials: Trials, width: float) -> Array:
    """Return the peristimulus time histogram: the mean over trials of the rate in each bin.

        PSTH(b) = n(b) / (K Δ)

    n(b) is the number of spikes of a neuron in bin b of all K trials, and Δ the width of the bins.
    Trials in one recording are cut out with `trains.after(onset).before(length)`. Gerstein & Kiang
    1960, Biophys. J. 1, 15-28.

    Args:
      trials: one recording for each trial, which starts with the stimulus.
      width: of a bin, in ms.

    Returns:
      float [B, N], in Hz; its mean over axis 1 is that of the population.

    Raises:
      ValueError: if there is no trial, two differ in the number of neurons or in their length, or
        the bins do not fit, as for `binned_counts`.
    """
    recordings = checked_trials(trials, "psth")
    counts = np.sum([counts_in_bins(of, width, "psth") for of in recordings], axis=0)
    return counts / (len(recordings) * width / 1000)
