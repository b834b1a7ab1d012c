"""Short-term plasticity: how much a spike delivers depends on the spikes before it."""

import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

_LONG_AGO = 1e9  # ms; before the first spike, in place of infinity, of which gradients are NaN


def _release(p: Values, s: Values, pre: Values, post: Values) -> Values:
    since_spike = jnp.minimum(pre["since_spike"], _LONG_AGO)
    u = product(s["u"], decay(p["tau_fac"], since_spike))
    x = 1 - product(1 - s["x"], decay(p["tau_rec"], since_spike))
    u = u + product(p["u_0"], 1 - u)
    released = product(u, x)
    baseline = s["weight"] + s["withheld"]
    weight = product(baseline, released)
    return {"weight": weight, "withheld": baseline - weight, "u": u, "x": x - released}


TSODYKS_MARKRAM = PlasticityModel(
    name="TSODYKS_MARKRAM",
    description="""Short-term plasticity: depression and facilitation of the synapses of a neuron.

        du/dt = -u / tau_fac,   dx/dt = (1 - x) / tau_rec
        at a presynaptic spike, in this order:   u <- u + u_0 (1 - u),   A = u x w,   x <- x - u x

    A spike delivers A, the part u x of the baseline weight w: u is the part of the resources that a
    spike uses, and x the part that has recovered. A synapse rests at u = 0 and x = 1, so its first
    spike delivers u_0 w. Tsodyks, Pawelzik & Markram 1998, Neural Comput. 10, 821-835; Tsodyks,
    Uziel & Markram 2000, J. Neurosci. 20, RC50, where what a spike has used is inactive for a
    few ms before it recovers, and which gives the defaults. This is NEST's "tsodyks2_synapse":
    recovery begins at once, and u rises before it is used. tau_fac = 0 is depression alone.

    w is the weight of the projection. After a spike, `weight` is the A that the spike delivered,
    and w = weight + `withheld`. u and x are as they were after the last spike; the rule decays them
    exactly at the next one, so steps without spikes cost nothing.
    """,
    params={
        "u_0": Quantity(0.5, at_least=0, at_most=1),
        "tau_rec": Quantity(800.0, "ms", above=0),
        "tau_fac": Quantity(0.0, "ms", at_least=0),
    },
    variables={
        "withheld": 0.0,
        "u": Quantity(0.0, at_least=0, at_most=1),
        "x": Quantity(1.0, at_least=0, at_most=1),
    },
    pre={},
    post={},
    on_pre=_release,
    reads_pre=("since_spike",),
    delivers_learnt_weight=True,
)
