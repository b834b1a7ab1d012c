"""Reward-modulated STDP: pairs of spikes leave a tag, which a later reward turns to weight."""

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import all_spikes, bounded, counting, decaying


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return s | {"eligibility": s["eligibility"] - p["a_minus"] * post["trace"]}


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    trace = all_spikes(pre["trace"], pre["spike"])
    return s | {"eligibility": s["eligibility"] + p["a_plus"] * trace}


def _each_step(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    integral = -p["tau_c"] * jnp.expm1(-dt / p["tau_c"])  # of exp(-t/τc) over the step
    return {
        "weight": bounded(p, s["weight"] + p["reward"] * s["eligibility"] * integral),
        "eligibility": s["eligibility"] * jnp.exp(-dt / p["tau_c"]),
    }


REWARD_STDP = PlasticityModel(
    params={
        "reward": 0.0,
        "a_plus": 0.1,
        "a_minus": 0.15,
        "tau_plus": 20.0,
        "tau_minus": 20.0,
        "tau_c": 1000.0,
        "w_min": 0.0,
        "w_max": 1.0,
    },
    variables={"eligibility": 0.0},
    pre={"trace": 0.0},
    post={"trace": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=decaying("tau_plus"),
    update_post=decaying("tau_minus"),
    spike_pre=counting(all_spikes),
    spike_post=counting(all_spikes),
    each_step=_each_step,
)
"""Additive, all-to-all STDP of an eligibility c, which makes weight while there is reward.

    dw/dt = c reward,   τc dc/dt = -c
    at a presynaptic spike   c <- c - a- y
    at a postsynaptic spike  c <- c + a+ x

with the traces x and y of `STDP`; a pair within one step counts as pre before post. Integrated
exactly over a step, in which `reward` is constant: {projection: {"reward": [T]}} in a drive gives
one per step, which acts on what was eligible before that step's spikes.

Izhikevich 2007, Cereb. Cortex 17, 2443-2452, where `reward` is the concentration of dopamine, which
jumps at a reward and decays with 200 ms. tau_* in ms; w_min and w_max in the unit of the weights,
c = `eligibility` in that of a_plus and a_minus, and reward in weight per eligibility and ms. It
costs a pass over all synapses in every step.
"""
