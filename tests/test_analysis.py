"""Statistics of spike trains, beside NumPy, SciPy and closed forms."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import jsnn
from jsnn import analysis
from jsnn.analysis import SpikeTrains
from tests.profiles import examples

RECORDED = hnp.arrays(bool, st.tuples(st.integers(4, 40), st.integers(1, 6)))


def recorded(trains: np.ndarray, dt: float = 1.0) -> SpikeTrains:
    return SpikeTrains.of_recorded(trains, dt)


def poisson(rate: float, num_neurons: int, duration: float, seed: int = 0) -> SpikeTrains:
    """Draw Poisson processes: their number of spikes, then the times, which are uniform."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate * duration / 1000, num_neurons)
    times = rng.uniform(0, duration, counts.sum())
    return SpikeTrains(times, np.repeat(np.arange(num_neurons), counts), num_neurons, duration)


def test_rates_are_spikes_per_second() -> None:
    trains = np.tile([[1, 0, 1], [1, 0, 0]], (50, 1)).astype(bool)
    np.testing.assert_allclose(analysis.rates(recorded(trains, 5.0)), [200, 0, 100])


def test_steps_and_times_in_ms_are_one_recording() -> None:
    steps, neurons = np.array([7, 3, 90]), np.array([1, 0, 1])
    in_steps = SpikeTrains(steps, neurons, 2, 10.0, dt=0.1)
    in_ms = SpikeTrains(steps * 0.1, neurons, 2, 10.0)
    for of in (in_steps, in_ms):
        np.testing.assert_allclose(analysis.intervals(of)[0], [8.3])
        np.testing.assert_allclose(analysis.rates(of), [100, 200])
    assert repr(in_ms) == "SpikeTrains: 3 spikes of 2 neurons in 10 ms"


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_times_in_ms_at_the_edge_of_a_bin_lie_in_that_bin(width: int, kind: Any) -> None:
    steps = np.arange(7 * 2 * 3 * 50)
    times, neurons = (steps * 0.1).astype(kind), np.zeros(len(steps), int)
    counts = analysis.binned_counts(SpikeTrains(times, neurons, 1, len(steps) * 0.1), width * 0.1)
    np.testing.assert_array_equal(counts, np.full((len(steps) // width, 1), width))


def test_the_dt_of_a_network_may_be_rounded_to_float32() -> None:
    dt = jsnn.Network([jsnn.Population("a", 3, jsnn.LIF)], dt=0.1).dt
    trains = SpikeTrains.of_recorded(np.eye(10_000, 3, dtype=bool), dt).after(500.0)
    assert analysis.binned_counts(trains, 2.0).shape == (250, 3)
    assert analysis.population_rate(trains, 500.0).shape == (1,)


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


@given(RECORDED, st.integers(1, 5))
@examples(50)
def test_counts_are_sums_over_the_steps_of_a_bin(trains: np.ndarray, steps: int) -> None:
    dt = 0.1
    whole = len(trains) // steps
    if not whole:
        return
    expected = trains[: whole * steps].reshape(whole, steps, -1).sum(axis=1)
    of = recorded(trains, dt)
    np.testing.assert_array_equal(analysis.binned_counts(of, steps * dt), expected)
    hertz = expected.mean(axis=1) / (steps * dt) * 1000
    np.testing.assert_allclose(analysis.population_rate(of, steps * dt), hertz)


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


@given(RECORDED, st.data())
@examples(50)
def test_a_part_of_a_recording_is_that_of_the_array(trains: np.ndarray, data: Any) -> None:
    num_steps, num_neurons = trains.shape
    start = data.draw(st.integers(0, num_steps - 1))
    chosen = data.draw(st.lists(st.integers(0, num_neurons - 1), min_size=1, unique=True))
    found = recorded(trains, 0.1).after(start * 0.1).of(chosen)
    expected = recorded(trains[start:, chosen], 0.1)
    np.testing.assert_array_equal(found.times, expected.times)
    np.testing.assert_array_equal(found.neurons, expected.neurons)
    assert found.num_neurons == expected.num_neurons
    assert found.duration == pytest.approx(expected.duration)


NUMBERS = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@given(NUMBERS, NUMBERS)
@examples(100)
def test_ks_distance_is_the_largest_difference_of_shares(one: list[int], other: list[int]) -> None:
    shares = [[np.mean([y <= x for y in given]) for x in range(-5, 6)] for given in (one, other)]
    expected = np.abs(np.subtract(*shares)).max()
    assert analysis.ks_distance(one, other) == pytest.approx(expected)


def trains_of(**changes: Any) -> SpikeTrains:
    valid = {"times": [0, 5], "neurons": [0, 1], "num_neurons": 2, "duration": 1.0, "dt": 0.1}
    return SpikeTrains(**(valid | changes))


@pytest.mark.parametrize(
    ("refused", "error", "message"),
    [
        (lambda: trains_of(times=[0]), ValueError, r"given shapes \(1,\) and \(2,\)"),
        (lambda: trains_of(times=[[0, 5]]), ValueError, r"given shapes \(1, 2\)"),
        (lambda: trains_of(times=["0", "5"]), TypeError, "times: given <U1; expected numbers"),
        (lambda: trains_of(times=[0, 1j]), TypeError, "times: given complex128; expected numbers"),
        (lambda: trains_of(times=[True, False]), TypeError, "times: given bool; expected numbers"),
        (lambda: trains_of(neurons=[0.0, 1.0]), TypeError, "given float64; expected integers"),
        (lambda: trains_of(neurons=[0, 2]), ValueError, "neurons: given 2; expected 0 to 1"),
        (lambda: trains_of(times=[0, 10]), ValueError, "given 10, which is 1 ms; .* the end, 1 ms"),
        (lambda: trains_of(times=[-1, 5]), ValueError, "given -1, which is -0.1 ms"),
        (lambda: trains_of(times=[0.0, np.nan]), ValueError, "times: given nan"),
        (lambda: trains_of(duration=0.0), ValueError, "duration: given 0; expected a number > 0"),
        (lambda: trains_of(dt=-1.0), ValueError, "dt: given -1; expected a number > 0"),
        (lambda: trains_of().after(1.0), ValueError, "given 1 ms; expected less than the duration"),
        (lambda: trains_of().after(0.25), ValueError, "given 0.25 ms; expected whole steps of 0.1"),
        (lambda: trains_of().of([1, 1]), ValueError, r"given \[1, 1\]; .* each once"),
        (lambda: trains_of().of(slice(2, 2)), ValueError, "expected at least one of the neurons"),
        (lambda: trains_of().of([0, 2]), ValueError, r"given \[0, 2\]; .* neurons 0 to 1"),
        (lambda: trains_of().of([True, False]), ValueError, "given .*True"),
        (lambda: recorded(np.full((3, 2), 0.5)), ValueError, "given 0.5; expected spikes, 0 or 1"),
        (
            lambda: analysis.binned_counts(trains_of(), 0.25),
            ValueError,
            "binned_counts, width: given 0.25 ms; expected whole steps of 0.1 ms",
        ),
        (
            lambda: analysis.population_rate(trains_of(), 2.0),
            ValueError,
            "population_rate, width: given 2 ms; expected at most the duration, 1 ms",
        ),
        (
            lambda: analysis.cv_of_intervals(trains_of(), 1),
            ValueError,
            "cv_of_intervals, min_spikes: given 1",
        ),
        (lambda: analysis.rates(np.eye(3)), TypeError, "rates, trains: given ndarray; .*recorded"),
        (lambda: analysis.cv_of_intervals(np.eye(3)), TypeError, "intervals, trains: given nd"),
        (lambda: analysis.binned_counts(np.eye(3), 1.0), TypeError, "binned_counts, trains: given"),
        (lambda: analysis.correlations(np.eye(3), 1.0), TypeError, "correlations, trains: given"),
        (lambda: analysis.ks_distance([], [1]), ValueError, "given 0 and 1 numbers"),
        (lambda: analysis.ks_distance([1, np.nan], [1]), ValueError, "no NaN"),
    ],
)
def test_what_has_no_statistic_is_refused(refused: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        refused()
