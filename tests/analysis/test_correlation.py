"""Correlations of pairs and synchrony of all, beside NumPy and closed forms."""

import numpy as np
import pytest

from jsnn import analysis
from tests.analysis.drawn import poisson, recorded


def test_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    common = rng.random((4000, 1)) < 0.02
    trains = common | (rng.random((4000, 7)) < 0.03)
    trains[:, 3] = False  # has no correlation
    found = analysis.correlations(recorded(trains, 0.1), 2.0)
    counts = np.delete(trains, 3, axis=1).reshape(200, 20, 6).sum(axis=1)
    np.testing.assert_allclose(found, np.corrcoef(counts.T)[np.triu_indices(6, 1)], atol=1e-12)


def test_independent_poisson_processes_are_uncorrelated() -> None:
    found = analysis.correlations(poisson(20.0, 300, 20_000.0), 2.0, num_neurons=50)
    assert len(found) == 50 * 49 // 2
    assert found.mean() == pytest.approx(0, abs=4 / np.sqrt(len(found) * 10_000))
    assert found.std() == pytest.approx(1 / np.sqrt(10_000), rel=0.1)


def test_a_sample_is_drawn_with_its_seed() -> None:
    trains = poisson(30.0, 60, 1000.0)
    one, same, other = (
        analysis.correlations(trains, 5.0, num_neurons=9, seed=s) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_neurons_that_never_spike_have_no_correlation() -> None:
    assert analysis.correlations(recorded(np.zeros((50, 4), bool)), 2.0).shape == (0,)


def test_synchrony_is_the_root_of_the_ratio_of_variances() -> None:
    spikes = np.random.default_rng(0).random((500, 6)) < 0.1
    counts = spikes.reshape(100, 5, 6).sum(axis=1)
    covariance = np.cov(counts.T)
    expected = np.sqrt(covariance.mean() / np.diag(covariance).mean())
    assert analysis.synchrony(recorded(spikes), 5.0) == pytest.approx(expected)


def test_synchrony_is_1_for_equal_trains_and_1_over_root_n_for_independent_ones() -> None:
    one = np.random.default_rng(0).random((1000, 1)) < 0.1
    assert analysis.synchrony(recorded(np.tile(one, 7)), 5.0) == pytest.approx(1)
    independent = analysis.synchrony(poisson(20.0, 100, 50_000.0), 10.0)
    assert independent == pytest.approx(0.1, rel=0.05)


def test_silence_has_no_synchrony() -> None:
    assert np.isnan(analysis.synchrony(recorded(np.zeros((50, 4), bool)), 2.0))
