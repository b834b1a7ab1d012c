"""Integrators against exact solutions, a high-order integration and their order of convergence."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jsnn
from jsnn.models.integrators import exprel, relax


def van_der_pol(x: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {"y": (1 - x["x"] ** 2) * x["y"] - x["x"], "x": x["y"]}


def linear(x: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Each variable has its own equation; "still" has none."""
    return {"fast": 3 - 40 * x["fast"], "constant": 2 + 0 * x["constant"]}


START = {"x": np.array([2.0, 0.5]), "y": np.array([0.0, -1.0])}
T_END = 2.0


def van_der_pol_error(step: Callable[..., dict[str, jax.Array]], num_steps: int) -> float:
    x = {name: jnp.asarray(value) for name, value in START.items()}
    dt = jnp.asarray(T_END / num_steps)
    end = jsnn.substeps(lambda x, dt: step(van_der_pol, x, dt), x, dt * num_steps, num_steps)
    worst = 0.0
    for neuron in range(2):
        exact = solve_ivp(
            lambda t, s: [s[1], (1 - s[0] ** 2) * s[1] - s[0]],
            (0, T_END),
            [START["x"][neuron], START["y"][neuron]],
            method="DOP853",
            rtol=1e-12,
            atol=1e-12,
        ).y[:, -1]
        worst = max(worst, abs(end["x"][neuron] - exact[0]), abs(end["y"][neuron] - exact[1]))
    return float(worst)


@pytest.mark.parametrize(
    ("step", "order"), [(jsnn.euler, 1), (jsnn.exponential_euler, 1), (jsnn.rk4, 4)]
)
def test_halving_the_step_divides_the_error_by_two_to_the_order(step, order: int) -> None:
    with jax.enable_x64(True):
        coarse, fine = (van_der_pol_error(step, num_steps) for num_steps in (200, 400))
    assert fine < 0.02
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("dt", [1e-4, 0.1, 10.0])
def test_exponential_euler_is_exact_for_linear_equations_whatever_the_step(dt: float) -> None:
    with jax.enable_x64(True):
        x = {"fast": jnp.ones(3), "constant": jnp.zeros(3), "still": jnp.arange(3)}
        got = jsnn.exponential_euler(linear, x, jnp.asarray(dt))
    decay = np.exp(-40 * dt)
    np.testing.assert_allclose(got["fast"], decay + 3 / 40 * (1 - decay), rtol=1e-13)
    np.testing.assert_allclose(got["constant"], 2 * dt, rtol=1e-13)
    np.testing.assert_array_equal(got["still"], [0, 1, 2])


@pytest.mark.parametrize("step", [jsnn.euler, jsnn.exponential_euler, jsnn.rk4])
def test_what_has_no_equation_stays_as_it_is(step) -> None:
    x = {"fast": jnp.ones(2), "constant": jnp.ones(2), "spiked": jnp.array([True, False])}
    got = jax.jit(partial(step, linear))(x, jnp.float32(0.01))
    assert got.keys() == x.keys()
    assert got["spiked"].dtype == bool
    np.testing.assert_array_equal(got["spiked"], x["spiked"])
    assert all(got[name].dtype == jnp.float32 for name in ("fast", "constant"))


def test_substeps_are_steps_of_a_fraction_of_dt() -> None:
    x = {name: jnp.asarray(value, jnp.float32) for name, value in START.items()}
    by_hand = x
    for _ in range(4):
        by_hand = jsnn.euler(van_der_pol, by_hand, jnp.float32(0.125))
    got = jsnn.substeps(partial(jsnn.euler, van_der_pol), x, jnp.float32(0.5), 4)
    for name in x:
        np.testing.assert_allclose(got[name], by_hand[name], rtol=1e-6)


def test_relaxing_is_the_exact_solution_of_a_leak() -> None:
    with jax.enable_x64(True):
        left = jsnn.decay(jnp.asarray(20.0), jnp.asarray(5.0))
        got = relax(jnp.asarray(3.0), jnp.asarray(-1.0), left)
    assert got == pytest.approx(-1 + 4 * np.exp(-0.25), rel=1e-14)


def test_exprel_and_its_slope_are_those_of_the_series() -> None:
    z = np.array([-30.0, -1.0, -2e-5, -1e-5, -1e-7, 0.0, 1e-12, 1e-5, 3e-5, 1.0, 30.0])
    powers = np.arange(150.0)
    factorials = np.cumprod(np.maximum(powers, 1))
    expected = [(value**powers / (factorials * (powers + 1))).sum() for value in z]
    slopes = [
        (powers[1:] * value ** (powers[1:] - 1) / (factorials * (powers + 1))[1:]).sum()
        for value in z
    ]
    with jax.enable_x64(True):
        got, slope = jax.vmap(jax.value_and_grad(exprel))(jnp.asarray(z))
    np.testing.assert_allclose(got[1:], expected[1:], rtol=1e-10)
    np.testing.assert_allclose(slope[1:], slopes[1:], rtol=1e-5)
    np.testing.assert_allclose(got[0], (1 - np.exp(-30)) / 30, rtol=1e-14)
