import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.surrogates import spike

superspike = jsnn.surrogates.superspike()

MARGINS = np.array([-2.0, -0.5, -1e-7, -0.0, 0.0, 1e-7, 0.5, 2.0], np.float32)


def test_a_spike_is_a_heaviside_step_that_is_one_at_zero() -> None:
    np.testing.assert_array_equal(spike(superspike, MARGINS), [0, 0, 0, 1, 1, 1, 1, 1])


def test_a_nan_margin_does_not_spike() -> None:
    assert spike(superspike, jnp.float32(jnp.nan)) == 0


def test_a_spike_has_the_dtype_of_its_margin() -> None:
    for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
        assert spike(superspike, jnp.zeros(3, dtype)).dtype == dtype


def test_the_jvp_is_the_superspike_formula() -> None:
    tangents = np.linspace(-3, 3, MARGINS.size).astype(np.float32)
    value, slope = jax.jvp(lambda m: spike(superspike, m), (MARGINS,), (tangents,))
    np.testing.assert_array_equal(value, MARGINS >= 0)
    expected = tangents / (1 + 10 * np.abs(MARGINS.astype(np.float64))) ** 2
    np.testing.assert_allclose(slope, expected, rtol=1e-5)


def test_the_gradient_is_that_of_any_surrogate_given() -> None:
    def triangle(margin: jax.Array) -> jax.Array:
        return jnp.maximum(0, 1 - jnp.abs(margin))

    slopes = jax.vmap(jax.grad(lambda m: spike(triangle, m)))(MARGINS)
    np.testing.assert_allclose(slopes, np.maximum(0, 1 - np.abs(MARGINS)), rtol=1e-6)


def test_forward_and_reverse_mode_agree() -> None:
    forward = jax.jacfwd(lambda m: spike(superspike, m))(MARGINS)
    reverse = jax.jacrev(lambda m: spike(superspike, m))(MARGINS)
    np.testing.assert_allclose(forward, reverse, rtol=1e-6)


def test_second_derivatives_in_a_scan_are_those_of_the_steps_written_out() -> None:
    def advance(v: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        v = v + x
        spiked = spike(superspike, v - 1)
        return v * (1 - spiked), spiked * (1 + v)

    def scanned(x: jax.Array) -> jax.Array:
        return jnp.sum(jax.lax.scan(advance, jnp.zeros((), x.dtype), x)[1] ** 2)

    def written_out(x: jax.Array) -> jax.Array:
        v, total = jnp.zeros((), x.dtype), jnp.zeros((), x.dtype)
        for each in x:
            v, y = advance(v, each)
            total = total + y**2
        return total

    x = jnp.asarray([0.6, 0.5, 0.7])
    expected = jax.jacfwd(jax.jacfwd(written_out))(x)
    assert np.all(expected[:2, :2] != 0)
    for second in (jax.hessian, lambda f: jax.jacrev(jax.jacrev(f))):
        np.testing.assert_allclose(second(scanned)(x), expected, rtol=1e-4, atol=1e-6)


def test_each_surrogate_is_the_derivative_of_its_published_function() -> None:
    """Compare with central differences of the smooth steps, in float64 by NumPy."""
    u, width, height, h = np.linspace(-2.05, 2.05, 24), 0.7, 1.3, 1e-6
    steps = {
        "superspike": lambda u: u / (1 + np.abs(u) / width),
        "arctan": lambda u: width * np.arctan(u / width),
        "sigmoid": lambda u: 4 * width / (1 + np.exp(-u / width)),
        "triangular": lambda u: (
            np.sign(u) * (width - np.maximum(width - np.abs(u), 0) ** 2 / width) / 2
        ),
        "rectangular": lambda u: np.clip(u, -width / 2, width / 2),
        "gaussian": lambda u: (
            width * np.array([math.erf(x / width / 2**0.5) for x in u]) * (np.pi / 2) ** 0.5
        ),
    }
    for name, step in steps.items():
        given = getattr(jsnn.surrogates, name)(width, height)(jnp.asarray(u, jnp.float32))
        expected = height * (step(u + h) - step(u - h)) / (2 * h)
        np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6, err_msg=name)
    straight = jsnn.surrogates.straight_through(height)(jnp.asarray(u, jnp.float32))
    np.testing.assert_allclose(straight, height, rtol=1e-6)


@pytest.mark.parametrize("name", ["superspike", "arctan", "sigmoid", "triangular", "gaussian"])
def test_surrogates_of_equal_numbers_are_equal_and_have_height_one(name: str) -> None:
    function = getattr(jsnn.surrogates, name)
    assert function(0.5) == function(0.5)
    assert hash(function(0.5)) == hash(function(0.5))
    assert function(0.5) != function(0.25)
    assert function()(jnp.float32(0)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), r"surrogate, width: given 0; expected a number > 0"),
        ((-1.0,), r"surrogate, width: given -1; expected a number > 0"),
        ((1.0, float("nan")), r"surrogate, height: given nan"),
        (("wide",), r"surrogate, width: given str 'wide'; expected a number"),
    ],
)
def test_a_surrogate_without_a_width_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        jsnn.surrogates.arctan(*arguments)


def test_what_makes_a_surrogate_is_none() -> None:
    message = r"given jsnn\.surrogates\.arctan, which .* expected jsnn\.surrogates\.arctan\(\)"
    for give in (
        jsnn.gradients.surrogate,
        lambda x: dataclasses.replace(jsnn.LIF, surrogate=x),
    ):
        with pytest.raises(TypeError, match=message):
            give(jsnn.surrogates.arctan)
        with pytest.raises(TypeError, match=r"surrogate: given 'arctan'; expected a function"):
            give("arctan")


def test_a_threshold_in_millivolts_learns_like_a_threshold_of_one() -> None:
    """Compare the gradients of the spikes of a neuron in mV and in units of its threshold."""

    def counts(scale: float, rest: float) -> Callable[[jax.Array], jax.Array]:
        params = {"v_rest": rest, "v_reset": rest, "v_thresh": rest + scale, "r_m": scale}
        cells = jsnn.Population("a", 3, jsnn.LIF, {**params, "tau_refrac": 1.0}, {"v": rest})
        network, record = jsnn.Network([cells]), {"n": jsnn.SpikeCount("a")}
        return lambda i: jsnn.simulate(network, {"a": i}, 60, record=record)[1]["n"]

    at = jnp.asarray([1.3, 1.7, 2.6], jnp.float32)
    (spikes, of_one), (others, in_mv) = (
        jax.jvp(counts(*unit), (at,), (jnp.ones(3),)) for unit in ((1.0, 0.0), (19.0, -70.0))
    )
    np.testing.assert_array_equal(spikes, others)
    assert np.all(of_one > 0.1)
    np.testing.assert_allclose(in_mv, of_one, rtol=2e-3)


def test_the_derivative_passes_through_a_reset_only_if_asked() -> None:
    """With a soft reset and a surrogate of 1: dV/dI of N steps is N, less θ dS/dI of each."""
    straight = jsnn.surrogates.straight_through()

    def slope(through: bool) -> float:
        model = dataclasses.replace(jsnn.IF_SOFT_RESET, surrogate=straight, reset_gradient=through)
        network = jsnn.Network([jsnn.Population("a", 1, model)])
        record = {"v": jsnn.FinalVariable("a")}
        v = lambda i: jsnn.simulate(network, {"a": i}, 4, record=record)[1]["v"].sum()  # noqa: E731
        return float(jax.grad(v)(0.4))

    expected = 0.0
    for _ in range(4):
        expected = expected + 1 - (expected + 1)  # V' = V + 1 before the reset, and dS = V'
    assert slope(False) == 4
    assert slope(True) == expected == 0
