"""Gradients of all spike times of recurrent networks against an event-driven reference."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.model import Values
from tests.training.exact.event_driven import State, spike_times

SIZE, NUM_INPUTS, UNTIL, DELAY, TAU = 3, 6, 25.0, 1.5, 4.0
COEFFICIENTS = np.array([1.0, -0.6, 0.8])


class Case(NamedTuple):
    """A model, as the library has it and as equations of NumPy."""

    model: jsnn.NeuronModel
    params: dict[str, float]
    scale: float
    start: dict[str, float]
    rate: Callable[[State], State]
    margin: Callable[[State], np.ndarray]
    reset: Callable[[State, int], None]
    refractory: float = 0.0


def lif_reset(x: State, neuron: int) -> None:
    x["v"][neuron] = 0.0


def alif_reset(x: State, neuron: int) -> None:
    x["v"][neuron] = 0.0
    x["a"][neuron] += 1.0


def izhikevich_rate(x: Any, current: Any) -> Any:
    v, u = x["v"], x["u"]
    return {"v": 0.04 * v * v + 5.0 * v + 140.0 - u + current, "u": 0.02 * (0.2 * v - u)}


def izhikevich_reset(x: State, neuron: int) -> None:
    x["v"][neuron] = -65.0
    x["u"][neuron] += 8.0


def izhikevich_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return jsnn.rk4(lambda x: izhikevich_rate(x, current), x, dt)


def adex_rate(x: Any, current: Any) -> Any:
    xp = jnp if isinstance(x["v"], jax.Array) else np
    upswing = 2.0 * xp.exp((x["v"] + 50.4) / 2.0)
    dv = (0.03 * (-(x["v"] + 70.6) + upswing) - x["w"] + current) / 0.281
    return {"v": dv, "w": (0.004 * (x["v"] + 70.6) - x["w"]) / 144.0}


def adex_reset(x: State, neuron: int) -> None:
    x["v"][neuron] = -70.6
    x["w"][neuron] += 0.0805


def adex_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return jsnn.rk4(lambda x: adex_rate(x, current), x, dt)


LIF = {"tau_m": 10.0, "r_m": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
CASES = {
    "LIF": Case(
        jsnn.LIF,
        {**LIF, "tau_refrac": 1.0},
        1.2,
        {"v": 0.0, "i": 0.0},
        lambda x: {"v": (x["i"] - x["v"]) / 10.0, "i": -x["i"] / TAU},
        lambda x: x["v"] - 1.0,
        lif_reset,
        refractory=1.0,
    ),
    "ALIF": Case(
        jsnn.ALIF,
        {**LIF, "tau_refrac": 0.0, "beta": 0.3, "tau_a": 30.0},
        1.2,
        {"v": 0.0, "i": 0.0, "a": 0.0},
        lambda x: {"v": (x["i"] - x["v"]) / 10.0, "i": -x["i"] / TAU, "a": -x["a"] / 30.0},
        lambda x: x["v"] - 1.0 - 0.3 * x["a"],
        alif_reset,
    ),
    "Izhikevich": Case(
        jsnn.NeuronModel(
            params={},
            variables={"v": -65.0, "u": -13.0},
            update=izhikevich_update,
            threshold=lambda p, x: x["v"] - 30.0,
            reset=lambda p, x: {"v": jnp.full_like(x["v"], -65.0), "u": x["u"] + 8.0},
        ),
        {},
        10.0,
        {"v": -65.0, "u": -13.0, "i": 0.0},
        lambda x: {**izhikevich_rate(x, x["i"]), "i": -x["i"] / TAU},
        lambda x: x["v"] - 30.0,
        izhikevich_reset,
    ),
    "AdEx": Case(
        jsnn.NeuronModel(
            params={},
            variables={"v": -70.6, "w": 0.0},
            update=adex_update,
            threshold=lambda p, x: x["v"] + 40.0,
            reset=lambda p, x: {"v": jnp.full_like(x["v"], -70.6), "w": x["w"] + 0.0805},
        ),
        {},
        0.8,
        {"v": -70.6, "w": 0.0, "i": 0.0},
        lambda x: {**adex_rate(x, x["i"]), "i": -x["i"] / TAU},
        lambda x: x["v"] + 40.0,
        adex_reset,
    ),
}


def weights_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    into = rng.uniform(0.8, 2.0, (NUM_INPUTS, SIZE)) * case.scale
    among = rng.uniform(-0.6, 0.8, (SIZE, SIZE)) * case.scale * (1 - np.eye(SIZE))
    return into, among


INPUT_TIMES = np.array([1.0, 2.5, 4.0, 7.0, 10.5, 14.0])
ENTRIES = [("in", (0, 0)), ("in", (2, 1)), ("among", (0, 1)), ("among", (1, 2)), ("among", (2, 0))]


def reference(case: Case, into: np.ndarray, among: np.ndarray) -> tuple[float, list[int]]:
    spikes = spike_times(
        case.rate,
        case.margin,
        case.reset,
        case.start,
        arrivals=list(zip(INPUT_TIMES, into, strict=True)),
        weights=among,
        delay=DELAY,
        until=UNTIL,
        refractory=case.refractory,
    )
    loss = sum(c * sum(times) for c, times in zip(COEFFICIENTS, spikes, strict=True))
    return float(loss), [len(times) for times in spikes]


@cache
def by_differences(name: str) -> tuple[np.ndarray, list[int]]:
    case = CASES[name]
    weights = dict(zip(("in", "among"), weights_of(case), strict=True))
    counts = reference(case, *weights.values())[1]
    found = []
    for name, entry in ENTRIES:
        h = 1e-4 * case.scale
        values = []
        for sign in (1, -1):
            changed = {k: w.copy() for k, w in weights.items()}
            changed[name][entry] += sign * h
            loss, others = reference(case, *changed.values())
            assert others == counts
            values.append(loss)
        found.append((values[0] - values[1]) / (2 * h))
    return np.array(found), counts


def by_simulation(case: Case, dt: float, *, interpolated: bool) -> tuple[np.ndarray, list[int]]:
    num_steps = round(UNTIL / dt)
    trains = np.zeros((num_steps, NUM_INPUTS), bool)
    trains[np.round(INPUT_TIMES / dt).astype(int) - 1, np.arange(NUM_INPUTS)] = True

    def loss(weights: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        initial = {k: v for k, v in case.start.items() if k not in ("i", "a")}
        populations = [
            jsnn.Population("in", NUM_INPUTS, jsnn.SPIKE_SOURCE),
            jsnn.Population("cells", SIZE, case.model, case.params, initial),
        ]
        projections = [
            jsnn.Projection(
                "in", "cells", jsnn.Dense(weights["in"]), jsnn.EXPONENTIAL, {"tau": TAU}
            ),
            jsnn.Projection(
                "cells",
                "cells",
                jsnn.Dense(weights["among"]),
                jsnn.EXPONENTIAL,
                {"tau": TAU},
                delay=round(DELAY / dt) + 1,
            ),
        ]
        network = jsnn.exact(
            jsnn.Network(populations, projections, dt=dt), interpolated=interpolated
        )

        def record(state: jsnn.State, spikes: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
            return spikes["cells"], state.populations["cells"]["shift"]

        drive = {"in": jsnn.over_time(trains)}
        spikes, shifts = jsnn.simulate(network, drive, num_steps, record={"all": record})[1]["all"]
        ends = dt * (jnp.arange(num_steps, dtype=float) + 1)
        return ((spikes * (ends[:, None] + shifts)).sum(0) * COEFFICIENTS).sum(), spikes.sum(0)

    into, among = weights_of(case)
    gradient, counts = jax.jit(jax.grad(loss, has_aux=True))({"in": into, "among": among})
    return np.array([gradient[name][entry] for name, entry in ENTRIES]), counts.tolist()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("interpolated", "bound"), [(False, 0.15), (True, 5e-3)])
def test_recurrent_networks(name: str, interpolated: bool, bound: float) -> None:
    with jax.enable_x64(True):
        expected, counts = by_differences(name)
        found, simulated = by_simulation(CASES[name], 0.0125, interpolated=interpolated)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert sum(counts) > SIZE
    assert simulated == counts
    assert error < bound
