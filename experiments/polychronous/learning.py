"""Spike-timing dependent plasticity of Izhikevich 2006, by which weights change once a second.

Δt is the time in ms from the arrival of a spike at the synapse to a spike of the postsynaptic
neuron. Each is paired with the last one of the other side before it.

    at a postsynaptic spike    derivative <- derivative + 0.1 · 0.95^(Δt - 1)    Δt >= 1
    at an arrival              derivative <- derivative - 0.12 · 0.95^(-Δt)      Δt <= 0
    once a second              weight <- clip(weight + 0.01 + derivative, 0, 10)
                               derivative <- 0.9 derivative

Neural Comput. 18, 245-282; 0.95 a millisecond is a time constant of 20 ms.
"""

import jax
import jax.numpy as jnp

import jsnn
from jsnn import product

Values = dict[str, jax.Array]

SECOND = 1_000
"""Number of steps in a second."""

_KEPT = 0.95
"""Part of a trace that is left after a millisecond."""


def _depressed(p: Values, s: Values, pre: Values, post: Values) -> Values:
    depression = jnp.where(post["spike"] > 0, p["a_minus"], post["depression"])
    return s | {"derivative": s["derivative"] - depression}


def _potentiated(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return s | {"derivative": s["derivative"] + pre["potentiation"]}


def _at_the_end_of_a_second(
    p: Values, s: Values, pre: Values, post: Values, dt: jax.Array
) -> Values:
    def changed(s: Values) -> Values:
        weight = jnp.clip(s["weight"] + (p["growth"] + s["derivative"]), p["w_min"], p["w_max"])
        return {"weight": weight, "derivative": product(0.9, s["derivative"])}

    second_ends = p["step"] % SECOND == SECOND - 1
    return jax.lax.cond(second_ends, changed, lambda s: s, s)


def _potentiation(p: Values, x: Values, dt: jax.Array) -> Values:
    """Return the traces of a step: what a spike sees is one step behind, 0.95^(Δt - 1)."""
    return {"potentiation": x["next"], "next": product(_KEPT, x["next"])}


def _depression(p: Values, x: Values, dt: jax.Array) -> Values:
    return {"depression": product(_KEPT, x["depression"])}


def _arrived(p: Values, x: Values) -> Values:
    return x | {"next": jnp.full_like(x["next"], p["a_plus"])}


def _spiked(p: Values, x: Values) -> Values:
    return {"depression": jnp.full_like(x["depression"], p["a_minus"])}


STDP_ONCE_A_SECOND = jsnn.PlasticityModel(
    name="STDP_ONCE_A_SECOND",
    description=__doc__,
    params={
        "a_plus": jsnn.Quantity(0.1, at_least=0),
        "a_minus": jsnn.Quantity(0.12, at_least=0),
        "growth": 0.01,
        "w_min": jsnn.Quantity(0.0, at_most="w_max"),
        "w_max": 10.0,
    },
    variables={"derivative": 0.0},
    pre={"potentiation": 0.0, "next": 0.0},
    post={"depression": 0.0},
    on_pre=_depressed,
    on_post=_potentiated,
    update_pre=_potentiation,
    update_post=_depression,
    spike_pre=_arrived,
    spike_post=_spiked,
    each_step=_at_the_end_of_a_second,
    weight_bounds=("w_min", "w_max"),
    delivers_learnt_weight=True,
)
"""The rule, for steps of 1 ms.

Weights change in the last step of a second, before the spikes of that step read them, as in the
published program, which begins a millisecond with these spikes.
"""
