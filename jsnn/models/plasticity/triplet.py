"""Triplet STDP: potentiation grows with the rate, as pairs alone cannot have it."""

from typing import Any

import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import bounded


def _decay_pre(p: Values, r: Values, dt: Any) -> Values:
    return {"r1": r["r1"] * jnp.exp(-dt / p["tau_plus"]), "r2": r["r2"] * jnp.exp(-dt / p["tau_x"])}


def _decay_post(p: Values, o: Values, dt: Any) -> Values:
    return {
        "o1": o["o1"] * jnp.exp(-dt / p["tau_minus"]),
        "o2": o["o2"] * jnp.exp(-dt / p["tau_y"]),
    }


def _count(p: Values, traces: Values) -> Values:
    return {name: trace + 1 for name, trace in traces.items()}


def _on_pre(p: Values, s: Values, r: Values, o: Values) -> Values:
    change = o["o1"] * (p["a2_minus"] + p["a3_minus"] * r["r2"])
    return s | {"weight": bounded(p, s["weight"] - change)}


def _on_post(p: Values, s: Values, r: Values, o: Values) -> Values:
    change = (r["r1"] + r["spike"]) * (p["a2_plus"] + p["a3_plus"] * o["o2"])
    return s | {"weight": bounded(p, s["weight"] + change)}


TRIPLET_STDP = PlasticityModel(
    params={
        "a2_plus": 5e-10,
        "a3_plus": 6.2e-3,
        "a2_minus": 7e-3,
        "a3_minus": 2.3e-4,
        "tau_plus": 16.8,
        "tau_x": 101.0,
        "tau_minus": 33.7,
        "tau_y": 125.0,
        "w_min": 0.0,
        "w_max": 1.0,
    },
    variables={},
    pre={"r1": 0.0, "r2": 0.0},
    post={"o1": 0.0, "o2": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=_decay_pre,
    update_post=_decay_post,
    spike_pre=_count,
    spike_post=_count,
)
"""Triplets of spikes, all-to-all: Pfister & Gerstner 2006, J. Neurosci. 26, 9673-9682.

    τ+ dr1/dt = -r1,  τx dr2/dt = -r2;   r1, r2 <- r1 + 1, r2 + 1 at a presynaptic spike
    τ- do1/dt = -o1,  τy do2/dt = -o2;   o1, o2 <- o1 + 1, o2 + 1 at a postsynaptic spike

    at a presynaptic spike   w <- w - o1 (a2- + a3- r2)
    at a postsynaptic spike  w <- w + r1 (a2+ + a3+ o2)

r2 and o2 are those just before the spike itself. A pair within one step counts as pre before post:
r1 has this step's spike when the postsynaptic one is counted, o1 has not. The defaults are those
that they fitted to visual cortex (all-to-all, full model), for changes relative to the initial
weight. a*, w_min and w_max in the unit of the weights, tau_* in ms.
"""
