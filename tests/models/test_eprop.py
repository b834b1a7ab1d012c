"""E-prop against backpropagation through time of neurons by the book: both give one gradient.

In one layer without recurrence, with the reset left out of the derivative, they are equal: Bellec
et al. 2020, Nat. Commun. 11, 3625, equation 1.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

STEPS, RATE = 80, 1e-9  # so small that the weights stay as they are
NEURON = {"tau_m": 15.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -52.0, "tau_refrac": 0.0}
RULE = {
    "rate": RATE,
    "tau_m": 15.0,
    "tau_out": 25.0,
    "v_rest": -65.0,
    "v_thresh": -52.0,
    "gamma": 0.4,
}
RANDOM = np.random.default_rng(2)
PRE = RANDOM.random((STEPS, 6)) < 0.25
WEIGHTS = RANDOM.uniform(-1, 7, (6, 3))
ERROR = RANDOM.normal(0, 1, (STEPS, 3))


def with_error(neuron: jsnn.NeuronModel) -> jsnn.NeuronModel:
    def update(p: Any, x: Any, inputs: Any, dt: Any) -> Any:
        return neuron.update(p, x | {"error": inputs["error"]}, inputs["current"], dt)

    variables = {**neuron.variables, "error": 0.0}
    inputs = ("current", "error")
    return dataclasses.replace(neuron, variables=variables, inputs=inputs, update=update)


@jax.custom_jvp
def spike(margin: jax.Array) -> jax.Array:
    return (margin >= 0).astype(margin.dtype)


@spike.defjvp
def _spike_jvp(primals: Any, tangents: Any) -> Any:
    (margin,), (tangent,) = primals, tangents
    distance = jnp.where(margin >= 0, 0, jnp.abs(margin))
    return spike(margin), 0.4 / 13 * jnp.maximum(1 - distance / 13, 0) * tangent


def filtered_spikes(weights: jax.Array, beta: float) -> jax.Array:
    """Return Σ_n error s, s <- s exp(-dt/25 ms) + spikes, for steps of 1 ms."""

    def step(before: Any, now: Any) -> Any:
        v, a, s = before  # v above rest
        jump, error = now
        v, a = (v + jump @ weights) * np.exp(-1 / 15), a * np.exp(-1 / 60)
        z = spike(v - 13 - beta * a)
        s = s * np.exp(-1 / 25) + z
        return (v - jax.lax.stop_gradient(z * v), a + z, s), (error * s).sum()

    arriving = np.vstack([np.zeros((1, 6)), PRE[:-1]])
    return jax.lax.scan(step, (jnp.zeros(3),) * 3, (arriving, ERROR))[1].sum()


@pytest.mark.parametrize("beta", [0.0, 4.0])
def test_it_is_the_gradient_of_backpropagation_through_time(beta: float) -> None:
    neuron, rule, params, more = jsnn.LIF, jsnn.EPROP, NEURON, {}
    if beta:
        neuron, rule, more = jsnn.ALIF, jsnn.EPROP_ALIF, {"tau_a": 60.0, "beta": beta}
    with jax.enable_x64(True):
        network = jsnn.Network(
            [
                jsnn.Population("a", 6, jsnn.SPIKE_SOURCE),
                jsnn.Population("b", 3, with_error(neuron), params | more, {"v": -65.0}),
            ],
            [
                jsnn.Projection(
                    *("a", "b", jsnn.Dense(WEIGHTS)),
                    target="v",
                    plasticity=jsnn.Plasticity(rule, RULE | more),
                )
            ],
        )
        drive = {"a": jsnn.over_time(PRE), "b": {"error": jsnn.over_time(ERROR)}}
        record = {"count": jsnn.SpikeCount("b")}
        state, recorded = jsnn.simulate(network, drive, STEPS, record=record)
        weights = np.asarray(state.projections["a_to_b"].plasticity.synapses["weight"])
        gradient = jax.grad(filtered_spikes)(jnp.asarray(WEIGHTS), beta)
    assert np.asarray(recorded["count"]).min() >= 3
    np.testing.assert_allclose((weights - WEIGHTS) / RATE, gradient, rtol=1e-5, atol=1e-5)
