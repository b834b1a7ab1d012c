"""Statistics of spike trains: rates, intervals, counts, correlations, synchrony, spectra.

A function takes the spikes of one recording as `SpikeTrains`, or several recordings where trials
are what is compared. Times are in ms, rates and frequencies in Hz. A result has an axis of bins [B]
first and one of neurons [N] last. A statistic that not every neuron has, such as the variation of
the intervals of one that never spikes, is [K]: the K neurons that have it, in order. All of it runs
on the host, in NumPy.

    trains = analysis.SpikeTrains.of_recorded(recorded["spikes"], dt=0.1).after(500.0)
    print(analysis.summary(trains))
    times = trains.by_neuron()[7]  # ms
    frequencies, density = analysis.population_spectrum(trains, width=1.0, segment=500.0)
"""

from jsnn.analysis.activity import Summary, summary
from jsnn.analysis.correlation import correlations, synchrony
from jsnn.analysis.distances import ks_distance
from jsnn.analysis.firing_rates import binned_rates, gaussian_rates, population_rate, psth, rates
from jsnn.analysis.inter_spike_intervals import (
    MIN_SPIKES,
    cv_of_intervals,
    intervals,
    local_variations,
)
from jsnn.analysis.neo_format import from_neo, to_neo
from jsnn.analysis.spectra import population_spectrum, spectrum
from jsnn.analysis.spike_counts import binned_counts, fano_factors
from jsnn.analysis.trains import SpikeTrains

__all__ = [
    "MIN_SPIKES",
    "SpikeTrains",
    "Summary",
    "binned_counts",
    "binned_rates",
    "correlations",
    "cv_of_intervals",
    "fano_factors",
    "from_neo",
    "gaussian_rates",
    "intervals",
    "ks_distance",
    "local_variations",
    "population_rate",
    "population_spectrum",
    "psth",
    "rates",
    "spectrum",
    "summary",
    "synchrony",
    "to_neo",
]
