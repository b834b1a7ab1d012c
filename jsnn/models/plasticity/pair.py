"""Pair STDP: each pair of a pre- and a postsynaptic spike changes the weight by itself.

With Δt = t_post - t_pre, x the trace of the presynaptic neuron, y that of the postsynaptic one,

    τ+ dx/dt = -x        τ- dy/dt = -y

and at every spike of a neuron its own trace goes up by 1, so that all pairs of spikes count
(all-to-all), or goes to 1, so that each spike is paired with the last one before it on the other
side (`..._NEAREST`; "symmetric nearest-neighbour" in Morrison, Diesmann & Gerstner 2008, Biol.
Cybern. 98, 459-478). Weights are kept from w_min to w_max whenever they change. A pair within one
step, Δt = 0, counts as pre before post, as in GeNN and Brian2, unless a rule says otherwise.
"""

import jax

from jsnn.models.model import Values
from jsnn.models.plasticity.model import AtSpike, PlasticityModel
from jsnn.models.plasticity.traces import (
    Seen,
    all_spikes,
    bounded,
    counting,
    decaying,
    nearest_spike,
)

_BOUNDS = {"w_min": 0.0, "w_max": 1.0}
_WINDOW = {"a_plus": 0.005, "a_minus": 0.00525, "tau_plus": 20.0, "tau_minus": 20.0}


def _now(seen: Seen, side: Values) -> jax.Array:
    """The trace on one side, with the spikes of this step."""
    return seen(side["trace"], side["spike"])


def _additive(seen: Seen) -> tuple[AtSpike, AtSpike]:
    def on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
        return s | {"weight": bounded(p, s["weight"] - p["a_minus"] * post["trace"])}

    def on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
        return s | {"weight": bounded(p, s["weight"] + p["a_plus"] * _now(seen, pre))}

    return on_pre, on_post


def _multiplicative(seen: Seen) -> tuple[AtSpike, AtSpike]:
    def on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = p["a_minus"] * (s["weight"] - p["w_min"]) * post["trace"]
        return s | {"weight": bounded(p, s["weight"] - change)}

    def on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = p["a_plus"] * (p["w_max"] - s["weight"]) * _now(seen, pre)
        return s | {"weight": bounded(p, s["weight"] + change)}

    return on_pre, on_post


def _symmetric(seen: Seen) -> tuple[AtSpike, AtSpike]:
    def on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = p["a"] * (_now(seen, post) - p["rho"])
        return s | {"weight": bounded(p, s["weight"] + change)}

    def on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = p["a"] * (_now(seen, pre) - p["rho"])
        return s | {"weight": bounded(p, s["weight"] + change)}

    return on_pre, on_post


def _pairs(
    rule: tuple[AtSpike, AtSpike],
    seen: Seen,
    params: dict[str, float],
    tau_pre: str = "tau_plus",
    tau_post: str = "tau_minus",
) -> PlasticityModel:
    on_pre, on_post = rule
    return PlasticityModel(
        params=params | _BOUNDS,
        variables={},
        pre={"trace": 0.0},
        post={"trace": 0.0},
        on_pre=on_pre,
        on_post=on_post,
        update_pre=decaying(tau_pre),
        update_post=decaying(tau_post),
        spike_pre=counting(seen),
        spike_post=counting(seen),
    )


STDP = _pairs(_additive(all_spikes), all_spikes, _WINDOW)
"""Additive, all-to-all: Δw = a+ exp(-Δt/τ+) for Δt >= 0, -a- exp(Δt/τ-) for Δt < 0.

    at a presynaptic spike   w <- w - a- y
    at a postsynaptic spike  w <- w + a+ x

a_plus and a_minus, both >= 0, w_min and w_max in the unit of the weights; tau_plus, tau_minus in
ms. Song, Miller & Abbott 2000, Nat. Neurosci. 3, 919-926, whose a+ = 0.005, a- = 1.05 a+ and
τ = 20 ms are the defaults, for weights from 0 to 1.
"""

STDP_NEAREST = _pairs(_additive(nearest_spike), nearest_spike, _WINDOW)
"""`STDP` of nearest neighbours: a spike is paired with the last one on the other side alone."""

STDP_MULTIPLICATIVE = _pairs(_multiplicative(all_spikes), all_spikes, _WINDOW)
"""All-to-all, the change being in proportion to the distance from the bound ahead.

    at a presynaptic spike   w <- w - a- (w - w_min) y
    at a postsynaptic spike  w <- w + a+ (w_max - w) x

a_plus and a_minus, both >= 0, are dimensionless; the rest as in `STDP`. Rubin, Lee & Sompolinsky
2001, Phys. Rev. Lett. 86, 364-367.
"""

STDP_MULTIPLICATIVE_NEAREST = _pairs(_multiplicative(nearest_spike), nearest_spike, _WINDOW)
"""`STDP_MULTIPLICATIVE` of nearest neighbours."""

_SYMMETRIC_WINDOW = {"a": 0.005, "rho": 0.0, "tau_stdp": 20.0}
_TAU_OF_BOTH = ("tau_stdp", "tau_stdp")

STDP_SYMMETRIC = _pairs(_symmetric(all_spikes), all_spikes, _SYMMETRIC_WINDOW, *_TAU_OF_BOTH)
"""Additive, all-to-all, blind to the order: Δw = a exp(-|Δt|/τ) for a pair, -a rho for a spike.

    at a presynaptic spike   w <- w + a (y - rho)
    at a postsynaptic spike  w <- w + a (x - rho)

A pair within one step counts twice, once at each of its spikes, as in GeNN's mushroom body. a,
w_min and w_max in the unit of the weights; rho dimensionless; tau_stdp in ms.
"""

STDP_SYMMETRIC_NEAREST = _pairs(
    _symmetric(nearest_spike), nearest_spike, _SYMMETRIC_WINDOW, *_TAU_OF_BOTH
)
"""`STDP_SYMMETRIC` of nearest neighbours, the rule of GeNN's mushroom body.

There a = 2e-5 nA, rho = 0.01, tau_stdp = 15 ms and w_max = 0.0233 nA. The model is that of Nowotny,
Huerta, Abarbanel & Rabinovich 2005, Biol. Cybern. 93, 436-446.
"""
