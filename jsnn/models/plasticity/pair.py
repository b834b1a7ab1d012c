"""Pair STDP: each pair of a pre- and a postsynaptic spike changes the weight by itself.

With Δt = t_post - t_pre, x the trace of the presynaptic neuron, y that of the postsynaptic one,

    τ+ dx/dt = -x        τ- dy/dt = -y

At every spike of a neuron its own trace goes up by 1, so that all pairs of spikes count
(all-to-all), or goes to 1, so that each spike is paired with the last spike before it on the other
side (`..._NEAREST`; "symmetric nearest-neighbour" in Morrison, Diesmann & Gerstner 2008, Biol.
Cybern. 98, 459-478). Weights are clipped to w_min and w_max whenever they change. A pair within one
step, Δt = 0, counts as pre before post, as in Brian2's usual code, unless a rule says otherwise; in
GeNN's built-in STDP it changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import BOUNDS, NOT_NEGATED, WEIGHT_BOUNDS
from jsnn.models.plasticity.model import AtSpike, PlasticityModel
from jsnn.models.plasticity.traces import (
    Count,
    Decay,
    Seen,
    all_spikes,
    bounded,
    nearest_spike,
)
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


@dataclass(frozen=True)
class _AtSpike:
    """A change of the weight at a spike.

    Attributes:
      seen: which earlier spikes a trace stands for.
    """

    seen: Seen

    def now(self, side: Values) -> jax.Array:
        """Return the trace on one side, with the spikes of this step."""
        return self.seen(side["trace"], side["spike"])


class _AdditiveDepression(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        return s | {"weight": bounded(p, s["weight"] - product(p["a_minus"], post["trace"]))}


class _AdditivePotentiation(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        return s | {"weight": bounded(p, s["weight"] + product(p["a_plus"], self.now(pre)))}


class _MultiplicativeDepression(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = product(product(p["a_minus"], s["weight"] - p["w_min"]), post["trace"])
        return s | {"weight": bounded(p, s["weight"] - change)}


class _MultiplicativePotentiation(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = product(product(p["a_plus"], p["w_max"] - s["weight"]), self.now(pre))
        return s | {"weight": bounded(p, s["weight"] + change)}


class _SymmetricAtPre(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = product(p["a"], self.now(post) - p["rho"])
        return s | {"weight": bounded(p, s["weight"] + change)}


class _SymmetricAtPost(_AtSpike):
    def __call__(self, p: Values, s: Values, pre: Values, post: Values) -> Values:
        change = product(p["a"], self.now(pre) - p["rho"])
        return s | {"weight": bounded(p, s["weight"] + change)}


def _rule(
    name: str,
    description: str,
    on_pre: AtSpike,
    on_post: AtSpike,
    seen: Seen,
    params: Mapping[str, Any],
    tau_pre: str = "tau_plus",
    tau_post: str = "tau_minus",
) -> PlasticityModel:
    return PlasticityModel(
        name=name,
        description=description,
        params={**params, **BOUNDS},
        variables={},
        pre={"trace": 0.0},
        post={"trace": 0.0},
        on_pre=on_pre,
        on_post=on_post,
        update_pre=Decay(tau_pre),
        update_post=Decay(tau_post),
        spike_pre=Count(seen),
        spike_post=Count(seen),
        weight_bounds=WEIGHT_BOUNDS,
    )


_WINDOW = {
    "a_plus": Quantity(0.005, at_least=0),
    "a_minus": Quantity(0.00525, at_least=0, note=NOT_NEGATED),
    "tau_plus": Quantity(20.0, "ms", above=0),
    "tau_minus": Quantity(20.0, "ms", above=0),
}
_SYMMETRIC_WINDOW = {
    "a": 0.005,
    "rho": Quantity(0.0, at_least=0),
    "tau_stdp": Quantity(20.0, "ms", above=0),
}
_TAU_OF_BOTH = ("tau_stdp", "tau_stdp")

STDP = _rule(
    "STDP",
    """Additive pair STDP, all-to-all.

        Δw = a+ exp(-Δt/τ+) for Δt >= 0, -a- exp(Δt/τ-) for Δt < 0
        at a presynaptic spike   w <- w - a- y
        at a postsynaptic spike  w <- w + a+ x

    x and y are the traces of the pre- and the postsynaptic neuron: τ+ dx/dt = -x, τ- dy/dt = -y,
    each + 1 at a spike of its neuron. A pair within one step counts as pre before post. a_plus and
    a_minus, both >= 0, w_min and w_max are in the unit of the weights. Song, Miller & Abbott 2000,
    Nat. Neurosci. 3, 919-926, whose a+ = 0.005, a- = 1.05 a+ and τ = 20 ms are the defaults, for
    weights from 0 to 1.
    """,
    _AdditiveDepression(all_spikes),
    _AdditivePotentiation(all_spikes),
    all_spikes,
    _WINDOW,
)

STDP_NEAREST = _rule(
    "STDP_NEAREST",
    """Additive pair STDP of nearest neighbours.

    The equations of `STDP`, with traces that a spike sets to 1: a spike is paired with the last
    spike on the other side alone.
    """,
    _AdditiveDepression(nearest_spike),
    _AdditivePotentiation(nearest_spike),
    nearest_spike,
    _WINDOW,
)

STDP_MULTIPLICATIVE = _rule(
    "STDP_MULTIPLICATIVE",
    """Multiplicative pair STDP, all-to-all: changes in proportion to the distance from the bound.

        at a presynaptic spike   w <- w - a- (w - w_min) y
        at a postsynaptic spike  w <- w + a+ (w_max - w) x

    a_plus and a_minus, both >= 0, are dimensionless; traces and bounds are those of `STDP`. Rubin,
    Lee & Sompolinsky 2001, Phys. Rev. Lett. 86, 364-367.
    """,
    _MultiplicativeDepression(all_spikes),
    _MultiplicativePotentiation(all_spikes),
    all_spikes,
    _WINDOW,
)

STDP_MULTIPLICATIVE_NEAREST = _rule(
    "STDP_MULTIPLICATIVE_NEAREST",
    """Multiplicative pair STDP of nearest neighbours.

    The equations of `STDP_MULTIPLICATIVE`, with traces that a spike sets to 1.
    """,
    _MultiplicativeDepression(nearest_spike),
    _MultiplicativePotentiation(nearest_spike),
    nearest_spike,
    _WINDOW,
)

STDP_SYMMETRIC = _rule(
    "STDP_SYMMETRIC",
    """Symmetric pair STDP, additive and all-to-all, which does not depend on the order of spikes.

        Δw = a exp(-|Δt|/τ) for a pair, -a rho for a spike
        at a presynaptic spike   w <- w + a (y - rho)
        at a postsynaptic spike  w <- w + a (x - rho)

    A pair within one step counts twice, once at each of its spikes, as in GeNN's mushroom body. a,
    w_min and w_max are in the unit of the weights.
    """,
    _SymmetricAtPre(all_spikes),
    _SymmetricAtPost(all_spikes),
    all_spikes,
    _SYMMETRIC_WINDOW,
    *_TAU_OF_BOTH,
)

STDP_SYMMETRIC_NEAREST = _rule(
    "STDP_SYMMETRIC_NEAREST",
    """Symmetric pair STDP of nearest neighbours, the rule of GeNN's mushroom body.

    The equations of `STDP_SYMMETRIC`, with traces that a spike sets to 1. The mushroom body has
    a = 2e-5 nA, rho = 0.01, tau_stdp = 15 ms and w_max = 0.0233 nA. The model is that of Nowotny,
    Huerta, Abarbanel & Rabinovich 2005, Biol. Cybern. 93, 436-446.
    """,
    _SymmetricAtPre(nearest_spike),
    _SymmetricAtPost(nearest_spike),
    nearest_spike,
    _SYMMETRIC_WINDOW,
    *_TAU_OF_BOTH,
)
