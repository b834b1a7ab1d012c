"""Encodings against closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn import encoding
from tests.networks import F32

X = np.array([0.0, 0.25, 1.0], F32)


def test_latency_is_linear_and_the_largest_number_comes_first() -> None:
    np.testing.assert_array_equal(encoding.latency(X, 20.0), [20, 15, 0])
    np.testing.assert_array_equal(encoding.latency(X, 20.0, first=4.0, least=0.1), [np.inf, 16, 4])
    np.testing.assert_array_equal(encoding.latency([0, 1], 20.0), [20, 0])


def test_log_latency_is_the_first_spike_of_a_leaky_neuron() -> None:
    currents = np.array([0.5, 1.0, 1.3, 2.0, 6.0], F32)
    times = np.asarray(encoding.log_latency(currents, 10.0, 1.0))
    assert np.isinf(times[:2]).all()
    np.testing.assert_allclose(currents[2:] * (1 - np.exp(-times[2:] / 10)), 1.0, rtol=1e-5)
    slopes = jax.grad(lambda x: jnp.sum(jnp.where(x > 1, encoding.log_latency(x, 10.0, 1.0), 0)))
    assert np.isfinite(slopes(currents)).all()


def test_times_become_trains() -> None:
    times = np.array([0.0, 0.3, 0.49, 0.5, 1.99, np.inf], F32)
    trains = np.asarray(encoding.trains_from_times(times, 4, dt=0.5))
    assert trains.shape == (4, 6)
    assert trains.dtype == bool
    np.testing.assert_array_equal(trains.argmax(axis=0), [0, 0, 0, 1, 3, 0])
    np.testing.assert_array_equal(trains.sum(axis=0), [1, 1, 1, 1, 1, 0])


@pytest.mark.parametrize("dt", [0.1, 0.05, 1 / 3, 1.0, 0.7])
def test_a_time_on_the_grid_belongs_to_the_step_that_begins_there(dt: float) -> None:
    steps = np.arange(300)
    expected = np.eye(300, dtype=bool)
    for times in (steps * dt, np.cumsum(np.full(300, dt)) - dt, (steps * dt).astype(F32)):
        got = encoding.trains_from_events(np.abs(times), steps, 300, 300, dt)
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(encoding.trains_from_times(steps * dt, 300, dt), expected)


def test_latency_and_trains_work_under_jit_and_vmap() -> None:
    images = np.stack([X, X[::-1]])

    def trains(image: jax.Array) -> jax.Array:
        return encoding.trains_from_times(encoding.latency(image, 8.0, least=0.1), 10)

    got = np.asarray(jax.jit(jax.vmap(trains))(images))
    assert got.shape == (2, 10, 3)
    np.testing.assert_array_equal(np.argwhere(got[0]), [[0, 2], [6, 1]])
    np.testing.assert_array_equal(got[1], got[0][:, ::-1])


def test_trains_drive_a_spike_source() -> None:
    trains = encoding.trains_from_times(np.array([2.0, np.inf, 0.0], F32), 4)
    network = jsnn.Network([jsnn.Population("in", 3, jsnn.SPIKE_SOURCE)])
    drive = {"in": jsnn.over_time(trains)}
    _, got = jsnn.simulate(network, drive, 4, record={"s": jsnn.Spikes("in")})
    np.testing.assert_array_equal(got["s"], trains)


def test_bernoulli_trains_have_the_given_probabilities() -> None:
    trains = np.asarray(encoding.bernoulli(jax.random.key(0), X, 10_000))
    assert trains.dtype == bool
    np.testing.assert_allclose(trains.mean(axis=0), X, atol=4 * np.sqrt(0.25 / 10_000))
    assert not trains[:, 0].any()
    assert trains[:, 2].all()


def test_poisson_trains_have_the_given_rates() -> None:
    rates = np.array([0.0, 20.0, 200.0], F32)
    trains = np.asarray(encoding.poisson(jax.random.key(1), rates, 20_000, dt=0.5))
    expected = 1 - np.exp(-rates * 0.5e-3)
    np.testing.assert_allclose(trains.mean(axis=0), expected, atol=4 * np.sqrt(0.1 / 20_000))
    assert not trains[:, 0].any()


def test_on_and_off_spikes_follow_the_levels_that_a_signal_crosses() -> None:
    signal = np.array([[0.0], [0.9], [1.0], [1.5], [3.2], [2.9], [1.9], [2.0], [-5.0]], F32)
    on, off = encoding.on_off(signal, 1.0)
    # levels: 0, 0, 1, 1, 3, 3, 2, 2, -5
    assert np.flatnonzero(on).tolist() == [2, 4]
    assert np.flatnonzero(off).tolist() == [6, 8]


def test_the_spikes_of_a_slow_signal_rebuild_it() -> None:
    signal = np.sin(np.linspace(0, 9, 400))[:, None].astype(F32) * np.array([1, 2], F32)
    on, off = (np.asarray(spikes, np.float64) for spikes in encoding.on_off(signal, 0.1))
    rebuilt = 0.1 * np.cumsum(on - off, axis=0)
    assert np.abs(rebuilt - signal).max() < 0.1 + 1e-5


def test_receptive_fields_are_those_of_bohte() -> None:
    responses = np.asarray(encoding.receptive_fields(np.array([-1.0, 0.5], F32), 5, -1.0, 2.0))
    centres = [-1 + (2 * i - 3) / 2 * 3 / 3 for i in range(1, 6)]
    width = 3 / 3 / 1.5
    expected = np.exp(-((np.array([[-1.0], [0.5]]) - centres) ** 2) / (2 * width**2))
    np.testing.assert_allclose(responses, expected.ravel(), rtol=1e-5)
    times = encoding.latency(responses, 10.0, least=0.1)
    np.testing.assert_array_equal(np.isinf(times), responses < 0.1)


TIMES = np.array([3.2, 0.1, 3.9, 0.2, 1.0])
NEURONS = np.array([1, 0, 1, 2, 0])


def test_events_in_any_order_become_trains_and_come_back() -> None:
    trains = encoding.trains_from_events(TIMES, NEURONS, 8, 3, 0.5)
    steps, neurons = jsnn.spike_list(trains)
    assert list(zip(steps.tolist(), neurons.tolist(), strict=True)) == [
        (0, 0),
        (0, 2),
        (2, 0),
        (6, 1),
        (7, 1),
    ]
    np.testing.assert_array_equal(trains, jsnn.spike_trains(steps, neurons, 8, 3))


def test_repeated_events_are_refused_counted_or_one_spike() -> None:
    once = encoding.trains_from_events(TIMES, NEURONS, 4, 3, repeated="once")
    counts = encoding.trains_from_events(TIMES, NEURONS, 4, 3, repeated="count")
    assert once.dtype == bool
    assert counts.dtype == np.int32
    assert counts[3, 1] == 2
    assert counts.sum() == 5
    np.testing.assert_array_equal(once, counts > 0)


def test_events_outside_are_dropped_by_name() -> None:
    times = np.array([np.nan, np.inf, -np.inf, -0.1, 4.0, 3.99])
    trains = encoding.trains_from_events(times, np.arange(6), 4, 6, outside="drop")
    np.testing.assert_array_equal(np.argwhere(trains), [[3, 5]])


def test_no_events_are_silence() -> None:
    assert not encoding.trains_from_events([], [], 4, 3).any()


KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: encoding.latency([1.2], 5.0), ValueError, "latency, values: given 1.2.*0 to 1"),
        (lambda: encoding.latency([np.nan], 5.0), ValueError, "latency, values: given nan"),
        (lambda: encoding.latency(X, -1.0), ValueError, "latency, last: given -1.0"),
        (lambda: encoding.log_latency(X, 0.0, 1.0), ValueError, "log_latency, tau: given 0"),
        (
            lambda: encoding.trains_from_times([1.0, 4.0], 4),
            ValueError,
            "times: given 4.0 ms; expected 0 to 4 ms, .* or infinity",
        ),
        (lambda: encoding.trains_from_times([-1.0], 4), ValueError, "times: given -1.0 ms"),
        (lambda: encoding.trains_from_times([np.nan], 4), ValueError, "times: given nan ms"),
        (lambda: encoding.bernoulli(KEY, [-0.1], 4), ValueError, "bernoulli, values: given -0.1"),
        (lambda: encoding.bernoulli(0, X, 4), TypeError, "bernoulli, key: given int"),
        (lambda: encoding.poisson(KEY, [-5.0], 4), ValueError, "poisson, rates: given -5.0 Hz"),
        (lambda: encoding.poisson(KEY, [np.nan], 4), ValueError, "poisson, rates: given nan Hz"),
        (lambda: encoding.on_off(X, 1.0), ValueError, r"on_off, signal: given shape \(3,\)"),
        (lambda: encoding.on_off(X[None], 0.0), ValueError, "on_off, threshold: given 0"),
        (lambda: encoding.receptive_fields(X, 2, 0.0, 1.0), ValueError, "num_fields: given 2"),
        (lambda: encoding.receptive_fields(X, 4, 1.0, 1.0), ValueError, "high - low: given 0"),
        (
            lambda: encoding.trains_from_events(TIMES, NEURONS, 4, 3),
            ValueError,
            "given 2 events of neuron 1 in step 3; expected one at most .*repeated=",
        ),
        (
            lambda: encoding.trains_from_events([1.0, np.nan, 9.0], [0, 0, 0], 4, 3),
            ValueError,
            "times: given nan ms; expected 0 to 4 ms .2 of 3 events.*outside=",
        ),
        (
            lambda: encoding.trains_from_events([1.0], [3], 4, 3, outside="drop"),
            ValueError,
            "neurons: given 3; expected 0 to 2",
        ),
        (
            lambda: encoding.trains_from_events([1.0, 2.0], [1], 4, 3),
            ValueError,
            r"given times of shape \(2,\) and neurons of shape \(1,\)",
        ),
        (
            lambda: encoding.trains_from_events([1.0], [1.0], 4, 3),
            TypeError,
            "neurons of float64; expected numbers in ms and integers",
        ),
        (
            lambda: encoding.trains_from_events([1.0], [1], 4, 3, repeated="twice"),
            ValueError,
            "repeated: given 'twice'",
        ),
    ],
)
def test_bad_encodings(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
