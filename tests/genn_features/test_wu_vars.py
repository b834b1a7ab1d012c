"""Ports of GeNN's tests/features/test_wu_vars.py: traces of rules on both sides of a synapse.

GeNN updates a trace at a spike before the code of the synapses sees it, jsnn after, so what a
synapse sees of a trace that is set at a spike is the trace, or its new value at a spike of now.
GeNN's traces pass the delay like variables of the neuron; here they live at the synapse, and the
time of a spike is the time of its arrival there without its delay, the parameter `late`.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import (
    ALWAYS,
    NEVER,
    PATTERN,
    SHIFT,
    Values,
    joined_one_to_one,
    seen,
    w_of_each,
)
from tests.networks import PROBE


def time_of_spike(p: Values, side: Values) -> jax.Array:
    """Return the time of the last spike of a side, one of this step included."""
    return jnp.where(side["spike"] > 0, p["t"] - p["late"], side["s"])


def set_time(p: Values, x: Values) -> Values:
    return {"s": jnp.full_like(x["s"], p["t"] - p["late"])}


PRE: dict[str, Any] = {"pre": {"s": NEVER}, "post": {}, "spike_pre": set_time}
POST: dict[str, Any] = {"pre": {}, "post": {"s": NEVER}, "spike_post": set_time}


def rule(sides: dict[str, Any], **functions: Any) -> jsnn.PlasticityModel:
    return jsnn.PlasticityModel(params={"late": 0.0}, variables={"w": NEVER}, **sides, **functions)


SPIKES = {
    "PreLearnPost": rule(PRE, on_post=lambda p, s, pre, post: s | {"w": time_of_spike(p, pre)}),
    "PreSim": rule(PRE, on_pre=lambda p, s, pre, post: s | {"w": time_of_spike(p, pre)}),
    "PreSynapseDynamics": rule(
        PRE, each_step=lambda p, s, pre, post, dt: s | {"w": time_of_spike(p, pre)}
    ),
    "PostLearnPost": rule(POST, on_post=lambda p, s, pre, post: s | {"w": time_of_spike(p, post)}),
    "PostSim": rule(POST, on_pre=lambda p, s, pre, post: s | {"w": time_of_spike(p, post)}),
    "PostSynapseDynamics": rule(
        POST, each_step=lambda p, s, pre, post, dt: s | {"w": time_of_spike(p, post)}
    ),
}


def side_of(way: str) -> str:
    return "pre" if way.startswith("Pre") else "post"


def late(way: str, delay: int) -> dict[str, Any]:
    """Return the delay of a side, as the projection and the rule are told."""
    before = {"delay": 1 + delay, "axonal": delay}
    of_side = before if side_of(way) == "pre" else {"back_propagation": delay}
    return of_side | {"params": {"late": float(delay)}}


@functools.cache
def times_kept(delay: int) -> dict[str, Any]:
    """Return the variables of all synapses; the neurons of the other side spike in every step."""
    network = jsnn.Network(
        [jsnn.Population("always", 10, ALWAYS), jsnn.Population("pattern", 10, PATTERN)],
        [
            joined_one_to_one(
                *(("pattern", "always") if side_of(way) == "pre" else ("always", "pattern")),
                model,
                way,
                **late(way, delay),
            )
            for way, model in SPIKES.items()
        ],
    )
    return jsnn.simulate(network, {}, 100, record={"w": w_of_each})[1]["w"]


@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("way", SPIKES)
def test_synapses_keep_the_time_that_a_trace_took_at_a_spike(way: str, delay: int) -> None:
    """GeNN: test_wu_vars.py, test_wu_var, its groups without s[d].

    The groups with s[d], an older value of a postsynaptic trace, differ from these by nothing that
    they check: spikes that come late by d steps, or values that are d steps old.
    """
    np.testing.assert_array_equal(times_kept(delay)[way]["w"], seen(delay, np.zeros(10)))


OLD = 20


def shifted(p: Values, x: Values, dt: jax.Array) -> Values:
    """Keep the last values of s: GeNN's s[d] is the trace s_d, here of the step before."""
    return x | {f"s{d + 1}": x[f"s{d}"] for d in range(OLD)}


OLD_TRACE = jsnn.PlasticityModel(
    params={},
    variables={"w": NEVER},
    pre={},
    post={f"s{d}": NEVER for d in range(OLD + 1)},
    update_post=shifted,
    spike_post=lambda p, x: x | {"s0": jnp.full_like(x["s0"], p["t"])},
    on_pre=lambda p, s, pre, post: s | {"w": post[f"s{OLD}"]},
)
"""A rule that reads a trace as it was 20 steps before, after the spikes of that step."""


def at_time(p: Values, x: Values, dt: jax.Array) -> Values:
    """Hold the time and a shift of each neuron, as the neuron would; late at the synapse."""
    s = p["t"] - p["late"] + x["shift"]
    return x | {"s": jnp.where(p["t"] >= p["late"], s, x["s"])}


HOLDS_PRE: dict[str, Any] = {
    "pre": {"s": NEVER, "shift": 0.0},
    "post": {},
    "update_pre": at_time,
}
HOLDS_POST: dict[str, Any] = {
    "pre": {},
    "post": {"s": NEVER, "shift": 0.0},
    "update_post": at_time,
}

CONTINUOUS = {
    "PreLearnPost": rule(HOLDS_PRE, on_post=lambda p, s, pre, post: s | {"w": pre["s"]}),
    "PreSim": rule(HOLDS_PRE, on_pre=lambda p, s, pre, post: s | {"w": pre["s"]}),
    "PostLearnPost": rule(HOLDS_POST, on_post=lambda p, s, pre, post: s | {"w": post["s"]}),
    "PostSim": rule(HOLDS_POST, on_pre=lambda p, s, pre, post: s | {"w": post["s"]}),
}


@functools.cache
def values_kept(delay: int) -> dict[str, Any]:
    old = [joined_one_to_one("always", "pattern", OLD_TRACE, "OldTrace")] if delay else []
    network = jsnn.Network(
        [
            jsnn.Population("probe", 10, PROBE),
            jsnn.Population("pattern", 10, PATTERN),
            jsnn.Population("always", 10, ALWAYS),
        ],
        [
            *(
                joined_one_to_one(
                    *(("probe", "pattern") if way.endswith("LearnPost") else ("pattern", "probe")),
                    model,
                    way,
                    **{f"initial_{side_of(way)}": {"shift": SHIFT}},
                    **late(way, delay),
                )
                for way, model in CONTINUOUS.items()
            ),
            *old,
        ],
    )
    return jsnn.simulate(network, {}, 100, record={"w": w_of_each})[1]["w"]


@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("way", CONTINUOUS)
def test_synapses_keep_a_trace_that_changes_in_every_step(way: str, delay: int) -> None:
    """GeNN: test_wu_vars.py, test_wu_var_cont, its groups without s[d]."""
    np.testing.assert_array_equal(values_kept(delay)[way]["w"], seen(delay, SHIFT))


def test_a_presynaptic_spike_reads_an_old_postsynaptic_trace() -> None:
    """GeNN: test_wu_vars.py, test_wu_var, group PostSimDelay, s[20] of a trace."""
    expected = seen(OLD, np.zeros(10))
    np.testing.assert_array_equal(values_kept(OLD)["OldTrace"]["w"], expected)
