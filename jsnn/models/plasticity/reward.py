"""Reward-modulated STDP: pairs of spikes leave a tag, which a later reward turns to weight."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import BOUNDS, NOT_NEGATED, WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import Count, Decay, all_spikes, bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return s | {"eligibility": s["eligibility"] - product(p["a_minus"], post["trace"])}


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    trace = all_spikes(pre["trace"], pre["spike"])
    return s | {"eligibility": s["eligibility"] + product(p["a_plus"], trace)}


def _each_step(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    integral = -product(
        p["tau_c"], jnp.expm1(-product(dt, 1 / p["tau_c"]))
    )  # of exp(-t/τc) over the step
    return {
        "weight": bounded(
            p, s["weight"] + product(product(p["reward"], integral), s["eligibility"])
        ),
        "eligibility": product(s["eligibility"], decay(p["tau_c"], dt)),
    }


REWARD_STDP = PlasticityModel(
    name="REWARD_STDP",
    description="""Reward-modulated STDP: pairs leave an eligibility, which reward turns to weight.

        dw/dt = c reward,   τc dc/dt = -c
        at a presynaptic spike   c <- c - a- y
        at a postsynaptic spike  c <- c + a+ x

    x and y are the traces of `STDP`, additive and all-to-all; a pair within one step counts as pre
    before post. Integrated exactly over a step, in which `reward` is constant. A drive
    {projection: {"reward": jsnn.over_time(r)}} with r [T] gives one reward per step, which acts on
    the eligibility before the spikes of that step.

    Izhikevich 2007, Cereb. Cortex 17, 2443-2452, where `reward` is the concentration of dopamine,
    which jumps at a reward and decays with 200 ms. w_min and w_max are in the unit of the weights,
    c = `eligibility` in that of a_plus and a_minus, reward in weight per eligibility and ms. The
    rule costs a pass over all synapses in every step.
    """,
    params={
        "reward": 0.0,
        "a_plus": Quantity(0.1, at_least=0),
        "a_minus": Quantity(0.15, at_least=0, note=NOT_NEGATED),
        "tau_plus": Quantity(20.0, "ms", above=0),
        "tau_minus": Quantity(20.0, "ms", above=0),
        "tau_c": Quantity(1000.0, "ms", above=0),
        **BOUNDS,
    },
    variables={"eligibility": 0.0},
    pre={"trace": 0.0},
    post={"trace": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=Decay("tau_plus"),
    update_post=Decay("tau_minus"),
    spike_pre=Count(all_spikes),
    spike_post=Count(all_spikes),
    each_step=_each_step,
    weight_bounds=WEIGHT_BOUNDS,
)
