"""All statistics that elephant has too, on the same spike trains."""

from functools import partial

import elephant.spectral
import elephant.statistics
import numpy as np
import pytest
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.kernels import GaussianKernel
from elephant.spike_train_correlation import correlation_coefficient

from jsnn import analysis
from jsnn.analysis import SpikeTrains, to_neo

pytestmark = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")

ms = pq.ms
DURATION = 2000.0


def drawn(seed: int) -> SpikeTrains:
    """Draw trains at the centres of milliseconds: six random, one silent, one with one spike.

    Elephant bins the spikes before it smooths them, and a bin stands for its centre.
    """
    probability = np.array([0.01, 0.02, 0.05, 0.05, 0.1, 0.2, 0, 0])
    spikes = np.random.default_rng(seed).random((int(DURATION), 8)) < probability
    spikes[700, 7] = True
    steps, neurons = np.nonzero(spikes)
    return SpikeTrains(steps + 0.5, neurons, 8, DURATION)


TRAINS = drawn(0)
NEO = to_neo(TRAINS)
MANY = slice(6)
"""Neurons with many spikes."""

equal = partial(np.testing.assert_allclose, rtol=1e-10)


def in_bins(width: float, neurons: slice = MANY) -> BinnedSpikeTrain:
    return BinnedSpikeTrain(NEO[neurons], bin_size=width * ms)


def test_rates() -> None:
    expected = [elephant.statistics.mean_firing_rate(each).rescale("Hz") for each in NEO]
    equal(analysis.rates(TRAINS), [float(rate) for rate in expected])


@pytest.mark.filterwarnings("ignore:Binning discarded")  # what lies after the last whole bin
@pytest.mark.parametrize("width", [1.0, 3.0, 20.0])
def test_counts_in_bins(width: float) -> None:
    found = analysis.binned_counts(TRAINS, width)
    expected = BinnedSpikeTrain(NEO, bin_size=width * ms, n_bins=int(DURATION // width))
    np.testing.assert_array_equal(found, expected.to_array().T)


@pytest.mark.parametrize(("width", "sigma"), [(1.0, 5.0), (5.0, 5.0), (2.0, 1.0)])
def test_gaussian_rates(width: float, sigma: float) -> None:
    centred = analysis.binned_counts(TRAINS, width)
    bins, neurons = np.nonzero(centred)
    repeated = centred[bins, neurons]
    at_centres = SpikeTrains(
        np.repeat((bins + 0.5) * width, repeated), np.repeat(neurons, repeated), 8, DURATION
    )
    expected = elephant.statistics.instantaneous_rate(
        NEO, width * ms, GaussianKernel(sigma * ms), cutoff=6.0, border_correction=False
    )
    equal(analysis.gaussian_rates(at_centres, width, sigma), expected.magnitude, atol=1e-9)


def test_population_rate() -> None:
    expected = elephant.statistics.time_histogram(NEO, 5 * ms, output="rate").rescale("Hz")
    equal(analysis.population_rate(TRAINS, 5.0), expected.magnitude[:, 0])


def test_psth() -> None:
    trials = [drawn(seed) for seed in range(4)]
    in_neo = [to_neo(trial) for trial in trials]
    found = analysis.psth(trials, 50.0)
    for neuron in range(8):
        of_trials = [trial[neuron] for trial in in_neo]
        expected = elephant.statistics.time_histogram(of_trials, 50 * ms, output="rate")
        equal(found[:, neuron], expected.rescale("Hz").magnitude[:, 0])


def test_intervals() -> None:
    lengths, neurons = analysis.intervals(TRAINS)
    for neuron, each in enumerate(NEO):
        equal(lengths[neurons == neuron], elephant.statistics.isi(each).magnitude)


def test_variations_of_intervals() -> None:
    lengths = [elephant.statistics.isi(each) for each in NEO[MANY]]
    equal(analysis.cv_of_intervals(TRAINS), [elephant.statistics.cv(each) for each in lengths])
    equal(analysis.local_variations(TRAINS), [elephant.statistics.lv(each) for each in lengths])


def test_fano_factors() -> None:
    found = analysis.fano_factors([drawn(seed) for seed in range(5)], DURATION)
    trials = [to_neo(drawn(seed)) for seed in range(5)]
    expected = [elephant.statistics.fanofactor([trial[n] for trial in trials]) for n in range(8)]
    equal(found, np.delete(expected, 6))
    assert np.isnan(expected[6])  # is silent


def test_correlations() -> None:
    found = analysis.correlations(TRAINS.of(MANY), 5.0)
    expected = correlation_coefficient(in_bins(5.0))
    equal(found, expected[np.triu_indices(6, 1)])


def test_synchrony() -> None:
    covariance = elephant.spike_train_correlation.covariance(in_bins(5.0))
    expected = np.sqrt(covariance.mean() / np.diag(covariance).mean())
    equal(analysis.synchrony(TRAINS.of(MANY), 5.0), expected)


@pytest.mark.parametrize("size", [200, 125])
def test_population_spectrum(size: int) -> None:
    rate = elephant.statistics.time_histogram(NEO, 2 * ms, output="rate").rescale("Hz")
    expected = elephant.spectral.welch_psd(rate, len_segment=size)
    found = analysis.population_spectrum(TRAINS, 2.0, size * 2.0)
    for one, other in zip(found, expected, strict=True):
        equal(one, other.magnitude.ravel(), atol=1e-20)
