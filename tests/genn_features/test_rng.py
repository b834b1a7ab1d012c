"""Ports of GeNN's tests/features/test_rng.py: random numbers in a run and at its start."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jsnn
from tests.genn_features.patterns import F32

SIGNIFICANCE = 1e-4

NEURON = jsnn.NeuronModel(
    params={},
    variables={"uniform": 0.0, "normal": 0.0},
    update=lambda p, x, current, dt: {"uniform": p["u"], "normal": p["n"]},
    threshold=lambda p, x: jnp.full_like(x["normal"], -1.0),
    draws=[("u", jax.random.uniform), ("n", jax.random.normal)],
)


def draw(p: Any, x: Any, key: jax.Array, dt: jax.Array) -> tuple[Any, jax.Array]:
    for_uniform, for_normal = jax.random.split(key)
    shape, dtype = x["uniform"].shape, x["uniform"].dtype
    drawn = {
        "uniform": jax.random.uniform(for_uniform, shape, dtype),
        "normal": jax.random.normal(for_normal, shape, dtype),
    }
    return drawn, jnp.zeros(shape, dtype)


SOURCE = jsnn.CurrentSourceModel(params={}, variables={"uniform": 0.0, "normal": 0.0}, current=draw)
SYNAPSE = jsnn.SynapseModel(
    params={},
    variables={"uniform": 0.0, "normal": 0.0},
    update=lambda p, x, arriving, post, dt: ({"uniform": p["u"], "normal": p["n"]}, arriving),
    draws=[("u", jax.random.uniform), ("n", jax.random.normal)],
)


def of_parts(state: jsnn.State, spikes: Any) -> dict[str, Any]:
    return {
        "neurons": state.populations["cells"],
        "source": state.sources["source"],
        "synapse model": state.projections["cells_to_cells"].synapse,
    }


def test_numbers_that_are_drawn_in_every_step() -> None:
    """GeNN: test_rng.py, test_sim: Kolmogorov-Smirnov tests over steps, neurons and a batch."""
    size = 40
    network = jsnn.Network(
        [jsnn.Population("cells", size, NEURON)],
        [jsnn.Projection("cells", "cells", jsnn.OneToOne(np.ones(size, F32)), SYNAPSE)],
        [jsnn.CurrentSource("source", "cells", SOURCE)],
    )

    @jax.jit
    @jax.vmap
    def drawn(key: jax.Array) -> Any:
        return jsnn.simulate(network, {}, 50, key=key, record={"x": of_parts})[1]["x"]

    got = drawn(jax.random.split(jax.random.key(0), 5))
    distributions = {"uniform": scipy.stats.uniform, "normal": scipy.stats.norm}
    for values in got.values():
        for name, distribution in distributions.items():
            numbers = np.asarray(values[name]).ravel()
            assert numbers.size == 5 * 50 * size
            assert len(np.unique(numbers)) > 0.99 * numbers.size
            assert scipy.stats.kstest(numbers, distribution.cdf).pvalue > SIGNIFICANCE


INITIALIZERS = {
    "uniform": (jsnn.initializers.uniform(0, 1), scipy.stats.uniform),
    "normal": (jsnn.initializers.normal(0, 1), scipy.stats.norm),
    "exponential": (jsnn.initializers.exponential(1), scipy.stats.expon),
    "gamma": (jsnn.initializers.gamma(4, 1), scipy.stats.gamma(4)),
}
SIZE = 5000


@pytest.mark.parametrize("name", INITIALIZERS)
def test_weights_that_are_drawn_at_the_start(name: str) -> None:
    """GeNN: test_rng.py, test_init, its weights."""
    initializer, distribution = INITIALIZERS[name]
    synapses = jsnn.fixed_out_degree(jax.random.key(1), SIZE, SIZE, 1, initializer)
    assert scipy.stats.kstest(synapses.weights, distribution.cdf).pvalue > SIGNIFICANCE


def test_variables_that_are_drawn_at_the_start() -> None:
    """GeNN: test_rng.py, test_init: variables of neurons and traces.

    Here they have one distribution each; weights have all, gamma too. GeNN's test draws binomial
    numbers and does not look at them; those here are NumPy's.
    """
    keys = iter(jax.random.split(jax.random.key(0), 3))

    def drawn(name: str) -> np.ndarray:
        return np.asarray(INITIALIZERS[name][0](next(keys), (SIZE,), F32))

    binomial = np.random.default_rng(0).binomial(20, 0.5, SIZE).astype(np.int32)
    neuron = jsnn.NeuronModel(
        params={},
        variables={"x": 0.0, "binomial": 0},
        update=lambda p, x, current, dt: x,
        threshold=lambda p, x: jnp.full_like(x["x"], -1.0),
    )
    initial = {"x": drawn("normal"), "binomial": binomial}
    rule = jsnn.PlasticityModel(params={}, variables={}, pre={"pre_x": 0.0}, post={"post_x": 0.0})
    learning = jsnn.Plasticity(
        rule,
        initial_pre={"pre_x": drawn("exponential")},
        initial_post={"post_x": drawn("uniform")},
    )
    synapses = jsnn.OneToOne(np.zeros(SIZE, F32))
    network = jsnn.Network(
        [jsnn.Population("cells", SIZE, neuron, initial=initial)],
        [jsnn.Projection("cells", "cells", synapses, plasticity=learning)],
    )
    state = jsnn.init(network)
    plasticity = state.projections["cells_to_cells"].plasticity
    assert plasticity is not None
    found = {
        "normal": state.populations["cells"]["x"],
        "exponential": plasticity.pre["pre_x"],
        "uniform": plasticity.post["post_x"],
    }
    for name, values in found.items():
        distribution = INITIALIZERS[name][1]
        assert scipy.stats.kstest(np.asarray(values), distribution.cdf).pvalue > SIGNIFICANCE
    np.testing.assert_array_equal(state.populations["cells"]["binomial"], binomial)
