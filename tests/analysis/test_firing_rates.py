"""Firing rates, beside NumPy and closed forms."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from jsnn import analysis
from jsnn.analysis import SpikeTrains
from tests.analysis.drawn import RECORDED, poisson, recorded
from tests.profiles import examples


def test_rates_are_spikes_per_second() -> None:
    trains = np.tile([[1, 0, 1], [1, 0, 0]], (50, 1)).astype(bool)
    np.testing.assert_allclose(analysis.rates(recorded(trains, 5.0)), [200, 0, 100])


def test_binned_rates_are_counts_over_the_width() -> None:
    trains = recorded(np.random.default_rng(0).random((203, 4)) < 0.2, 0.5)
    expected = analysis.binned_counts(trains, 5.0) * 200
    np.testing.assert_allclose(analysis.binned_rates(trains, 5.0), expected)
    of_all = analysis.binned_rates(trains, 5.0).mean(axis=1)
    np.testing.assert_allclose(analysis.population_rate(trains, 5.0), of_all)


def test_gaussian_rates_are_sums_of_normal_densities() -> None:
    rng = np.random.default_rng(0)
    times, neurons = rng.uniform(0, 201.5, 30), rng.integers(0, 3, 30)
    trains = SpikeTrains(times, neurons, 4, 201.5)
    centres = np.arange(100) * 2 + 1.0
    expected = [
        1000 * scipy.stats.norm(centres[:, None], 7.0).pdf(times[neurons == n]).sum(axis=1)
        for n in range(4)
    ]
    found = analysis.gaussian_rates(trains, 2.0, 7.0)
    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-4)  # the tails beyond 6 σ


@given(st.floats(0.5, 20))
@examples(8)
def test_each_spike_counts_once_in_a_gaussian_rate(sigma: float) -> None:
    trains = SpikeTrains([150.0, 150.3, 149.9], [0, 0, 1], 2, 300.0)
    found = analysis.gaussian_rates(trains, 1.0, sigma).sum(axis=0) / 1000
    np.testing.assert_allclose(found, [2, 1], rtol=0.02 if sigma < 0.75 else 1e-4)


@given(RECORDED)
@examples(20)
def test_psth_is_the_mean_rate_of_the_trials(trains: np.ndarray) -> None:
    trials = [recorded(np.roll(trains, k, axis=0), 0.5) for k in range(3)]
    expected = np.mean([np.roll(trains, k, axis=0) for k in range(3)], axis=0) * 2000
    np.testing.assert_allclose(analysis.psth(trials, 0.5), expected)


def test_psth_of_poisson_trials_is_their_rate() -> None:
    long = poisson(40.0, 30, 20_000.0)
    trials = [long.after(onset).before(100.0) for onset in range(0, 20_000, 100)]
    found = analysis.psth(trials, 20.0)
    assert found.shape == (5, 30)
    deviation = np.sqrt(40 / (200 * 0.02))  # of a bin of 200 trials
    assert np.abs(found - 40).max() < 4.5 * deviation
    assert found.mean() == pytest.approx(analysis.rates(long).mean())
