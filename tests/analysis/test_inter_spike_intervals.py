"""Intervals between spikes and how much they vary, beside NumPy, SciPy and closed forms."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from jsnn import analysis
from jsnn.analysis import SpikeTrains
from tests.analysis.drawn import RECORDED, poisson, recorded
from tests.profiles import examples


@given(RECORDED)
@examples(50)
def test_intervals_are_those_of_each_train_alone(trains: np.ndarray) -> None:
    lengths, neurons = analysis.intervals(recorded(trains, 0.5))
    expected = [np.diff(np.flatnonzero(train)) * 0.5 for train in trains.T]
    np.testing.assert_allclose(lengths, np.concatenate(expected))
    np.testing.assert_array_equal(
        neurons, np.repeat(np.arange(trains.shape[1]), list(map(len, expected)))
    )


@given(RECORDED, st.integers(2, 5))
@examples(50)
def test_cv_is_that_of_numpy(trains: np.ndarray, min_spikes: int) -> None:
    of_each = [np.diff(np.flatnonzero(train)) for train in trains.T if train.sum() >= min_spikes]
    expected = [np.std(lengths) / np.mean(lengths) for lengths in of_each]
    found = analysis.cv_of_intervals(recorded(trains, 0.1), min_spikes)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_regular_train_has_cv_0() -> None:
    trains = np.zeros((1000, 3), bool)
    for neuron, period in enumerate((7, 30, 90)):
        trains[::period, neuron] = True
    found = analysis.cv_of_intervals(recorded(trains, 0.1))
    np.testing.assert_allclose(found, np.zeros(3), atol=1e-12)


def test_a_poisson_process_has_cv_1_and_exponential_intervals() -> None:
    trains = poisson(20.0, 50, 100_000.0)
    assert analysis.cv_of_intervals(trains).mean() == pytest.approx(1, abs=0.01)
    lengths, _ = analysis.intervals(trains)
    assert scipy.stats.kstest(lengths, scipy.stats.expon(scale=50).cdf).pvalue > 0.001
    assert analysis.rates(trains).mean() == pytest.approx(20, rel=0.02)


def test_a_bernoulli_train_has_the_cv_of_the_geometric_distribution() -> None:
    probability = 0.05
    trains = np.random.default_rng(0).random((40_000, 50)) < probability
    cv = analysis.cv_of_intervals(recorded(trains))
    assert cv.mean() == pytest.approx(np.sqrt(1 - probability), abs=0.01)


def test_a_gamma_process_has_cv_1_over_root_of_its_shape() -> None:
    times = np.cumsum(np.random.default_rng(0).gamma(4.0, 250.0, (2000, 20)), axis=0)
    neurons = np.broadcast_to(np.arange(20), times.shape)
    steps = np.rint(times).astype(int).ravel()
    trains = SpikeTrains(steps, neurons.ravel(), 20, times.max() + 1)
    assert analysis.cv_of_intervals(trains).mean() == pytest.approx(0.5, abs=0.01)


def test_neurons_with_few_spikes_have_no_cv() -> None:
    trains = np.zeros((100, 3), bool)
    trains[np.arange(9) ** 2, 0] = trains[np.arange(10) ** 2, 2] = True
    lengths = 2 * np.arange(9) + 1
    expected = [lengths.std() / lengths.mean()]
    np.testing.assert_allclose(analysis.cv_of_intervals(recorded(trains)), expected)
    assert len(analysis.cv_of_intervals(recorded(np.zeros((5, 3), bool)))) == 0


def of_times(*trains: list[float]) -> SpikeTrains:
    neurons = np.repeat(np.arange(len(trains)), list(map(len, trains)))
    return SpikeTrains(np.concatenate(trains), neurons, len(trains), 1000.0)


def test_local_variation_is_that_of_pairs_of_intervals() -> None:
    # 3/2 ((10 - 30)² / 40² + (30 - 20)² / 50²), and nothing across the border of two neurons
    found = analysis.local_variations(of_times([0, 10, 40, 60], [5, 10], [1, 2, 4]), min_spikes=3)
    np.testing.assert_allclose(found, [1.5 * (0.25 + 0.04), 3 * (1 / 3) ** 2])


@pytest.mark.parametrize("shape", [1, 2, 4])
def test_a_gamma_process_has_local_variation_3_over_2_shape_plus_1(shape: int) -> None:
    """Shinomoto et al. 2003, Neural Comput. 15, 2823-2842; of shape 1 it is a Poisson process."""
    lengths = np.random.default_rng(0).gamma(shape, 20 / shape, (4000, 200))
    times = np.cumsum(lengths, axis=0)
    neurons = np.broadcast_to(np.arange(200), times.shape).ravel()
    found = analysis.local_variations(SpikeTrains(times.ravel(), neurons, 200, times.max() + 1))
    assert found.mean() == pytest.approx(3 / (2 * shape + 1), rel=0.01)


def test_a_slow_change_of_the_rate_moves_cv_and_not_local_variation() -> None:
    lengths = np.concatenate([np.full(100, 2.0), np.full(100, 6.0)])
    trains = of_times([0, *np.cumsum(lengths)])
    assert analysis.cv_of_intervals(trains) == pytest.approx(0.5)
    assert analysis.local_variations(trains) == pytest.approx(3 / 199 * 0.25)


def test_neurons_with_few_spikes_or_three_at_one_time_have_no_local_variation() -> None:
    trains = of_times([], [1], [1, 2], [5, 5, 5, 6], [1, 2, 3])
    np.testing.assert_array_equal(analysis.local_variations(trains, min_spikes=3), [0])
    assert len(analysis.local_variations(trains)) == 0
