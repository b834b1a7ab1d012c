"""Inhibitory plasticity: inhibition grows until the postsynaptic neuron has its target rate."""

from jsnn.models.model import Values
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import all_spikes, bounded, counting, decaying


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    alpha = 2 * p["target_rate"] * 1e-3 * p["tau_stdp"]
    return s | {"weight": bounded(p, s["weight"] + p["eta"] * (post["trace"] - alpha))}


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    trace = all_spikes(pre["trace"], pre["spike"])
    return s | {"weight": bounded(p, s["weight"] + p["eta"] * trace)}


VOGELS_2011 = PlasticityModel(
    params={"eta": 0.005, "target_rate": 5.0, "tau_stdp": 20.0, "w_min": 0.0, "w_max": 1.0},
    variables={},
    pre={"trace": 0.0},
    post={"trace": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=decaying("tau_stdp"),
    update_post=decaying("tau_stdp"),
    spike_pre=counting(all_spikes),
    spike_post=counting(all_spikes),
)
"""Homeostatic plasticity of inhibition: Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011.

    τ dx/dt = -x, x <- x + 1 at a presynaptic spike;   y the same of the postsynaptic neuron
    at a presynaptic spike   w <- w + η (y - α),   α = 2 ρ0 τ
    at a postsynaptic spike  w <- w + η x

Science 334, 1569-1573. Without correlations the weight rests where the postsynaptic rate is ρ0 =
`target_rate`, in Hz. A pair within one step counts as pre before post, once. tau_stdp in ms; eta,
w_min and w_max in the unit of the weights. These are strengths of inhibition, >= 0, such as
conductances (`CONDUCTANCE` with a low e_rev); weights that are negative currents need eta < 0 and
w_max = 0.
"""
