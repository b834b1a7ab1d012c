"""Synapse models in a network; their closed forms are in test_closed_forms.py."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests import reference
from tests.networks import F32, PROBE, random_weights

ALPHA = jsnn.SynapseModel(
    params={"tau": 4.0},
    variables={"rise": 0.0, "i": 0.0},
    update=lambda p, x, arriving, post, dt: (
        {"rise": (x["rise"] + arriving) * 0.5, "i": x["i"] * 0.5 + x["rise"]},
        x["i"],
    ),
)


def bombarded(
    synapse: jsnn.SynapseModel, params: dict[str, np.ndarray], dt: float, delay: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """(what arrives, what current comes of it), each [T, N], for random presynaptic spikes."""
    rng = np.random.default_rng(3)
    (weights,) = random_weights(3, (9, 5))
    spikes = rng.random((60, 9)) < 0.3
    network = jsnn.Network(
        [jsnn.Population("pre", 9, jsnn.IF), jsnn.Population("post", 5, PROBE)],
        [jsnn.Projection("pre", "post", jsnn.Dense(weights), synapse, params, delay=delay)],
        dt=dt,
    )
    record = {"current": jsnn.Variable("post", variable="current")}
    drive = {"pre": jsnn.over_time((spikes / dt).astype(F32))}
    current = jsnn.simulate(network, drive, 60, record=record)[1]["current"]
    arriving = np.array([reference.sequential_sum(row, weights) for row in spikes])
    arriving = np.concatenate([np.zeros((delay, 5), F32), arriving])[:60]
    return arriving, current


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_delta_delivers_the_sum_of_the_weights_bit_for_bit(delay: int) -> None:
    arriving, current = bombarded(jsnn.DELTA, {}, 1.0, delay)
    np.testing.assert_array_equal(current, arriving)


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_exponential_equals_the_loop_of_genn(dt: float) -> None:
    tau = np.array([1.0, 2.0, 5.0, 10.0, 30.0], F32)
    arriving, current = bombarded(jsnn.EXPONENTIAL, {"tau": tau}, dt)
    expected = reference.exponential_current(arriving, dt=dt, tau=tau.astype(np.float64))
    np.testing.assert_allclose(current, expected, rtol=1e-5, atol=1e-5)


def test_a_custom_synapse_runs_with_two_variables() -> None:
    arriving, current = bombarded(ALPHA, {}, 1.0)
    rise, i, expected = np.zeros(5), np.zeros(5), []
    for weights in arriving:
        expected.append(i)
        rise, i = (rise + weights) * 0.5, i * 0.5 + rise
    np.testing.assert_allclose(current, expected, rtol=1e-5, atol=1e-6)


def test_synapse_variables_start_at_their_defaults() -> None:
    charged = dataclasses.replace(jsnn.EXPONENTIAL, variables={"i_syn": 2.0})
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.IF), jsnn.Population("b", 3, PROBE)],
        [jsnn.Projection("a", "b", jsnn.Dense(jnp.ones((2, 3))), charged)],
    )
    np.testing.assert_array_equal(
        jsnn.init(network).projections["a_to_b"].synapse["i_syn"], [2, 2, 2]
    )


def test_graded_values_take_the_delay_of_each_synapse() -> None:
    """Each synapse by itself is a projection with that delay."""
    weights, delays = np.array([1.0, 2.0], F32), np.array([3, 5])
    populations = [jsnn.Population("a", 2, jsnn.LEAKY_INTEGRATOR), jsnn.Population("b", 1, PROBE)]

    def received(projections: list[jsnn.Projection]) -> np.ndarray:
        network = jsnn.Network(populations, projections)
        drive, record = {"a": np.array([20.0, 5.0], F32)}, {"b": jsnn.Variable("b", "current")}
        return np.asarray(jsnn.simulate(network, drive, 20, record=record)[1]["b"])

    def graded(connectivity: jsnn.Sparse, **options: Any) -> jsnn.Projection:
        params = {"v_thresh": 0.0, "v_slope": 10.0}
        return jsnn.Projection("a", "b", connectivity, jsnn.GRADED, params, **options)

    both = graded(jsnn.Sparse([0, 1], [0, 0], weights, 2, 1, delays))
    apart = [
        graded(jsnn.Sparse([i], [0], weights[i : i + 1], 2, 1), delay=int(d), name=f"p{i}")
        for i, d in enumerate(delays)
    ]
    assert received([both]).any()
    np.testing.assert_allclose(received([both]), received(apart), rtol=1e-6)
