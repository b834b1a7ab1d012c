"""Port of GeNN's tests/features/test_num.py: models know the number of neurons."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from tests.genn_features.patterns import F32


def twice_the_size(x: jax.Array) -> jax.Array:
    return jnp.full_like(x, 2 * x.size)


NEURON = jsnn.NeuronModel(
    params={},
    variables={"num": 0},
    update=lambda p, x, current, dt: {"num": twice_the_size(x["num"])},
    threshold=lambda p, x: -1.0 - x["num"].astype(F32),
)
SOURCE = jsnn.CurrentSourceModel(
    params={},
    variables={"num": 0},
    current=lambda p, x, key, dt: (
        {"num": twice_the_size(x["num"])},
        jnp.zeros(x["num"].shape, F32),
    ),
)
SYNAPSE = jsnn.SynapseModel(
    params={},
    variables={"num": 0},
    update=lambda p, x, arriving, post, dt: ({"num": twice_the_size(x["num"])}, arriving),
)
RULE = jsnn.PlasticityModel(
    params={},
    variables={"num_pre": 0, "num_post": 0},
    pre={"num": 0},
    post={"num": 0},
    update_pre=lambda p, x, dt: {"num": twice_the_size(x["num"])},
    update_post=lambda p, x, dt: {"num": twice_the_size(x["num"])},
    each_step=lambda p, s, pre, post, dt: (
        s | {"num_pre": pre["num"] + 0 * s["num_pre"], "num_post": post["num"] + 0 * s["num_post"]}
    ),
)


def test_models_see_the_numbers_of_neurons() -> None:
    """GeNN: test_num.py, test_num: twice the numbers, after one step.

    The number of presentations in a batch is not among them: no result may depend on it.
    """
    dense = jsnn.Dense(np.ones((2, 4), F32))
    network = jsnn.Network(
        [
            jsnn.Population("pre", 2, jsnn.SPIKE_SOURCE),
            jsnn.Population("post", 4, NEURON, initial={"num": 4}),
        ],
        [jsnn.Projection("pre", "post", dense, SYNAPSE, plasticity=jsnn.Plasticity(RULE))],
        [jsnn.CurrentSource("source", "post", SOURCE)],
    )
    np.testing.assert_array_equal(jsnn.init(network).populations["post"]["num"], np.full(4, 4))
    state, _ = jsnn.simulate(network, {}, 1)
    projection = state.projections["pre_to_post"]
    assert projection.plasticity is not None
    found: list[tuple[Any, int, int]] = [
        (state.populations["post"]["num"], 4, 8),
        (state.sources["source"]["num"], 4, 8),
        (projection.synapse["num"], 4, 8),
        (projection.plasticity.pre["num"], 2, 4),
        (projection.plasticity.post["num"], 4, 8),
        (projection.plasticity.synapses["num_pre"], 8, 4),
        (projection.plasticity.synapses["num_post"], 8, 8),
    ]
    for values, size, number in found:
        np.testing.assert_array_equal(np.ravel(values), np.full(size, number))
