"""Gradients of first-spike times against the closed form of Göltz et al. (2021)."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn

DATA = np.load(Path(__file__).parents[1] / "data" / "H30_W.npz")
LAST = 3.2
NEURON = {
    **{"tau_m": 2.0, "r_m": 2.0, "v_rest": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0},
    "v_reset": -1e6,  # one spike each
}
LOSS = np.array([1.0, -0.7, 0.4])
ENTRIES = ((0, (3, 5)), (0, (0, 11)), (1, (4, 0)), (1, (10, 1)), (1, (20, 2)))


def first_spike(times: np.ndarray, weights: np.ndarray) -> float:
    """Solve V(t) = 1 between two arrivals, with τ_m = 2 τ_s a quadratic equation in exp(-t / 2)."""
    order = np.argsort(times)
    a = b = 0.0
    for i, k in enumerate(order):
        if not np.isfinite(times[k]):
            break
        a += weights[k] * np.exp(times[k] / 2)
        b += weights[k] * np.exp(times[k])
        until = times[order[i + 1]] if i + 1 < len(order) else np.inf
        square = a * a - 2 * b
        roots = [(a + s * np.sqrt(square)) / (2 * b) for s in (1, -1)] if square >= 0 else []
        found = [-2 * np.log(y) for y in roots if y > 0]
        found = [t for t in found if times[k] <= t < until]
        if found:
            return min(found)
    return np.inf


def output_times(weights: list[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    times = inputs
    for w in weights:
        times = np.array([first_spike(times, w[:, j]) for j in range(w.shape[1])])
    return times


def by_differences(weights: list[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Return central differences of the loss for each of ENTRIES."""

    def loss(layer: int, entry: tuple[int, int], change: float) -> float:
        changed = [w.copy() for w in weights]
        changed[layer][entry] += change
        return float(LOSS @ output_times(changed, inputs))

    return np.array([(loss(*at, 1e-6) - loss(*at, -1e-6)) / 2e-6 for at in ENTRIES])


def spike_times(state: jsnn.State, spikes: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    return spikes["out"], state.populations["out"]["shift"]


def network(weights: list[Any], dt: float) -> jsnn.Network:
    populations = [
        jsnn.Population("in", 4, jsnn.SPIKE_SOURCE),
        jsnn.Population("hidden", 30, jsnn.LIF, NEURON, {"v": 0.0}),
        jsnn.Population("out", 3, jsnn.LIF, NEURON, {"v": 0.0}),
    ]
    projections = [
        jsnn.Projection(pre, post, jsnn.Dense(w), jsnn.EXPONENTIAL, {"tau": 1.0})
        for pre, post, w in zip(("in", "hidden"), ("hidden", "out"), weights, strict=True)
    ]
    return jsnn.Network(populations, projections, dt=dt)


def errors(dt: float, *, interpolated: bool) -> tuple[float, float]:
    """Return the error of the spike times and the relative error of the gradient."""
    with jax.enable_x64(True):
        num_steps = round(LAST / dt)
        weights = [np.asarray(DATA["weights_0_1"]), np.asarray(DATA["weights_1_2"])]
        steps = np.round(DATA["input_times"] / dt).astype(int)
        trains = np.zeros((len(steps), num_steps, 4), bool)
        for k, each in enumerate(steps):
            trains[k, each - 1, np.arange(4)] = True

        def times(weights: list[Any], trains: Any) -> jax.Array:
            exact = jsnn.exact(network(weights, dt), interpolated=interpolated)
            drive = {"in": jsnn.over_time(trains)}
            record = {"out": spike_times}
            spikes, shifts = jsnn.simulate(exact, drive, num_steps, record=record)[1]["out"]
            ends = dt * (jnp.arange(num_steps, dtype=float) + 1)
            return (spikes * (ends[:, None] + shifts)).sum(0)

        def loss(weights: list[Any], trains: Any) -> tuple[jax.Array, jax.Array]:
            found = times(weights, trains)
            return LOSS @ found, found

        gradient = jax.vmap(jax.grad(loss, has_aux=True), (None, 0))
        given, found = jax.jit(gradient)(weights, trains)
        got = np.stack([given[layer][:, i, j] for layer, (i, j) in ENTRIES], axis=1)
        expected = np.array([by_differences(weights, each * dt) for each in steps])
        known = np.array([output_times(weights, each * dt) for each in steps])
        error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
        return float(np.abs(np.asarray(found) - known).max()), float(error)


def test_the_closed_form_gives_the_times_of_the_authors() -> None:
    weights = [DATA["weights_0_1"], DATA["weights_1_2"]]
    found = [output_times(weights, inputs) for inputs in DATA["input_times"]]
    np.testing.assert_allclose(found, DATA["output_times"], atol=3e-5)


def test_on_the_grid() -> None:
    """A spike is late by up to a step in each of two layers."""
    (_, coarse), (time, fine) = (errors(dt, interpolated=False) for dt in (0.004, 0.001))
    assert time < 2.5e-3
    assert coarse < 0.02
    assert fine < min(0.01, coarse / 2)


def test_interpolated() -> None:
    time, error = errors(0.001, interpolated=True)
    assert time < 2e-6
    assert error < 1e-3
