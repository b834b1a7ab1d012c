"""Ports of GeNN's tests/features/test_continuous_propagation.py: numbers are sent in every step."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import DECODER, F32, decoded, listed
from tests.networks import PROBE

ONE_HOT = jsnn.NeuronModel(
    name="ONE_HOT",
    params={},
    variables={"x": 0.0, "y": 0.0},
    update=lambda p, x, current, dt: {
        "x": (jnp.arange(x["x"].size) == p["step"]).astype(F32),
        "y": current,
    },
    threshold=lambda p, x: jnp.full_like(x["x"], -1.0),
)
"""Neurons without spikes: x of neuron i is 1 in step i, else 0; y holds the input."""

SENDS_X = jsnn.SynapseModel(
    name="SENDS_X",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    sends=lambda p, pre: pre["x"],
)
"""GeNN's `addToPost(g * x)` in synapse_dynamics_code."""

X_OF_TARGET = jsnn.SynapseModel(
    name="X_OF_TARGET",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    sends_each=lambda p, weight, pre, post: weight * post["x"],
)
"""GeNN's `addToPre(g * x)`, with x of the presynaptic neuron, on the way back."""

OUTPUTS = {
    "sparse": listed(DECODER),
    "dense": jsnn.Dense(DECODER),
    "dense with delays": jsnn.Dense(DECODER, delays=np.ones((16, 4), int)),
    "sparse transposed": jsnn.transposed(listed(DECODER.T.copy())),
}


@functools.cache
def outputs_of_the_decoder() -> dict[str, np.ndarray]:
    network = jsnn.Network(
        [
            jsnn.Population("pre", 16, ONE_HOT),
            *(jsnn.Population(name, 4, PROBE) for name in OUTPUTS),
        ],
        [jsnn.Projection("pre", name, synapses, SENDS_X) for name, synapses in OUTPUTS.items()],
    )
    record = {name: jsnn.Variable(name, "current") for name in OUTPUTS}
    return jsnn.simulate(network, {}, 16, record=record)[1]


@pytest.mark.parametrize("output", OUTPUTS)
def test_one_hot_numbers_are_decoded(output: str) -> None:
    """GeNN: test_continuous_propagation.py, test_forward."""
    np.testing.assert_array_equal(decoded(outputs_of_the_decoder()[output]), np.arange(16))


DELAYS = 1 + np.arange(9, -1, -1)[:, None]
ONES = np.ones((10, 1), F32)
LATE = {"dense": jsnn.Dense(ONES, delays=DELAYS), "sparse": listed(ONES, DELAYS)}


WAYS = {f"{kind} forward": synapses for kind, synapses in LATE.items()} | {
    f"{kind} back": jsnn.transposed(jsnn.transposed(synapses)) for kind, synapses in LATE.items()
}


@functools.cache
def late_sums() -> dict[str, np.ndarray]:
    network = jsnn.Network(
        [
            jsnn.Population("ten", 10, ONE_HOT),
            *(jsnn.Population(way, 1, PROBE) for way in WAYS),
        ],
        [jsnn.Projection("ten", way, synapses, SENDS_X) for way, synapses in WAYS.items()],
    )
    record = {way: jsnn.Variable(way, "current") for way in WAYS}
    return jsnn.simulate(network, {}, 11, record=record)[1]


@pytest.mark.parametrize("way", WAYS)
def test_delays_of_synapses_make_all_numbers_arrive_at_once(way: str) -> None:
    """GeNN: test_continuous_propagation.py, test_forward_den_delay and test_reverse_den_delay.

    On the way back, the delays are those of the transposed synapses: GeNN's `addToPre(g * x[d])`.
    """
    expected = np.where(np.arange(11) == 10, 10.0, 0.0)
    np.testing.assert_array_equal(late_sums()[way][:, 0], expected)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_a_presynaptic_number_comes_back_to_its_own_neuron(kind: str) -> None:
    """GeNN: test_continuous_propagation.py, test_reverse: the sum of y in step n is n."""
    places = DECODER * 2 ** np.arange(4, dtype=F32)
    forward: Any = listed(places) if kind == "sparse" else jsnn.Dense(places)
    network = jsnn.Network(
        [jsnn.Population("pre", 16, ONE_HOT), jsnn.Population("post", 4, PROBE)],
        [jsnn.Projection("post", "pre", jsnn.transposed(forward), X_OF_TARGET)],
    )
    record = {"y": jsnn.Variable("pre", "y")}
    y = jsnn.simulate(network, {}, 16, record=record)[1]["y"]
    np.testing.assert_array_equal(y.sum(axis=1), np.arange(16))
    np.testing.assert_array_equal(y[1:], np.diag(np.arange(1, 17))[:15])
