"""Counts of spikes in bins and how much they vary, beside NumPy and closed forms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsnn import analysis
from jsnn.analysis import SpikeTrains
from tests.analysis.drawn import RECORDED, poisson, recorded
from tests.profiles import examples


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_times_in_ms_at_the_edge_of_a_bin_lie_in_that_bin(width: int, kind: Any) -> None:
    steps = np.arange(7 * 2 * 3 * 50)
    times, neurons = (steps * 0.1).astype(kind), np.zeros(len(steps), int)
    counts = analysis.binned_counts(SpikeTrains(times, neurons, 1, len(steps) * 0.1), width * 0.1)
    np.testing.assert_array_equal(counts, np.full((len(steps) // width, 1), width))


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


def test_fano_factors_are_those_of_numpy() -> None:
    trains = np.random.default_rng(0).random((3, 400, 5)) < 0.1
    trains[:, :, 2] = False  # has no Fano factor
    counts = np.delete(trains, 2, axis=2).reshape(3, 20, 20, 4).sum(axis=2)
    one = analysis.fano_factors(recorded(trains[0], 0.1), 2.0)
    np.testing.assert_allclose(one, np.var(counts[0], axis=0) / np.mean(counts[0], axis=0))
    all_bins = counts.reshape(60, 4)
    of_trials = analysis.fano_factors([recorded(each, 0.1) for each in trains], 2.0)
    np.testing.assert_allclose(of_trials, np.var(all_bins, axis=0) / np.mean(all_bins, axis=0))


def test_a_poisson_process_has_a_fano_factor_of_1_and_a_regular_train_of_0() -> None:
    found = analysis.fano_factors(poisson(30.0, 50, 40_000.0), 100.0)
    assert found.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 400 / 50))
    regular = np.zeros((100, 1), bool)
    regular[::5] = True
    np.testing.assert_array_equal(analysis.fano_factors(recorded(regular), 10.0), [0])
