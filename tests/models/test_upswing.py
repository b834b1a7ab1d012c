"""Exponential and quadratic integrate-and-fire neurons against their closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import jsnn
from tests.models.test_neuron_catalogue import simulated
from tests.networks import F32

CURRENTS = np.array([0.5, 1.0, 3.0])


def params_of(model: jsnn.NeuronModel) -> dict[str, float]:
    return {name: float(quantity.default) for name, quantity in model.params.items()}


def eif_period(current: float) -> float:
    """The refractory time and the integral of 1 / (dV/dt) from v_reset to v_cut."""
    p = params_of(jsnn.EIF)

    def slowness(v: float) -> float:
        upswing = p["delta_t"] * np.exp((v - p["v_t"]) / p["delta_t"])
        return p["tau_m"] / (p["v_rest"] - v + upswing + p["r_m"] * current)

    return p["tau_refrac"] + quad(slowness, p["v_reset"], p["v_cut"], points=[p["v_t"]])[0]


def qif_period(current: float) -> float:
    """The integral of 1 / (dV/dt), which is an arctangent."""
    p = params_of(jsnn.QIF)
    middle, half = (p["v_rest"] + p["v_crit"]) / 2, (p["v_crit"] - p["v_rest"]) / 2
    scale = np.sqrt(p["r_m"] * current / p["a"] - half**2)
    ends = np.arctan((np.array([p["v_reset"], p["v_cut"]]) - middle) / scale)
    return p["tau_m"] / (p["a"] * scale) * (ends[1] - ends[0])


@pytest.mark.parametrize(
    ("model", "period"),
    [(jsnn.EIF, eif_period), (jsnn.QIF, qif_period)],
    ids=["EIF", "QIF"],
)
def test_periods_converge_to_the_closed_form(model: jsnn.NeuronModel, period: Any) -> None:
    exact = np.array([period(current) for current in CURRENTS])

    def error(dt: float) -> np.ndarray:
        with jax.enable_x64(True):
            spikes, _ = simulated(model, CURRENTS, 14_000, dt)
        times = [(np.flatnonzero(column) + 1) * dt for column in spikes.T]
        assert min(map(len, times)) > 1
        return np.array([(t[-1] - t[0]) / (len(t) - 1) for t in times]) - exact

    coarse, fine = error(0.1), error(0.0125)
    assert (np.abs(fine) < 0.1).all()
    np.testing.assert_allclose(coarse / fine, 8, rtol=0.5)


def test_without_enough_input_they_rest_where_their_currents_balance() -> None:
    _, v = simulated(jsnn.QIF, np.array([-1.0, 0.0, 0.15]), 400, 1.0)
    p = params_of(jsnn.QIF)
    root = np.sqrt(7.5**2 - p["r_m"] * np.array([-1.0, 0.0, 0.15]) / p["a"])
    np.testing.assert_allclose(v[-1], -57.5 - root, rtol=1e-5)
    spikes, v = simulated(jsnn.EIF, np.array([-1.0, 0.0, 0.07]), 400, 1.0)
    assert not spikes.any()
    upswing = 3.48 * np.exp((v[-1].astype(float) + 59.9) / 3.48)
    np.testing.assert_allclose(v[-1], -65 + upswing + 20 * np.array([-1.0, 0.0, 0.07]), atol=2e-3)


def test_max_dt_of_qif_is_where_euler_ceases_to_decay() -> None:
    model = jsnn.QIF
    limit = float(model.max_dt({name: jnp.float32(v) for name, v in params_of(model).items()}))
    x = {"v": jnp.float32([-65.01])}
    p = {name: jnp.full(1, v, F32) for name, v in params_of(model).items()}
    for factor, decays in ((0.95, True), (1.05, False)):
        after = model.update(p, x, jnp.zeros(1, F32), F32(factor * limit))
        assert (abs(after["v"][0] + 65) < abs(x["v"][0] + 65)) == decays


def test_eif_survives_any_exponent_in_float32() -> None:
    """V comes to 100 Δ_T above V_T, of which exp is infinite: still spikes, and a gradient."""
    network = jsnn.Network([jsnn.Population("a", 1, jsnn.EIF, {"delta_t": 0.2})])
    record = {"count": jsnn.SpikeCount("a"), "v": jsnn.Variable("a")}

    def run(current: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        kept = jsnn.simulate(network, {"a": current}, 30, record=record)[1]
        return kept["count"].sum(), kept

    slope, kept = jax.grad(run, has_aux=True)(jnp.float32(16.0))
    assert kept["v"].max() > -59.9 + 89 * 0.2
    assert kept["count"] > 3
    assert np.isfinite(kept["v"]).all()
    assert np.isfinite(slope)


@pytest.mark.parametrize("model", [jsnn.EIF, jsnn.QIF], ids=lambda model: model.name)
def test_a_neuron_has_the_same_bits_alone_and_in_a_batch(model: jsnn.NeuronModel) -> None:
    """One of the sizes for which XLA has other routines is 13."""
    assert jsnn.check_model(model) is None
    rng = np.random.default_rng(0)
    params = {k: (v * rng.uniform(0.98, 1.02, 13)).astype(F32) for k, v in params_of(model).items()}
    network = jsnn.Network([jsnn.Population("a", 13, model, params)], dt=0.1)
    record = {"v": jsnn.Variable("a")}

    def run(network: jsnn.Network, current: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {"a": current}, 200, record=record)[1]["v"]

    currents = rng.uniform(0, 4, (3, 13)).astype(F32)
    together = np.asarray(jax.jit(jax.vmap(run, (None, 0)))(network, currents))
    np.testing.assert_array_equal(run(network, currents[1]), together[1])
    assert together.max() > -40
