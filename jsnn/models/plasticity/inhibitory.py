"""Inhibitory plasticity: inhibition grows until the postsynaptic neuron has its target rate."""

from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import BOUNDS, WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import Count, Decay, all_spikes, bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _on_pre(p: Values, s: Values, pre: Values, post: Values) -> Values:
    alpha = product(product(2e-3, p["target_rate"]), p["tau_stdp"])
    return s | {"weight": bounded(p, s["weight"] + product(p["eta"], post["trace"] - alpha))}


def _on_post(p: Values, s: Values, pre: Values, post: Values) -> Values:
    trace = all_spikes(pre["trace"], pre["spike"])
    return s | {"weight": bounded(p, s["weight"] + product(p["eta"], trace))}


VOGELS_2011 = PlasticityModel(
    name="VOGELS_2011",
    description="""Homeostatic plasticity of inhibition.

        τ dx/dt = -x,   x <- x + 1 at a presynaptic spike
        τ dy/dt = -y,   y <- y + 1 at a postsynaptic spike
        at a presynaptic spike   w <- w + η (y - α),   α = 2 ρ0 τ
        at a postsynaptic spike  w <- w + η x

    Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334, 1569-1573. Without correlations
    the weight rests when the postsynaptic rate is ρ0 = `target_rate`. A pair within one step counts
    as pre before post, once. eta, w_min and w_max are in the unit of the weights. The weights are
    strengths of inhibition, >= 0, such as conductances (`CONDUCTANCE` with a low e_rev); weights
    that are negative currents need eta < 0 and w_max = 0.
    """,
    params={
        "eta": 0.005,
        "target_rate": Quantity(5.0, "Hz", at_least=0),
        "tau_stdp": Quantity(20.0, "ms", above=0),
        **BOUNDS,
    },
    variables={},
    pre={"trace": 0.0},
    post={"trace": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=Decay("tau_stdp"),
    update_post=Decay("tau_stdp"),
    spike_pre=Count(all_spikes),
    spike_post=Count(all_spikes),
    weight_bounds=WEIGHT_BOUNDS,
)
