"""Generalised leaky integrate-and-fire neuron against NEST, NumPy by the book and its equations."""

from typing import Any

import jax
import numpy as np
from scipy.integrate import solve_ivp

import jsnn
from tests.models.test_neuron_catalogue import TIGHT, simulated

DEFAULTS = {name: float(quantity.default) for name, quantity in jsnn.GLIF.params.items()}

# Spikes of NEST 3.10's "glif_psc" with its defaults, all mechanisms on, in 400 ms. The current in
# nA comes from a "dc_generator", with a delay of one step, and acts from the third step on.
NEST_WITHOUT_KEPT_V = {  # voltage_reset_fraction 0, resolution 0.1: steps
    0.3: [134, 490, 922, 1476, 2274, 3234],
    0.5: [
        *(48, 137, 258, 387, 521, 660, 804, 952, 1105, 1262, 1423, 1588, 1757, 1930),
        *(2106, 2286, 2469, 2655, 2844, 3036, 3230, 3426, 3624, 3824),
    ],
}
NEST_FINE = {  # voltage_reset_fraction 0.2, resolution 0.01: ms
    0.3: [13.2, 48.59, 91.73, 147.15, 226.85, 322.74],
    0.5: [
        *(4.57, 11.53, 23.01, 35.21, 47.91, 61.11, 74.79, 88.95, 103.58, 118.67, 134.21),
        *(150.18, 166.57, 183.35, 200.52, 218.05, 235.92, 254.11, 272.6, 291.37),
        *(310.39, 329.66, 349.15, 368.84, 388.72),
    ],
}


def test_spikes_are_those_of_nest() -> None:
    with jax.enable_x64(True):
        current = np.array([0.3, 0.5])
        spikes, v = simulated(jsnn.GLIF, current, 3998, 0.1, {"keep_v": 0.0})
        fine, _ = simulated(jsnn.GLIF, current, 39_998, 0.01)
    for neuron, strength in enumerate(current):
        steps = np.flatnonzero(spikes[:, neuron]) + 3
        np.testing.assert_array_equal(steps, NEST_WITHOUT_KEPT_V[strength])
        times = (np.flatnonzero(fine[:, neuron]) + 3) * 0.01
        np.testing.assert_allclose(times, NEST_FINE[strength], atol=0.05)
    np.testing.assert_allclose(v[3999 - 3], [-50.005920323310406, -50.5220432161248], rtol=1e-9)


def by_the_book(
    p: dict[str, np.ndarray], current: np.ndarray, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and V, [T, N], by the formulas of NEST's documentation, with divided differences."""
    g, leak, rate = p["g_leak"], np.exp(-dt * p["g_leak"] / p["c_m"]), 1 / p["tau_voltage"]
    phi = p["a_voltage"] / (rate - g / p["c_m"])
    v, theta_s, theta_v = p["e_leak"].copy(), 0 * g, 0 * g
    after, held = dict.fromkeys("12", 0 * g), 0 * g
    spikes, trace = [], []
    for row in current:
        free = held == 0
        held = np.where(free, 0, held - 1)
        means = {j: p[f"tau_{j}"] / dt * (1 - np.exp(-dt / p[f"tau_{j}"])) for j in "12"}
        beta = (row + sum(means[j] * after[j] for j in "12")) / g
        u = v - p["e_leak"]
        new_v = p["e_leak"] + u * leak + beta * (1 - leak)
        ratio = p["a_voltage"] / rate * beta
        new_theta_v = phi * (u - beta) * leak + ratio
        new_theta_v += np.exp(-rate * dt) * (theta_v - phi * (u - beta) - ratio)
        v, theta_v = np.where(free, new_v, v), np.where(free, new_theta_v, theta_v)
        theta_s = np.where(free, theta_s * np.exp(-dt / p["tau_spike"]), theta_s)
        after = {j: np.where(free, after[j] * np.exp(-dt / p[f"tau_{j}"]), after[j]) for j in "12"}
        spike = free & (v >= p["v_thresh"] + theta_s + theta_v)
        v = np.where(spike, p["e_leak"] + p["keep_v"] * (v - p["e_leak"]) + p["add_v"], v)
        raised = theta_s * np.exp(-p["tau_refrac"] / p["tau_spike"]) + p["add_spike"]
        theta_s = np.where(spike, raised, theta_s)
        for j in "12":
            kept = p[f"keep_{j}"] * after[j] * np.exp(-p["tau_refrac"] / p[f"tau_{j}"])
            after[j] = np.where(spike, kept + p[f"add_{j}"], after[j])
        held = np.where(spike, np.round(p["tau_refrac"] / dt), held)
        spikes.append(spike)
        trace.append(v)
    return np.array(spikes), np.array(trace)


def test_neurons_of_many_parameters_follow_the_book() -> None:
    """Among them are neurons without some mechanism, and one that is reset above its threshold."""
    rng = np.random.default_rng(0)
    size, dt = 16, 0.25
    p = {name: value * rng.uniform(0.8, 1.2, size) for name, value in DEFAULTS.items()}
    for name in ("e_leak", "v_thresh"):
        p[name] = DEFAULTS[name] + rng.uniform(-3, 3, size)
    p["keep_1"], p["keep_2"] = rng.uniform(0, 1, (2, size))
    p["tau_refrac"][:4] = 0, 0.1, 0.2, 20
    for neuron, name in enumerate(["add_1", "add_2", "add_spike", "a_voltage", "keep_v", "add_v"]):
        p[name][neuron] = 0
    p["add_v"][6] = 40
    current = rng.uniform(0.3, 0.8, size) * rng.uniform(0, 2, (1200, size))
    with jax.enable_x64(True):
        spikes, v = simulated(jsnn.GLIF, current, 1200, dt, p, {"v": p["e_leak"]})
    expected, trace = by_the_book(p, current, dt)
    assert expected.sum(axis=0).min() > 5
    gaps = np.diff(np.flatnonzero(expected[:, 6]))
    assert set(gaps) == {np.round(p["tau_refrac"][6] / dt) + 1}
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_allclose(v, trace, atol=1e-9)


def test_without_spikes_it_converges_to_its_equations_with_order_2() -> None:
    """After-spike currents, which count with their mean over a step, decay from the start."""
    p = DEFAULTS | {"a_voltage": 0.03}
    start = {"v": -60.0, "i_1": 0.1, "i_2": 0.6, "theta_spike": 9.0, "theta_voltage": -1.0}

    def rate(t: float, x: np.ndarray) -> list[float]:
        v, i_1, i_2, theta_s, theta_v = x
        return [
            (p["g_leak"] * (p["e_leak"] - v) + 0.02 + i_1 + i_2) / p["c_m"],
            *(-i_1 / p["tau_1"], -i_2 / p["tau_2"], -theta_s / p["tau_spike"]),
            p["a_voltage"] * (v - p["e_leak"]) - theta_v / p["tau_voltage"],
        ]

    exact = solve_ivp(rate, (0, 40), list(start.values()), **TIGHT).y[:, -1]

    def error(dt: float) -> np.ndarray:
        params: dict[str, Any] = {"v_thresh": 100.0, "a_voltage": 0.03}
        with jax.enable_x64(True):
            network = jsnn.Network([jsnn.Population("a", 1, jsnn.GLIF, params, start)], dt=dt)
            state, _ = jsnn.simulate(network, {"a": 0.02}, round(40 / dt))
        x = state.populations["a"]
        return np.array([x[name][0] for name in start]) - exact

    coarse, fine = error(2.0), error(0.5)
    np.testing.assert_allclose(fine[1:4], 0, atol=1e-9)
    np.testing.assert_allclose(fine[[0, 4]], 0, atol=0.02)
    np.testing.assert_allclose(np.log2(coarse[[0, 4]] / fine[[0, 4]]), 4, atol=0.2)
