"""E-prop: traces of eligibility and a learning signal stand for backpropagation through time."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import Count, Decay, all_spikes, bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _slope(p: Values, post: Values, threshold: jax.Array) -> jax.Array:
    """Return ψ, in which V is the threshold in a step with a spike, also after a reset."""
    per_mv = 1 / (p["v_thresh"] - p["v_rest"])
    distance = jnp.where(post["spike"] > 0, 0, jnp.abs(post["v"] - threshold))
    return product(product(p["gamma"], per_mv), jnp.maximum(1 - product(distance, per_mv), 0))


def _learnt(p: Values, s: Values, post: Values, eligibility: jax.Array, dt: jax.Array) -> Values:
    """Return the weight and the filtered eligibility after a step."""
    filtered = product(s["eligibility"], decay(p["tau_out"], dt)) + product(eligibility, dt)
    change = product(product(p["rate"], dt), product(post["error"], filtered))
    return {"weight": bounded(p, s["weight"] + change), "eligibility": filtered}


def _lif_step(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    eligibility = product(_slope(p, post, p["v_thresh"]), pre["trace"])
    return _learnt(p, s, post, eligibility, dt)


def _alif_step(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    adaptation = post["adaptation"] - post["spike"]  # before the spike of this step
    slope = _slope(p, post, p["v_thresh"] + product(p["beta"], adaptation))
    eligibility = product(slope, pre["trace"] - product(p["beta"], s["adaptation"]))
    after = product(s["adaptation"] + eligibility, decay(p["tau_a"], dt))
    return _learnt(p, s, post, eligibility, dt) | {"adaptation": after}


_PARAMS = {
    "rate": 1e-3,
    "tau_m": Quantity(20.0, "ms", above=0),
    "tau_out": Quantity(20.0, "ms", above=0),
    "v_rest": Quantity(-70.0, "mV", below="v_thresh"),
    "v_thresh": Quantity(-51.0, "mV"),
    "gamma": Quantity(0.3, above=0),
    "w_min": Quantity(-100.0, at_most="w_max"),
    "w_max": 100.0,
}

EPROP = PlasticityModel(
    name="EPROP",
    description="""E-prop for `LIF` neurons, online: eligibility times a learning signal.

        dw/dt = rate e ē,   dē/dt = -ē/τ_out + ψ(V) x,   τ_m dx/dt = -x + τ_m S_pre
        ψ(V) = γ / (v_thresh - v_rest) max(0, 1 - |V - v_thresh| / (v_thresh - v_rest))

    x is the trace of the presynaptic spikes S_pre, ē `eligibility`. e is the variable `error` of
    the postsynaptic neurons, which their model must have beside `v`: the negative of the learning
    signal of the paper, B (y* - y) for outputs y with targets y* and a feedback B. V is v_thresh in
    a step with a spike. Sums over steps, with exact exponentials, stand for the integrals. With
    steps of 1 ms they are the sums of the paper.

    Σ_n e(n) ē(n) is the gradient of Σ_n e(n) s(n), with s the spikes filtered by τ_out and the
    reset left out of it, for weights that are jumps of V: a projection of `DELTA` with target "v"
    and a delay of 1. For weights that are currents in nA it lacks a constant factor. γ is `gamma`.
    rate, w_min and w_max are in the unit of the weights. tau_m, v_rest and v_thresh are those of
    the neurons. The rule costs a pass over all synapses in every step.

    Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass 2020, Nat. Commun. 11, 3625.
    """,
    params=_PARAMS,
    variables={"eligibility": 0.0},
    pre={"trace": 0.0},
    post={},
    update_pre=Decay("tau_m"),
    spike_pre=Count(all_spikes),
    each_step=_lif_step,
    reads_post=("v", "error"),
    weight_bounds=WEIGHT_BOUNDS,
)

EPROP_ALIF = PlasticityModel(
    name="EPROP_ALIF",
    description="""E-prop for `ALIF` neurons, whose threshold adapts.

        dē/dt = -ē/τ_out + ψ(V) (x - β a),   a(t + dt) = exp(-dt/τ_a) (a + ψ(V) (x - β a))

    a is the variable `adaptation` of a synapse, the derivative of the neuron's adaptation A. In
    ψ(V) the threshold v_thresh + β A stands for v_thresh, but not for the width v_thresh - v_rest.
    All else is as in `EPROP`, also the source.
    """,
    params=_PARAMS
    | {"tau_a": Quantity(200.0, "ms", above=0), "beta": Quantity(2.0, "mV", at_least=0)},
    variables={"eligibility": 0.0, "adaptation": 0.0},
    pre={"trace": 0.0},
    post={},
    update_pre=Decay("tau_m"),
    spike_pre=Count(all_spikes),
    each_step=_alif_step,
    reads_post=("v", "error", "adaptation"),
    weight_bounds=WEIGHT_BOUNDS,
)
