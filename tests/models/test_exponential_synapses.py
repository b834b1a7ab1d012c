"""LIF neurons with exponential synapses against matrix exponentials and high-order integration."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import jsnn
from jsnn.models.exponential import mean_exp
from tests.networks import F32

MODELS = {"i": jsnn.LIF_CURR_EXP, "g": jsnn.LIF_COND_EXP}
NEVER = {"v_thresh": 1e6}
DT = 0.5
ARRIVE = {3: (0.5, 0.0), 7: (0.25, -0.5), 20: (0.0, -0.75)}
"""Steps in which spikes arrive: their weights at "excitatory" and at "inhibitory"."""
NUM_STEPS = 40


def simulated(
    model: jsnn.NeuronModel,
    params: dict[str, Any],
    num_steps: int = NUM_STEPS,
    *,
    arrive: Any = ARRIVE,
    current: Any = 0.0,
    size: int = 1,
    dt: float = DT,
    sign: float = 1.0,
) -> dict[str, np.ndarray]:
    """Return spikes and variables, [T, N], of neurons that spikes reach in the given steps."""
    dtype = jnp.result_type(float)
    trains = np.zeros((num_steps, 2 * len(arrive)), bool)
    weights = np.zeros((2, 2 * len(arrive), size), dtype)
    for k, (step, (excitation, inhibition)) in enumerate(arrive.items()):
        trains[step - 1, k] = True
        weights[0, k], weights[1, k] = excitation, sign * inhibition
    network = jsnn.Network(
        [
            jsnn.Population("in", trains.shape[1], jsnn.SPIKE_SOURCE),
            jsnn.Population("a", size, model, params),
        ],
        [
            jsnn.Projection("in", "a", jsnn.Dense(w), name=target, target=target)
            for target, w in zip(("excitatory", "inhibitory"), weights, strict=True)
        ],
        dt=dt,
    )
    record = {name: jsnn.Variable("a", name) for name in model.variables}
    record["spikes"] = jsnn.Spikes("a")
    drive = {"in": jsnn.over_time(trains.astype(dtype)), "a": np.asarray(current, dtype)}
    return jax.tree.map(np.asarray, jsnn.simulate(network, drive, num_steps, record=record)[1])


@pytest.mark.parametrize(
    "tau_syn", [5.0, 20.0, 20.000001, 19.9, 0.01, 300.0], ids=lambda tau: f"tau_syn {tau}"
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_currents_are_integrated_as_by_the_matrix_exponential(tau_syn: float, dtype: str) -> None:
    """The state is (V, i_e, i_i, 1), and the time constants of both are the same or nearly so."""
    tau_m, r_m, v_rest, constant = 20.0, 8.0, -60.0, 0.3
    params = {"tau_m": tau_m, "r_m": r_m, "v_rest": v_rest, "i_offset": 0.1} | NEVER
    with jax.enable_x64(dtype == "float64"):
        cast = {k: np.dtype(dtype).type(v) for k, v in params.items()}
        taus = {"tau_syn_e": np.dtype(dtype).type(tau_syn), "tau_syn_i": np.dtype(dtype).type(8)}
        got = simulated(jsnn.LIF_CURR_EXP, cast | taus, current=constant)
    of_e = float(taus["tau_syn_e"])
    pull = (v_rest + r_m * (constant + 0.1)) / tau_m
    rates = np.array(
        [
            [-1 / tau_m, r_m / tau_m, r_m / tau_m, pull],
            [0, -1 / of_e, 0, 0],
            [0, 0, -1 / 8, 0],
            [0, 0, 0, 0],
        ]
    )
    step, x, expected = expm(rates * DT), np.array([-65.0, 0, 0, 1]), []
    for n in range(NUM_STEPS):
        x[1:3] += ARRIVE.get(n, 0)
        x = step @ x
        expected.append(x.copy())
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for k, name in enumerate(("v", "i_e", "i_i")):
        trace = np.array(expected)[:, k]
        np.testing.assert_allclose(got[name][:, 0], trace, rtol=tolerance, atol=tolerance)
    assert np.ptp(np.array(expected)[:, 0]) > 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_of_exp_is_accurate_however_near_its_ends_are(dtype: str) -> None:
    """Against ∫ exp(b + s (a - b)) ds from 0 to 1, by Gauss-Legendre quadrature."""
    b = np.array([0.0, -1e-3, -0.5, -5.0, -20.0])[:, None]
    apart = np.array([0, 1e-12, -1e-9, 1e-6, -1e-4, 0.01, -0.3, 0.999, -0.999, 1.001, -3, 12, -50])
    ends = [np.broadcast_to(end, (5, 13)).astype(dtype) for end in (b + apart, b)]
    a, b = (end.astype(float) for end in ends)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    s = (nodes[:, None, None] + 1) / 2
    values, areas = np.exp(b + s * (a - b)), weights[:, None, None] / 2
    with jax.enable_x64(dtype == "float64"):
        mean = jax.jit(mean_exp)(*ends)
        of_each, slope = jax.jit(jax.vmap(jax.vmap(jax.value_and_grad(mean_exp))))(*ends)
        scalar = jax.jit(mean_exp)(*(end[2, 5] for end in ends))
        assert mean[2, 5] == of_each[2, 5] == scalar
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(mean, (areas * values).sum(axis=0), rtol=tolerance)
    np.testing.assert_allclose(slope, (areas * s * values).sum(axis=0), rtol=50 * tolerance)


def test_slopes_are_smooth_where_time_constants_are_equal() -> None:
    """First and second derivative of V by tau_syn_e; r_m w t/τ exp(-t/τ) is V itself."""
    arrive, tau, steps = {1: (1.0, 0.0)}, 10.0, 9

    def v(tau_syn: jax.Array) -> jax.Array:
        params = {"tau_m": tau, "tau_syn_e": tau_syn, "r_m": 2.0} | NEVER
        model = jsnn.LIF_CURR_EXP
        p = {name: jnp.asarray(params.get(name, q.default)) for name, q in model.params.items()}
        dt = jnp.asarray(DT)
        p = model.complete_params(p, dt)
        x = {"v": p["v_rest"], "refractory": 0 * dt, "i_e": arrive[1][0] + 0 * dt, "i_i": 0 * dt}
        nothing = dict.fromkeys(model.inputs, 0 * dt)
        x = jax.lax.fori_loop(0, steps, lambda _, x: model.update(p, x, nothing, dt), x)
        return x["v"] - p["v_rest"]

    def closed(tau_syn: float) -> float:
        t = steps * DT
        return 2 * (np.exp(-t / tau_syn) - np.exp(-t / tau)) / (1 - tau / tau_syn)

    t = steps * DT
    with jax.enable_x64(True):
        at = jnp.asarray(tau)
        orders = jax.jit(lambda at: (v(at), jax.grad(v)(at), jax.grad(jax.grad(v))(at)))(at)
        value, slope, curvature = map(float, orders)
    assert value == pytest.approx(2 * t / tau * np.exp(-t / tau), rel=1e-13)
    h = 0.05
    low, high = closed(tau - h), closed(tau + h)
    assert slope == pytest.approx((high - low) / (2 * h), rel=1e-4)
    assert curvature == pytest.approx((high - 2 * value + low) / h**2, rel=1e-4)


def conductance_error(dt: float) -> float:
    """Return the largest error of V beside the Runge-Kutta method DOP853."""
    params = {"tau_m": 12.0, "r_m": 25.0, "tau_syn_e": 4.0, "tau_syn_i": 9.0} | NEVER
    every = round(DT / dt)
    arrive = {step * every: weights for step, weights in ARRIVE.items()}
    with jax.enable_x64(True):
        got = simulated(
            *(jsnn.LIF_COND_EXP, params, NUM_STEPS * every),
            arrive=arrive,
            current=0.2,
            dt=dt,
            sign=-1,
        )

    def rates(_: float, x: np.ndarray) -> list[float]:
        v, g_e, g_i = x
        current = g_e * (0 - v) + g_i * (-70 - v) + 0.2
        return [(-65 - v + 25 * current) / 12, -g_e / 4, -g_i / 9]

    x, trace = np.array([-65.0, 0, 0]), []
    for n in range(NUM_STEPS):
        x[1:] += np.abs(ARRIVE.get(n, (0, 0)))
        x = solve_ivp(rates, (0, DT), x, method="DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
        trace.append(x[0])
        np.testing.assert_allclose(got["g_e"][(n + 1) * every - 1, 0], x[1], atol=1e-9)
        np.testing.assert_allclose(got["g_i"][(n + 1) * every - 1, 0], x[2], atol=1e-9)
    assert np.ptp(trace) > 20
    return np.abs(got["v"][every - 1 :: every, 0] - trace).max()


def test_conductances_are_integrated_with_order_1() -> None:
    coarse, fine = conductance_error(DT / 8), conductance_error(DT / 16)
    assert fine < 0.3
    assert np.log2(coarse / fine) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", MODELS)
def test_without_synaptic_input_the_neuron_is_a_lif(kind: str) -> None:
    params = {"tau_refrac": 3.2, "v_reset": -68.0, "i_offset": 0.25, "r_m": 20.0, "tau_m": 20.0}
    currents = np.random.default_rng(0).uniform(0.8, 3, 20).astype(F32)
    kept = simulated(MODELS[kind], params, 300, arrive={1: (0.0, 0.0)}, current=currents, size=20)
    of_lif = {"v_rest": -65.0, "v_thresh": -50.0} | params
    network = jsnn.Network([jsnn.Population("a", 20, jsnn.LIF, of_lif, {"v": -65.0})], dt=DT)
    record = {name: jsnn.Variable("a", name) for name in ("v", "refractory")}
    record["spikes"] = jsnn.Spikes("a")
    expected = jsnn.simulate(network, {"a": currents}, 300, record=record)[1]
    assert kept["spikes"].sum(axis=0).min() > 3
    for name in record:
        np.testing.assert_array_equal(kept[name], expected[name])


@pytest.mark.parametrize("kind", MODELS)
def test_synaptic_inputs_move_on_while_the_neuron_is_refractory(kind: str) -> None:
    params = {"tau_refrac": 4.9, "v_reset": -61.0, "tau_syn_e": 7.0}
    arrive = {2: (900.0, 0.0), 10: (0.5, 0.0)}
    kept = simulated(MODELS[kind], params, 120, arrive=arrive, dt=0.1)
    spikes = np.flatnonzero(kept["spikes"])
    assert spikes[0] == 2  # in the step in which it arrives
    assert spikes[1] == 2 + 50  # held for 49 steps
    np.testing.assert_array_equal(kept["v"][2:52, 0], np.full(50, F32(-61)))
    since = np.arange(2, 52)
    expected = 900 * np.exp(-(since - 1) * 0.1 / 7)
    expected += np.where(since >= 10, 0.5 * np.exp(-(since - 9) * 0.1 / 7), 0)
    np.testing.assert_allclose(kept[f"{kind}_e"][2:52, 0], expected, rtol=1e-5)
