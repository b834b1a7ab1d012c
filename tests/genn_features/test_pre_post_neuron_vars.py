"""Ports of GeNN's tests/features/test_pre_post_neuron_vars.py: rules read variables of neurons."""

import functools
from typing import Any

import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import (
    CLOCK,
    F32,
    IN_TURN,
    NEVER,
    PATTERN,
    SHIFT,
    joined_one_to_one,
    seen,
    w_of_each,
)
from tests.networks import PROBE

KEEP_PRE_AT_PRE = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_pre=("s",),
    on_pre=lambda p, s, pre, post: s | {"w": pre["s"]},
)
KEEP_PRE_AT_POST = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_pre=("s",),
    on_post=lambda p, s, pre, post: s | {"w": pre["s"]},
)
KEEP_POST_AT_PRE = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_post=("s",),
    on_pre=lambda p, s, pre, post: s | {"w": post["s"]},
)
KEEP_POST_AT_POST = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_post=("s",),
    on_post=lambda p, s, pre, post: s | {"w": post["s"]},
)

WAYS: dict[str, tuple[str, str, jsnn.PlasticityModel, jsnn.SynapseModel]] = {
    "PreLearnPost": ("clock", "pattern", KEEP_PRE_AT_POST, jsnn.DELTA),
    "PreSim": ("pattern", "clock", KEEP_PRE_AT_PRE, jsnn.DELTA),
    "PreEvent": ("pattern", "clock", KEEP_PRE_AT_PRE, IN_TURN),
    "PostLearnPost": ("clock", "pattern", KEEP_POST_AT_POST, jsnn.DELTA),
    "PostSim": ("pattern", "clock", KEEP_POST_AT_PRE, jsnn.DELTA),
    "PostEvent": ("pattern", "clock", KEEP_POST_AT_PRE, IN_TURN),
}


def late(way: str, delay: int) -> dict[str, Any]:
    """Return the delay of the variables that a rule reads, on the side of these."""
    if way.startswith("Pre"):
        return {"delay": 1 + delay, "axonal": delay}
    return {"back_propagation": delay}


@functools.cache
def w_of_all(delay: int) -> dict[str, Any]:
    network = jsnn.Network(
        [
            jsnn.Population("pattern", 10, PATTERN, initial={"shift": SHIFT}),
            jsnn.Population("clock", 10, CLOCK, initial={"shift": SHIFT}),
        ],
        [
            joined_one_to_one(pre, post, rule, way, synapse=synapse, **late(way, delay))
            for way, (pre, post, rule, synapse) in WAYS.items()
        ],
    )
    return jsnn.simulate(network, {}, 100, record={"w": w_of_each})[1]["w"]


@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("way", WAYS)
def test_a_rule_keeps_a_variable_of_a_neuron_at_a_spike_or_event(way: str, delay: int) -> None:
    """GeNN: test_pre_post_neuron_vars.py, test_pre_post_neuron_var, its six synapse groups."""
    np.testing.assert_array_equal(w_of_all(delay)[way]["w"], seen(delay, SHIFT))


def test_a_spike_carries_a_variable_of_its_neuron_through_a_kernel() -> None:
    """GeNN: test_pre_post_neuron_vars.py, test_pre_neuron_var_kernel.

    `addToPost(g * x)` at a spike; here x = 1 + the number of the pixel, in place of GeNN's 1.
    """
    kernel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], F32)
    scaled = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends=lambda p, pre: pre["spike"] * pre["x"],
    )
    source = jsnn.NeuronModel(
        params={},
        variables={"input": 0.0, "x": 0.0},
        update=lambda p, x, current, dt: x | {"input": current},
        threshold=lambda p, x: x["input"] - 1,
    )
    image = np.random.default_rng(0).random((10, 10)) < 0.4
    x = np.arange(1, 101, dtype=F32)
    network = jsnn.Network(
        [
            jsnn.Population("image", 100, source, initial={"x": x}),
            jsnn.Population("edges", 64, PROBE),
        ],
        [
            jsnn.Projection(
                "image", "edges", jsnn.Conv2D(kernel[:, :, None, None], (10, 10, 1)), scaled
            )
        ],
    )
    state, _ = jsnn.simulate(network, {"image": image.ravel().astype(F32)}, 2)
    shown = image * x.reshape(10, 10)
    expected = sum(kernel[i, j] * shown[i : i + 8, j : j + 8] for i in range(3) for j in range(3))
    np.testing.assert_allclose(state.populations["edges"]["current"], expected.ravel(), rtol=1e-6)
