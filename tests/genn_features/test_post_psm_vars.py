"""Ports of GeNN's tests/features/test_post_psm_vars.py: rules read variables of synapse models."""

import functools
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import (
    IN_TURN,
    NEVER,
    PATTERN,
    SHIFT,
    Values,
    joined_one_to_one,
    seen,
    w_of_each,
)
from tests.networks import PROBE


def tick(p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array) -> Any:
    return x | {"s": p["t"] + x["shift"]}, arriving


TICKING = jsnn.SynapseModel(
    name="TICKING", params={}, variables={"s": NEVER, "shift": 0.0}, update=tick
)
TICKING_EVENTS = jsnn.SynapseModel(
    name="TICKING_EVENTS",
    params={},
    variables={"s": NEVER, "shift": 0.0},
    update=tick,
    event=IN_TURN.event,
)
"""Synapse models that hold the time, with a shift of each neuron, GeNN's postsynaptic model."""

KEEP_AT_PRE = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_post=("synapse.s",),
    on_pre=lambda p, s, pre, post: s | {"w": post["synapse.s"]},
)
KEEP_AT_POST = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={},
    reads_post=("synapse.s",),
    on_post=lambda p, s, pre, post: s | {"w": post["synapse.s"]},
)
OLD = 20


def shifted(p: Values, x: Values, dt: jax.Array) -> Values:
    """Keep the last values of s: GeNN's s[d] is the trace s_d."""
    return {"s0": p["synapse.s"]} | {f"s{d + 1}": x[f"s{d}"] for d in range(OLD)}


KEEP_OLD_AT_POST = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={f"s{d}": NEVER for d in range(OLD + 1)},
    reads_post=("synapse.s",),
    update_post=shifted,
    on_post=lambda p, s, pre, post: s | {"w": post[f"s{OLD}"]},
)

WAYS: dict[str, tuple[str, str, jsnn.PlasticityModel, jsnn.SynapseModel]] = {
    "PostLearnPost": ("probe", "pattern", KEEP_AT_POST, TICKING),
    "PostSim": ("pattern", "probe", KEEP_AT_PRE, TICKING),
    "PostEvent": ("pattern", "probe", KEEP_AT_PRE, TICKING_EVENTS),
}


@functools.cache
def w_of_all(delay: int) -> dict[str, Any]:
    ways = WAYS | (
        {"PostLearnPostDelay": ("probe", "pattern", KEEP_OLD_AT_POST, TICKING)} if delay else {}
    )
    network = jsnn.Network(
        [jsnn.Population("pattern", 10, PATTERN), jsnn.Population("probe", 10, PROBE)],
        [
            joined_one_to_one(
                *(pre, post, rule, way),
                synapse=synapse,
                initial={"shift": SHIFT},
                back_propagation=0 if "Delay" in way else delay,
            )
            for way, (pre, post, rule, synapse) in ways.items()
        ],
    )
    return jsnn.simulate(network, {}, 100, record={"w": w_of_each})[1]["w"]


@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("way", WAYS)
def test_a_rule_keeps_a_variable_of_the_synapse_model(way: str, delay: int) -> None:
    """GeNN: test_post_psm_vars.py, test_post_psm_var, three groups with back-propagation.

    A presynaptic spike that reads s[d] in GeNN sees what it sees here with `back_propagation=d`, so
    these are GeNN's groups PostSimDelay and PostEventDelay too.
    """
    np.testing.assert_array_equal(w_of_all(delay)[way]["w"], seen(delay, SHIFT))


def test_a_postsynaptic_spike_keeps_an_old_value() -> None:
    """GeNN: test_post_psm_vars.py, test_post_psm_var, group PostLearnPostDelay, with s[20]."""
    np.testing.assert_array_equal(w_of_all(OLD)["PostLearnPostDelay"]["w"], seen(OLD, SHIFT))
