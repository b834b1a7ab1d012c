"""SuperSpike's rule: errors that are fed back teach networks of several layers spike times."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _decayed(p: Values, x: Values, dt: jax.Array) -> Values:
    return {name: product(x[name], decay(p[f"tau_{name}"], dt)) for name in ("rise", "decay")}


def _counted(p: Values, x: Values) -> Values:
    return {name: trace + 1 for name, trace in x.items()}


def _slope(p: Values, post: Values) -> jax.Array:
    """Return σ'(V), in which V is the threshold in a step with a spike, also after a reset."""
    above = jnp.where(post["spike"] > 0, 0, product(p["beta"], post["v"] - p["v_thresh"]))
    distance = 1 + jnp.abs(above)
    return 1 / product(distance, distance)


def _each_step(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    coincidence = product(product(_slope(p, post), pre["decay"] - pre["rise"]), dt)
    filtered = {name: old + coincidence for name, old in _decayed(p, s, dt).items()}
    eligibility = filtered["decay"] - filtered["rise"]
    gradient = s["gradient"] + product(product(post["error"], eligibility), dt)
    steps = jnp.round(product(p["period"], 1 / dt)).astype(p["step"].dtype)
    is_due = (p["step"] + 1) % jnp.maximum(steps, 1) == 0
    learnt = _rms_max_prop(p, s, gradient) | {"gradient": jnp.zeros_like(gradient)}
    kept = {name: s[name] for name in learnt} | {"gradient": gradient}
    return filtered | {name: jnp.where(is_due, learnt[name], kept[name]) for name in learnt}


def _rms_max_prop(p: Values, s: Values, gradient: jax.Array) -> Values:
    """Return the weight and the mean square after a step along the gradient."""
    square = product(gradient, gradient)
    square = jnp.maximum(product(s["square"], decay(p["tau_rms"], p["period"])), square)
    direction = gradient / jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))
    weight = s["weight"] + product(p["rate"], direction)
    return {"weight": bounded(p, weight), "square": square}


SUPERSPIKE_RULE = PlasticityModel(
    name="SUPERSPIKE_RULE",
    description="""SuperSpike: errors, fed back to every neuron, teach it when to spike.

        g = ∫ e(t) λ(t) dt over a period,   λ = α * (σ'(V) (α * S_pre))
        σ'(V) = 1 / (1 + |β (V - v_thresh)|)²,   α(t) = exp(-t/τ_d) - exp(-t/τ_r)
        at the end of a period   u <- max(u exp(-period/τ_rms), g²),   w <- w + rate g / sqrt(u)

    * is a convolution in time, S_pre the presynaptic spikes, τ_r `tau_rise` and τ_d `tau_decay`. e
    is the variable `error` of the postsynaptic neurons, which their model must have beside `v`. In
    an output neuron it is (S_target - S) filtered by α; to hidden neurons it is fed back, for
    example through the transposed weights of the projection to the outputs, `jsnn.Shared`. V is
    v_thresh in a step with a spike. Sums over steps, with exact exponentials, stand for the
    integrals. g is called `gradient`, u `square`; the traces `rise` and `decay` make α * S_pre and
    λ as differences. Periods count from the start of the run.

    Zenke & Ganguli 2018, Neural Comput. 30, 1514-1541; the last line is their RMaxProp. The
    defaults are theirs, in mV and ms, for a membrane of 1 MOhm. rate, w_min and w_max are in the
    unit of the weights, β in 1/mV. The rule costs a pass over all synapses in every step.
    """,
    params={
        "rate": Quantity(1.0, at_least=0),
        "period": Quantity(500.0, "ms", above=0),
        "tau_rms": Quantity(30_000.0, "ms", above=0),
        "tau_decay": Quantity(10.0, "ms", above=0),
        "tau_rise": Quantity(5.0, "ms", above=0, below="tau_decay"),
        "beta": Quantity(1.0, "1/mV", above=0),
        "v_thresh": Quantity(-50.0, "mV"),
        "w_min": Quantity(-100.0, at_most="w_max"),
        "w_max": 100.0,
    },
    variables={"rise": 0.0, "decay": 0.0, "gradient": 0.0, "square": 0.0},
    pre={"rise": 0.0, "decay": 0.0},
    post={},
    update_pre=_decayed,
    spike_pre=_counted,
    each_step=_each_step,
    reads_post=("v", "error"),
    weight_bounds=WEIGHT_BOUNDS,
)
