"""Numbers of spikes in bins, and how much they vary."""

import numpy as np

from jsnn.analysis.bins import bins_of
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import Trials, checked_trials
from jsnn.analysis.units import Array


def binned_counts(trains: SpikeTrains, width: float) -> Array:
    """Count the spikes of every neuron in bins, int64 [B, N].

    Bin k holds the times from k * width up to, but not including, (k + 1) * width. A time that
    rounding alone puts before an edge is at the edge. Spikes after the last whole bin are left out.

    Args:
      trains: the spikes.
      width: of a bin, in ms.

    Raises:
      ValueError: if the recording is shorter than a bin, or a bin is no whole number of steps while
        the times are steps.
    """
    return counts_in_bins(trains, width, "binned_counts")


def counts_in_bins(trains: SpikeTrains, width: float, what: str) -> Array:
    """Count the spikes of every neuron in bins, int64 [B, N], for the function named `what`."""
    bins, num_bins = bins_of(trains, width, what)
    inside = bins < num_bins
    cells = bins[inside] * trains.num_neurons + trains.neurons[inside]
    counts = np.bincount(cells, minlength=num_bins * trains.num_neurons)
    return counts.reshape(num_bins, trains.num_neurons)


def fano_factors(trials: Trials, width: float) -> Array:
    """Return the Fano factor of the spike counts of every neuron that spikes, [K].

        F = Var(n) / ⟨n⟩

    n are the numbers of spikes in the bins of all trials. The variance has the divisor of the mean,
    the number of bins, and not one less. F is 1 for a Poisson process, and 0 for equal counts. With
    bins as long as the trials it is the variability from trial to trial. Fano 1947, Phys. Rev. 72,
    26-29.

    Args:
      trials: the spikes of one recording, or of several.
      width: of a bin, in ms.

    Returns:
      float [K], in order of the K neurons that spike in a bin.

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`, or there are fewer
        than two.
    """
    recordings = checked_trials(trials, "fano_factors")
    counts = np.concatenate([counts_in_bins(of, width, "fano_factors") for of in recordings])
    if len(counts) < 2:
        raise ValueError(
            f"fano_factors, width: given {width:g} ms, which makes one bin; expected at least two"
        )
    counts = counts[:, counts.any(axis=0)]
    return counts.var(axis=0) / counts.mean(axis=0)
