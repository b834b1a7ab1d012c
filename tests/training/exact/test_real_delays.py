"""Gradients with respect to real delays against the closed form of Göltz et al. (2021)."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.training.exact.test_closed_form import LOSS, NEURON, first_spike

DATA = np.load(Path(__file__).parents[1] / "data" / "H30_WS.npz")
INPUT_TIMES = DATA["input_times"][[0, 2]]
"""Points of which no output spikes within a step of an arrival, unlike the others."""
DT, LAST, LONGEST = 0.004, 2.72, 0.9
VALUES = [
    {"weights": DATA["weights_0_1"], "delays": DATA["delays_0_1"]},
    {"weights": DATA["weights_1_2"], "delays": DATA["delays_1_2"]},
]
ENTRIES = (
    (0, "weights", (3, 5)),
    (0, "weights", (0, 11)),
    (1, "weights", (4, 0)),
    (1, "weights", (20, 2)),
    (0, "delays", (3, 5)),
    (0, "delays", (0, 11)),
    (0, "delays", (2, 20)),
    (1, "delays", (4, 0)),
    (1, "delays", (10, 1)),
    (1, "delays", (20, 2)),
)


def output_times(values: list[dict[str, np.ndarray]], inputs: np.ndarray) -> np.ndarray:
    times = inputs
    for layer in values:
        arrivals, w = times[:, None] + layer["delays"], layer["weights"]
        times = np.array([first_spike(arrivals[:, j], w[:, j]) for j in range(w.shape[1])])
    return times


def by_differences(inputs: np.ndarray) -> np.ndarray:
    """Return central differences of the loss for each of ENTRIES."""

    def loss(layer: int, name: str, entry: tuple[int, int], change: float) -> float:
        values = [{k: x.copy() for k, x in each.items()} for each in VALUES]
        values[layer][name][entry] += change
        return float(LOSS @ output_times(values, inputs))

    return np.array([(loss(*at, 1e-6) - loss(*at, -1e-6)) / 2e-6 for at in ENTRIES])


def network(values: list[Any]) -> jsnn.Network:
    """Both layers are one population, so that there is one model to compile.

    Delays are counted from the step in which a spike without a delay arrives.
    """
    among = [((0, 0), (0, 3)), ((0, 3), (30, 0))]

    def synapses(layer: int) -> jsnn.LearntDelays:
        weights, delays = (jnp.pad(values[layer][k], among[layer]) for k in ("weights", "delays"))
        return jsnn.LearntDelays(weights, delays / DT + 1, round(LONGEST / DT))

    populations = [
        jsnn.Population("in", 4, jsnn.SPIKE_SOURCE),
        jsnn.Population("cells", 33, jsnn.LIF, NEURON, {"v": 0.0}),
    ]
    projections = [
        jsnn.Projection(pre, "cells", synapses(layer), jsnn.EXPONENTIAL, {"tau": 1.0})
        for layer, pre in enumerate(("in", "cells"))
    ]
    return jsnn.Network(populations, projections, dt=DT)


def of_outputs(state: jsnn.State, spikes: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    return spikes["cells"][-3:], state.populations["cells"]["shift"][-3:]


def errors(*, interpolated: bool) -> tuple[float, float, float]:
    """Return the error of spike times and the relative errors for weights and delays."""
    num_steps = round(LAST / DT)
    steps = np.round(INPUT_TIMES / DT).astype(int)
    trains = np.zeros((len(steps), num_steps, 4), bool)
    for k, each in enumerate(steps):
        trains[k, each - 1, np.arange(4)] = True

    def times(values: list[Any], trains: Any) -> jax.Array:
        exact = jsnn.exact(network(values), interpolated=interpolated)
        drive = {"in": jsnn.over_time(trains)}
        record = {"out": of_outputs}
        spikes, shifts = jsnn.simulate(exact, drive, num_steps, record=record)[1]["out"]
        ends = DT * (jnp.arange(num_steps, dtype=float) + 1)
        return (spikes * (ends[:, None] + shifts)).sum(0)

    def loss(values: list[Any]) -> tuple[jax.Array, jax.Array]:
        found = jax.vmap(times, (None, 0))(values, trains)
        return (found @ LOSS).sum(), found

    given, found = jax.jit(jax.grad(loss, has_aux=True))(VALUES)
    got = np.array([given[layer][name][entry] for layer, name, entry in ENTRIES])
    expected = sum(by_differences(each * DT) for each in steps)
    known = np.array([output_times(VALUES, each * DT) for each in steps])
    of_delays = np.array([name == "delays" for _, name, _ in ENTRIES])
    relative = [
        float(np.linalg.norm((got - expected)[some]) / np.linalg.norm(expected[some]))
        for some in (~of_delays, of_delays)
    ]
    return float(np.abs(np.asarray(found) - known).max()), *relative


def test_the_closed_form_gives_the_times_of_the_authors() -> None:
    found = [output_times(VALUES, inputs) for inputs in DATA["input_times"]]
    np.testing.assert_allclose(found, DATA["output_times"], atol=3e-5)


@pytest.mark.parametrize(
    ("interpolated", "late", "bound"), [(False, 0.012, 0.02), (True, 1e-4, 0.005)]
)
def test_gradients_of_weights_and_delays(interpolated: bool, late: float, bound: float) -> None:
    with jax.enable_x64(True):
        time, of_weights, of_delays = errors(interpolated=interpolated)
    assert time < late
    assert of_weights < bound
    assert of_delays < bound
