"""Spike trains: how they are made, and parts of them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsnn
from jsnn import analysis
from jsnn.analysis import SpikeTrains
from tests.analysis.drawn import RECORDED, recorded
from tests.profiles import examples


def test_steps_and_times_in_ms_are_one_recording() -> None:
    steps, neurons = np.array([7, 3, 90]), np.array([1, 0, 1])
    in_steps = SpikeTrains(steps, neurons, 2, 10.0, dt=0.1)
    in_ms = SpikeTrains(steps * 0.1, neurons, 2, 10.0)
    for of in (in_steps, in_ms):
        np.testing.assert_allclose(analysis.intervals(of)[0], [8.3])
        np.testing.assert_allclose(analysis.rates(of), [100, 200])
    assert repr(in_ms) == "SpikeTrains: 3 spikes of 2 neurons in 10 ms"


def test_the_dt_of_a_network_may_be_rounded_to_float32() -> None:
    dt = jsnn.Network([jsnn.Population("a", 3, jsnn.LIF)], dt=0.1).dt
    trains = SpikeTrains.of_recorded(np.eye(10_000, 3, dtype=bool), dt).after(500.0)
    assert analysis.binned_counts(trains, 2.0).shape == (250, 3)
    assert analysis.population_rate(trains, 500.0).shape == (1,)


@given(RECORDED, st.data())
@examples(50)
def test_a_part_of_a_recording_is_that_of_the_array(trains: np.ndarray, data: Any) -> None:
    num_steps, num_neurons = trains.shape
    start = data.draw(st.integers(0, num_steps - 1))
    chosen = data.draw(st.lists(st.integers(0, num_neurons - 1), min_size=1, unique=True))
    end = data.draw(st.integers(start + 1, num_steps))
    found = recorded(trains, 0.1).before(end * 0.1).after(start * 0.1).of(chosen)
    expected = recorded(trains[start:end, chosen], 0.1)
    np.testing.assert_array_equal(found.times, expected.times)
    np.testing.assert_array_equal(found.neurons, expected.neurons)
    assert found.num_neurons == expected.num_neurons
    assert found.duration == pytest.approx(expected.duration)


def test_times_by_neuron_are_in_ms() -> None:
    trains = SpikeTrains([7, 3, 90, 4], [2, 0, 2, 0], 4, 10.0, dt=0.1)
    for found, expected in zip(trains.by_neuron(), ([0.3, 0.4], [], [0.7, 9], []), strict=True):
        np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(trains.times_ms, [0.3, 0.4, 0.7, 9])


def test_events_make_the_trains_of_the_spikes() -> None:
    cells = jsnn.Population("a", 5, jsnn.SPIKE_SOURCE)
    network = jsnn.Network([cells], dt=0.1)
    drive = {"a": jsnn.over_time((np.random.default_rng(0).random((30, 5)) < 0.2) * np.float32(1))}
    record = {"spikes": jsnn.Spikes("a"), "events": jsnn.SpikeEvents("a", 150)}
    _, recorded_both = jsnn.simulate(network, drive, 30, record=record)
    of_spikes = SpikeTrains.of_recorded(recorded_both["spikes"], network.dt)
    found = SpikeTrains.of_events(recorded_both["events"], 5, 30, network.dt)
    assert found.num_spikes > 10
    np.testing.assert_array_equal(found.times, of_spikes.times)
    np.testing.assert_array_equal(found.neurons, of_spikes.neurons)
    assert (found.num_neurons, found.duration, found.dt) == (5, of_spikes.duration, of_spikes.dt)


def events(steps: list[int], neurons: list[int], count: int) -> jsnn.Events:
    return jsnn.Events(np.array(steps), np.array(neurons), np.array(count))


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
        (lambda: trains_of().before(1.1), ValueError, "given 1.1 ms; expected at most .* 1 ms"),
        (lambda: trains_of().before(0.0), ValueError, "end: given 0; expected a number > 0"),
        (lambda: trains_of().before(0.25), ValueError, "given 0.25 ms; expected whole steps of"),
        (
            lambda: SpikeTrains.of_events(events([1, -1], [0, -1], 3), 2, 9, 0.1),
            ValueError,
            "given 2 events of 3 spikes",
        ),
        (
            lambda: SpikeTrains.of_events(events([9, -1], [0, -1], 1), 2, 9, 0.1),
            ValueError,
            "times: given 9, which is 0.9 ms",
        ),
        (
            lambda: SpikeTrains.of_events(np.eye(3), 3, 3, 0.1),
            TypeError,
            "events: given ndarray; expected an Events",
        ),
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
        (
            lambda: analysis.local_variations(trains_of(), 2),
            ValueError,
            "local_variations, min_spikes: given 2; expected an integer >= 3",
        ),
        (
            lambda: analysis.fano_factors(trains_of(), 1.0),
            ValueError,
            "fano_factors, width: given 1 ms, which makes one bin; expected at least two",
        ),
        (
            lambda: analysis.gaussian_rates(trains_of(), 0.5, 0.2),
            ValueError,
            "sigma: given 0.2 ms; expected at least half a bin, 0.25 ms",
        ),
        (lambda: analysis.psth([], 0.5), ValueError, "psth, trials: given none; expected at least"),
        (
            lambda: analysis.psth([trains_of(), trains_of(duration=2.0)], 0.5),
            ValueError,
            "psth, trial 1: given 2 neurons in 2 ms; expected 2 in 1 ms, as in trial 0",
        ),
        (
            lambda: analysis.psth([trains_of(), trains_of(num_neurons=3)], 0.5),
            ValueError,
            "psth, trial 1: given 3 neurons in 1 ms; expected 2 in 1 ms",
        ),
        (
            lambda: analysis.psth([trains_of(), np.eye(3)], 0.5),
            TypeError,
            "psth, trial 1, trains: given ndarray; expected a SpikeTrains, such as",
        ),
        (lambda: analysis.fano_factors(np.eye(3), 1.0), TypeError, "fano_factors, trains: given"),
        (lambda: analysis.synchrony(np.eye(3), 1.0), TypeError, "synchrony, trains: given ndarray"),
        (lambda: analysis.summary(np.eye(3)), TypeError, "summary, trains: given ndarray"),
        (lambda: analysis.to_neo(np.eye(3)), TypeError, "to_neo, trains: given ndarray"),
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
