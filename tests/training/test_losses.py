"""Losses against closed forms and optax."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jsnn
from jsnn import losses
from tests.networks import F32

C = 4
SCORES = np.array([0.3, -1.2, 2.0, 0.9], F32)


def value(loss: losses.Loss, recorded: Any, target: Any = None) -> jax.Array:
    """The value of a loss of one recording."""
    (name,) = loss.record
    return loss.value({name: jnp.asarray(recorded)}, target)


def gradient(loss: losses.Loss, recorded: Any, target: Any = None) -> np.ndarray:
    return np.asarray(jax.grad(lambda x: value(loss, x, target))(jnp.asarray(recorded)))


@pytest.mark.parametrize("label", range(C))
def test_cross_entropy_is_that_of_optax(label: int) -> None:
    loss = losses.cross_entropy(jsnn.max_voltage("out"))
    expected = optax.softmax_cross_entropy_with_integer_labels(SCORES, label)
    np.testing.assert_allclose(value(loss, SCORES, label), expected, rtol=1e-6)
    shares = np.exp(SCORES) / np.exp(SCORES).sum()
    np.testing.assert_allclose(gradient(loss, SCORES, label), shares - np.eye(C)[label], atol=1e-6)


@pytest.mark.parametrize("label", [-1, C, 2**31 - 1])
def test_a_label_outside_the_classes_is_nan_in_a_compiled_loss(label: int) -> None:
    loss = losses.cross_entropy(jsnn.max_voltage("out"))
    assert np.isnan(jax.jit(lambda label: value(loss, SCORES, label))(label))


def test_large_scores_do_not_overflow() -> None:
    loss = losses.cross_entropy(jsnn.max_voltage("out"))
    assert value(loss, SCORES * 1e6, 1) == pytest.approx(3.2e6, rel=1e-6)


def test_cross_entropy_of_first_spikes_is_least_for_the_first() -> None:
    loss = losses.cross_entropy(jsnn.first_spike("out"))
    times = np.array([5.0, 2.0, -20.0, 9.0], F32)  # neuron 2 is silent until 20 ms
    expected = optax.softmax_cross_entropy_with_integer_labels(-np.abs(times), 1)
    np.testing.assert_allclose(value(loss, times, 1), expected, rtol=1e-6)
    assert gradient(loss, times, 1)[0] < 0 < gradient(loss, times, 1)[1]


TIMES = np.array([3.0, 4.5, 2.5, 6.0])


def first_spike_loss(times: np.ndarray, label: int, tau: float, alpha: float) -> float:
    xi, beta = 0.3, 2.0
    apart = np.exp(-(times - times[label]) / (xi * tau)).sum()
    return float(np.log(apart) + alpha * np.exp(times[label] / (beta * tau)))


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_first_spike_loss_and_its_gradient(alpha: float) -> None:
    loss = losses.first_spike_loss("out", 2.0, xi=0.3, alpha=alpha, beta=2.0)
    times = TIMES.astype(F32)
    for label in range(C):
        expected = first_spike_loss(TIMES, label, 2.0, alpha)
        np.testing.assert_allclose(value(loss, times, label), expected, rtol=1e-5)
        slopes = [
            (
                first_spike_loss(TIMES + 1e-5 * unit, label, 2.0, alpha)
                - first_spike_loss(TIMES - 1e-5 * unit, label, 2.0, alpha)
            )
            / 2e-5
            for unit in np.eye(C)
        ]
        np.testing.assert_allclose(gradient(loss, times, label), slopes, rtol=1e-4, atol=1e-6)


def test_first_spike_loss_without_its_second_term_is_invariant_in_time() -> None:
    loss = losses.first_spike_loss("out", 2.0, alpha=0.0)
    times = TIMES.astype(F32)
    np.testing.assert_allclose(value(loss, times + 7, 0), value(loss, times, 0), rtol=1e-5)
    np.testing.assert_allclose(gradient(loss, times, 0).sum(), 0, atol=1e-6)


def test_mean_squared_error_of_what_is_recorded() -> None:
    rates, targets = np.array([10.0, 0.0, 40.0], F32), np.array([20, 0, 10])
    loss = losses.mean_squared_error(jsnn.Rate("out"))
    np.testing.assert_allclose(value(loss, rates, targets), 1000 / 3, rtol=1e-6)
    np.testing.assert_allclose(gradient(loss, rates, targets), [-20 / 3, 0, 20], rtol=1e-6)


RATES = np.array([0.0, 10.0, 50.0, 90.0], F32)


def test_bounds_of_rates_cost_beyond_them_alone() -> None:
    above, below = losses.rates_above("hidden", 50.0), losses.rates_below("hidden", 20.0)
    assert value(above, RATES) == 40**2 / 4
    assert value(below, RATES) == (20**2 + 10**2) / 4
    np.testing.assert_array_equal(gradient(above, RATES), [0, 0, 0, 20])
    np.testing.assert_array_equal(gradient(below, RATES), [-10, -5, 0, 0])


def distance(times: np.ndarray, targets: np.ndarray, tau: float) -> float:
    """The squared van Rossum distance of two trains, as a sum over pairs of spikes."""

    def pairs(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-np.abs(a[:, None] - b[None]) / tau).sum())

    same = pairs(times, times) + pairs(targets, targets)
    return (same - 2 * pairs(times, targets)) / 2


def van_rossum_of(
    spikes: jax.Array, shifts: jax.Array, target: np.ndarray, dt: float, tau: float
) -> jax.Array:
    loss = losses.van_rossum("out", tau)
    trains, step = loss.record
    return loss.value({trains: (spikes, shifts), step: jnp.float32(dt)}, target)


SPIKES = np.random.default_rng(0).random((30, 3)) < 0.15
TARGET = np.random.default_rng(1).random((30, 3)) < 0.15


@pytest.mark.parametrize(("dt", "tau"), [(1.0, 5.0), (0.5, 0.7)])
def test_van_rossum_is_the_sum_over_pairs_of_spikes(dt: float, tau: float) -> None:
    spikes = jnp.asarray(SPIKES, F32)
    got = van_rossum_of(spikes, 0 * spikes, TARGET, dt, tau)
    times = [dt * (1 + np.flatnonzero(train)) for train in SPIKES.T]
    targets = [dt * (1 + np.flatnonzero(train)) for train in TARGET.T]
    expected = sum(distance(a, b, tau) for a, b in zip(times, targets, strict=True))
    assert expected > 1
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_missing_spike_has_the_distance_of_one_half() -> None:
    silent = jnp.zeros((10, 1))
    target = np.arange(10)[:, None] == 9
    assert van_rossum_of(silent, silent, target, 1.0, 3.0) == 0.5
    assert van_rossum_of(silent, silent, silent, 1.0, 3.0) == 0


@pytest.mark.parametrize("shift", [0.0, -0.3])
def test_van_rossum_has_the_derivative_of_the_times_of_spikes(shift: float) -> None:
    dt, tau = 1.0, 4.0
    spikes = jnp.asarray(SPIKES[:, :1], F32)
    shifts = shift * spikes
    times = 1.0 + np.flatnonzero(SPIKES[:, 0]) + shift
    targets = 1.0 + np.flatnonzero(TARGET[:, 0])
    np.testing.assert_allclose(
        van_rossum_of(spikes, shifts, TARGET[:, :1], dt, tau),
        distance(times, targets, tau),
        rtol=1e-5,
    )
    slopes = jax.grad(van_rossum_of, argnums=1)(spikes, shifts, TARGET[:, :1], dt, tau)
    apart = ~np.isin(times, targets)  # on a target the distance has a kink
    expected = [
        (distance(times + 1e-5 * e, targets, tau) - distance(times - 1e-5 * e, targets, tau)) / 2e-5
        for e in np.eye(len(times))
    ]
    got = np.asarray(slopes)[SPIKES[:, 0], 0]
    np.testing.assert_allclose(got[apart], np.array(expected)[apart], rtol=1e-4, atol=1e-5)
    assert apart.any()


def both() -> losses.Loss:
    return losses.cross_entropy(jsnn.spike_count("out")) + 0.5 * losses.rates_above("out", 20.0)


def test_losses_add_and_scale() -> None:
    loss = 3 * both()
    counts, rate = np.array([2.0, 1.0], F32), np.array([40.0, 20.0], F32)
    names = [name for name in loss.record if "Rate" in name]
    recorded = {name: rate if name in names else counts for name in loss.record}
    expected = 3 * (np.log(1 + np.exp(-1)) + 0.5 * 20**2 / 2)
    np.testing.assert_allclose(loss.value(recorded, 0), expected, rtol=1e-6)


def test_a_loss_is_a_value() -> None:
    assert both() == both()
    assert hash(both()) == hash(both())
    assert both() != losses.cross_entropy(jsnn.spike_count("out"))
    assert losses.rates_above("a", 1.0) != losses.rates_below("a", 1.0)
    shared = losses.rates_above("a", 9.0) + losses.rates_below("a", 1.0)
    assert len(shared.record) == 1


def leaky(weights: jax.Array) -> jsnn.Network:
    return jsnn.Network(
        [jsnn.Population("in", 5, jsnn.IF), jsnn.Population("out", 3, jsnn.LEAKY_INTEGRATOR)],
        [jsnn.Projection("in", "out", jsnn.Dense(weights))],
    )


@pytest.mark.parametrize(
    "loss",
    [
        losses.cross_entropy(jsnn.mean_voltage("out")),
        losses.cross_entropy(jsnn.max_voltage("out")),
        losses.cross_entropy(jsnn.last_voltage("out"))
        + 0.1 * losses.cross_entropy(jsnn.sum_voltage("out")),
    ],
    ids=["mean", "max", "last and sum"],
)
def test_gradient_of_a_run_is_that_of_finite_differences(loss: losses.Loss) -> None:
    currents = np.array([0.2, 0.5, 0.3, 0.9, 0.1], F32)
    weights = np.random.default_rng(2).normal(0, 1, (5, 3)).astype(F32)
    loss.check(leaky(weights), [0, 1, 2])

    @jax.jit
    def of(weights: jax.Array) -> jax.Array:
        drive = {"in": currents}
        recorded = jsnn.simulate(leaky(weights), drive, 15, record=loss.record)[1]
        return loss.value(recorded, 1)

    direction = np.random.default_rng(3).normal(0, 1, weights.shape).astype(F32)
    step = F32(1e-2)
    difference = (of(weights + step * direction) - of(weights - step * direction)) / (2 * step)
    slope = (jax.grad(of)(weights) * direction).sum()
    np.testing.assert_allclose(slope, difference, rtol=2e-3)
    assert abs(slope) > 1e-3


@pytest.mark.parametrize(
    "loss",
    [
        losses.first_spike_loss("out", 5.0),
        losses.cross_entropy(jsnn.first_spike("out")),
        losses.rates_below("out", 500.0),
        losses.mean_squared_error(jsnn.SpikeCount("out")),
        losses.van_rossum("out", 5.0),
    ],
    ids=["first spike", "cross entropy", "rates", "counts", "van Rossum"],
)
def test_losses_of_spikes_have_the_gradient_of_the_surrogate(loss: losses.Loss) -> None:
    network = jsnn.Network([jsnn.Population("out", 2, jsnn.IF)])
    targets = {"SpikeCount": np.array([3, 3]), "_Trains": np.eye(2, dtype=bool).repeat(5, 0)}
    target = next((t for kind, t in targets.items() if kind in repr(loss.record)), 0)

    def of(current: jax.Array) -> jax.Array:
        recorded = jsnn.simulate(network, {"out": current}, 10, record=loss.record)[1]
        return loss.value(recorded, target)

    slope = jax.grad(of)(jnp.array([0.15, 0.3], F32))
    assert np.isfinite(slope).all()
    assert slope[0] < 0  # an earlier spike of neuron 0, or more of them


OUT = jsnn.Network([jsnn.Population("out", 2, jsnn.IF)])


def drawn(readout: Any) -> jsnn.Readout:
    return jsnn.Readout("out", jsnn.SpikeCount("out"), readout)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: losses.cross_entropy(drawn(np.argmax)),
            ValueError,
            r"cross_entropy: given a readout of 'out' without scores; expected .*scores=",
        ),
        (lambda: losses.cross_entropy("out"), TypeError, "cross_entropy, readout: given str"),
        (lambda: losses.van_rossum("out", 0.0), ValueError, "van_rossum, tau: given 0; expected"),
        (lambda: losses.first_spike_loss("out", -1.0), ValueError, "first_spike_loss, tau: given"),
        (lambda: losses.first_spike_loss("out", 1.0, xi=0.0), ValueError, "first_spike_loss, xi"),
        (
            lambda: losses.first_spike_loss("out", 1.0, silent=-1.0),
            ValueError,
            "first_spike_loss, silent: given -1.0; expected a finite number >= 0",
        ),
        (lambda: losses.rates_above("out", -1.0), ValueError, "rates_above, hz: given -1.0"),
        (lambda: losses.rates_below("out", "5"), TypeError, "rates_below, hz: given str '5'"),
        (lambda: "2" * both(), TypeError, "loss, factor: given str"),
        (lambda: losses.Loss("out", np.sum), TypeError, "loss, record: given the name 'out'"),
        (lambda: losses.Loss({}, None), TypeError, "loss, value: given NoneType; expected a func"),
        (lambda: losses.scalar(jnp.zeros(2)), TypeError, r"returned float32 of shape \(2,\)"),
        (lambda: losses.scalar(jnp.int32(2)), TypeError, r"loss, value: returned int32"),
        (lambda: losses.scalar(1.0), TypeError, "loss, value: returned float; expected a float"),
        (lambda: losses.scalar(None), TypeError, "returned NoneType; expected a float arr"),
        (
            lambda: (
                losses.Loss({"a": jsnn.Rate("a")}, np.sum)
                + losses.Loss({"a": jsnn.Rate("b")}, np.sum)
            ),
            ValueError,
            "given two recordings of the name 'a'",
        ),
        (lambda: losses.rates_above("ou", 1.0).check(OUT), ValueError, "population 'ou'; did you"),
        (lambda: losses.van_rossum("o", 1.0).check(OUT), ValueError, "unknown population 'o'"),
        (
            lambda: losses.cross_entropy(jsnn.max_voltage("out", "u")).check(OUT),
            ValueError,
            "unknown variable 'u'",
        ),
        (lambda: both().check(OUT, [0, 2]), ValueError, "given 2 at index 1; expected 0 to 1"),
        (lambda: both().check(OUT, [0.5]), TypeError, "given float64 of shape"),
        (
            lambda: value(losses.cross_entropy(jsnn.max_voltage("out")), SCORES, np.eye(4)[0]),
            TypeError,
            "loss of 'out', target: given float.* of shape .*; expected a label",
        ),
        (
            lambda: value(losses.mean_squared_error(jsnn.Rate("out")), RATES, np.zeros(3)),
            ValueError,
            r"target: given shape \(3,\); expected \(4,\)",
        ),
        (
            lambda: value(losses.mean_squared_error(jsnn.Rate("out")), RATES, RATES * np.nan),
            ValueError,
            "target: 4 of 4 values are NaN",
        ),
        (
            lambda: value(losses.mean_squared_error(jsnn.Spikes("out")), [True, False], [1, 0]),
            TypeError,
            r"loss of Spikes.*: recorded bool, which has no gradient; expected",
        ),
        (
            lambda: value(losses.mean_squared_error(jsnn.FirstSpike("out")), [3, -1], [1, 0]),
            TypeError,
            r"loss of FirstSpike.*: recorded int32",
        ),
    ],
)
def test_bad_losses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
