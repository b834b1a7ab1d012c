"""Ports of GeNN's tests/features/test_event_times.py: rules and neurons that read times of spikes.

The time of a spike at a synapse is its time of arrival there. GeNN's is one step later, since it
counts the step of the delivery in.
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
    IN_TURN,
    NEVER,
    Values,
    in_pattern,
    joined_one_to_one,
    margin,
    seen,
    w_of_each,
)

DELAY = 20

PATTERN = jsnn.NeuronModel(
    name="PATTERN_WITH_TIME",
    params={},
    variables={"last": NEVER, "a": NEVER},
    update=lambda p, x, current, dt: x | {"a": x["last"]},
    threshold=lambda p, x: margin(in_pattern(p["t"], x["a"].size)),
    reset=lambda p, x: x | {"last": jnp.full_like(x["last"], p["t"])},
)
"""Neurons that spike in turn and know their last spike; `a` is GeNN's `st` in sim_code."""


def previous(p: Values, side: Values) -> jax.Array:
    """Return GeNN's `prev_st`: the time of the last spike before this step."""
    since = side["since_spike"]
    return jnp.where(jnp.isinf(since), NEVER, p["t"] - since)


def last(p: Values, side: Values) -> jax.Array:
    """Return GeNN's `st`: the time of the last spike, one of this step included."""
    return jnp.where(side["spike"] > 0, p["t"], previous(p, side))


OF_PRE = jsnn.PlasticityModel(
    params={},
    variables={"a": NEVER, "b": NEVER},
    pre={"last": NEVER, "c": NEVER},
    post={},
    reads_pre=("since_spike",),
    on_pre=lambda p, s, pre, post: s | {"a": previous(p, pre)},
    on_post=lambda p, s, pre, post: s | {"b": last(p, pre)},
    spike_pre=lambda p, x: {"c": x["last"], "last": jnp.full_like(x["last"], p["t"])},
)
OF_POST = jsnn.PlasticityModel(
    params={},
    variables={"a": NEVER, "b": NEVER},
    pre={},
    post={},
    reads_post=("since_spike",),
    on_pre=lambda p, s, pre, post: s | {"a": last(p, post)},
    on_post=lambda p, s, pre, post: s | {"b": previous(p, post)},
)


def update_events(p: Values, x: Values, dt: jax.Array) -> Values:
    """Find the events of now by their condition, and keep the times of the last two."""
    now = in_pattern(p["t"] - p["late"], x["last"].size)
    return {
        "now": now,
        "last": jnp.where(now, p["t"], x["last"]),
        "previous": jnp.where(now, x["last"], x["previous"]),
    }


OF_POST_EVENTS = jsnn.PlasticityModel(
    params={"late": float(DELAY)},
    variables={"a": NEVER, "b": NEVER},
    pre={},
    post={"now": False, "last": NEVER, "previous": NEVER},
    update_post=update_events,
    on_pre=lambda p, s, pre, post: s | {"a": post["last"]},
    each_step=lambda p, s, pre, post, dt: (
        s | {"b": jnp.where(post["now"], post["previous"], s["b"])}
    ),
)
"""A rule with events on the postsynaptic side, a condition that `each_step` looks at."""

LATE = {"delay": 1 + DELAY, "axonal": DELAY}


def traces(state: jsnn.State, spikes: Any) -> Values:
    plasticity = state.projections["pre"].plasticity
    assert plasticity is not None
    return plasticity.pre


@functools.cache
def kept() -> dict[str, Any]:
    network = jsnn.Network(
        [jsnn.Population("pattern", 10, PATTERN), jsnn.Population("always", 10, ALWAYS)],
        [
            joined_one_to_one("pattern", "always", OF_PRE, "pre", **LATE),
            joined_one_to_one("always", "pattern", OF_POST, "post", back_propagation=DELAY),
            joined_one_to_one("pattern", "always", OF_PRE, "pre events", synapse=IN_TURN, **LATE),
            joined_one_to_one("always", "pattern", OF_POST_EVENTS, "post events"),
        ],
    )
    record = {"w": w_of_each, "c": traces, "a": jsnn.Variable("pattern", "a")}
    return jsnn.simulate(network, {}, 100, record=record)[1]


def times(late: int, offset: int) -> np.ndarray:
    """Return the times of spikes as the synapses see them, [T, 10]: GeNN's _gen_st_syn."""
    step = np.arange(100)[:, None]
    id_ = np.arange(10)
    found = id_ + offset + 10.0 * np.floor((step - late - id_) / 10.0)
    return np.where(found < late, NEVER, found)


LAST, PREVIOUS = times(DELAY, DELAY), times(DELAY, DELAY - 10)


@pytest.mark.parametrize("kind", ["", " events"])
@pytest.mark.parametrize(
    ("projection", "variable", "expected"),
    [("pre", "a", PREVIOUS), ("pre", "b", LAST), ("post", "a", LAST), ("post", "b", PREVIOUS)],
    ids=["prev_st_pre", "st_pre", "st_post", "prev_st_post"],
)
def test_a_rule_reads_times_of_spikes(
    projection: str, variable: str, expected: np.ndarray, kind: str
) -> None:
    """GeNN: test_event_times.py, test_spike_times and test_spike_event_times, their synapses."""
    w = kept()["w"][projection + kind][variable]
    np.testing.assert_array_equal(w, expected)


def test_a_neuron_reads_the_time_of_its_last_spike() -> None:
    """GeNN: test_event_times.py, test_spike_times, `st` in the code of a neuron."""
    np.testing.assert_array_equal(kept()["a"], seen(1, np.zeros(10)))


def test_a_trace_reads_the_time_of_the_spike_before() -> None:
    """GeNN: test_event_times.py, test_spike_times, `st_pre` in pre_spike_code."""
    np.testing.assert_array_equal(kept()["c"]["c"], PREVIOUS)
