"""Exact gradients of a batch are those of its presentations, one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

F32 = np.float32
WEIGHTS = np.random.default_rng(0).normal(size=(5, 5)).astype(F32)
DRIVES = np.linspace(1.2, 3.5, 15).reshape(3, 5).astype(F32)


def network(synapse: jsnn.SynapseModel, delay: int) -> jsnn.Network:
    """Recurrent neurons whose currents differ, and a readout that never spikes."""
    units = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "r_m": 1.0, "tau_refrac": 1.0}
    cells = [
        jsnn.Population("hidden", 5, jsnn.LIF, units, {"v": 0.0}),
        jsnn.Population("out", 2, jsnn.LEAKY_INTEGRATOR),
    ]
    synapses = [
        jsnn.Projection("hidden", "hidden", jsnn.Dense(WEIGHTS), synapse, delay=delay),
        jsnn.Projection("hidden", "out", jsnn.Dense(WEIGHTS[:, :2].copy()), synapse),
    ]
    return jsnn.Network(cells, synapses, dt=0.5)


@pytest.mark.parametrize(
    ("synapse", "delay", "interpolated"),
    [
        (jsnn.DELTA, 3, False),
        pytest.param(jsnn.EXPONENTIAL, 1, True, marks=pytest.mark.slow),
    ],
)
def test_gradients_of_a_batch_are_those_of_a_loop(
    synapse: jsnn.SynapseModel, delay: int, interpolated: bool
) -> None:
    net = network(synapse, delay)
    values = jsnn.trainable(net)

    def loss(values: dict, current: jax.Array) -> jax.Array:
        exact = jsnn.exact(net.with_params(values), interpolated=interpolated)
        record = {"v": jsnn.SumVariable("out")}
        return jsnn.simulate(exact, {"hidden": current}, 80, record=record)[1]["v"].sum()

    of_batch = jax.jit(jax.grad(lambda v: jax.vmap(loss, (None, 0))(v, DRIVES).sum()))(values)
    each = jax.jit(jax.grad(loss))
    one_by_one = [each(values, jnp.asarray(drive)) for drive in DRIVES]
    for name in ("hidden_to_hidden", "hidden_to_out"):
        expected = sum(gradient[name]["weights"] for gradient in one_by_one)
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(of_batch[name]["weights"], expected, rtol=2e-3, atol=1e-3)
