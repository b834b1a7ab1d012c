"""Voltage-based STDP: the voltage of the postsynaptic neuron decides, and not its spikes."""

from dataclasses import replace

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.plasticity.bounds import BOUNDS, NOT_NEGATED, WEIGHT_BOUNDS
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.traces import Decay, bounded
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

_TIME_CONSTANTS = {"u_minus": "tau_minus", "u_plus": "tau_plus", "u_mean": "tau_mean"}
"""The averages of the voltage with the names of their time constants."""


def _count(p: Values, x: Values) -> Values:
    return {"trace": x["trace"] + 1 / p["tau_x"]}


def _average(p: Values, x: Values, dt: jax.Array) -> Values:
    v = product(0.5, p["before.v"] + p["v"])
    return {name: v + product(u - v, decay(p[_TIME_CONSTANTS[name]], dt)) for name, u in x.items()}


def _above(u: jax.Array, theta: jax.Array) -> jax.Array:
    return jnp.maximum(u - theta, 0)


def _potentiate(p: Values, s: Values, pre: Values, post: Values, dt: jax.Array) -> Values:
    voltage = product(_above(post["v"], p["theta_plus"]), _above(post["u_plus"], p["theta_minus"]))
    change = product(product(p["a_ltp"], dt), product(voltage, pre["trace"]))
    return s | {"weight": bounded(p, s["weight"] + change)}


def _depressed(p: Values, s: Values, post: Values, amplitude: jax.Array) -> Values:
    change = product(amplitude, _above(post["u_minus"], p["theta_minus"]))
    return s | {"weight": bounded(p, s["weight"] - change)}


def _depress(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return _depressed(p, s, post, p["a_ltd"])


def _depress_homeostatically(p: Values, s: Values, pre: Values, post: Values) -> Values:
    ratio = product(post["u_mean"] - p["v_rest"], 1 / p["u_ref"])
    return _depressed(p, s, post, product(p["a_ltd"], product(ratio, ratio)))


_PARAMS = {
    "a_ltp": Quantity(8e-5, at_least=0),
    "a_ltd": Quantity(14e-5, at_least=0, note=NOT_NEGATED),
    "theta_plus": Quantity(-45.3, "mV"),
    "theta_minus": Quantity(-70.6, "mV"),
    "tau_x": Quantity(15.0, "ms", above=0),
    "tau_plus": Quantity(7.0, "ms", above=0),
    "tau_minus": Quantity(10.0, "ms", above=0),
    **BOUNDS,
}
_AVERAGES = {"u_plus": Quantity(-70.6, "mV"), "u_minus": Quantity(-70.6, "mV")}

CLOPATH_2010 = PlasticityModel(
    name="CLOPATH_2010",
    description="""Voltage-based STDP, with a constant amplitude of depression.

        dw/dt = a_ltp x [V - θ+]+ [u+ - θ-]+,   at a presynaptic spike   w <- w - a_ltd [u- - θ-]+
        τ_x dx/dt = -x,   x <- x + 1/τ_x at a presynaptic spike
        τ+ du+/dt = V - u+,   τ- du-/dt = V - u-

    []+ is the positive part, V the variable `v` of the postsynaptic neuron at the end of a step. u+
    and u- are solved exactly for the mean of V at both ends of a step. Potentiation comes before
    depression, and sees the spikes of earlier steps. `back_propagation` delays V, as the dendritic
    delay of NEST's "clopath_synapse" does; NEST's "delay_u_bars" is 0.

    V has to show the shape of spikes, as that of `HODGKIN_HUXLEY` does; a neuron that is reset
    within a step needs a time in which a spike holds V high. Give the resting potential as
    `initial_post` of u_plus and u_minus.

    Clopath, Büsing, Vasilaki & Gerstner 2010, Nat. Neurosci. 13, 344-352. The defaults are theirs
    for visual cortex, for changes relative to the initial weight. a_ltp is in weight/mV², a_ltd in
    weight/mV, w_min and w_max in the unit of the weights. The rule costs a pass over all synapses
    in every step.
    """,
    params=_PARAMS,
    variables={},
    pre={"trace": 0.0},
    post=_AVERAGES,
    on_pre=_depress,
    update_pre=Decay("tau_x"),
    update_post=_average,
    spike_pre=_count,
    each_step=_potentiate,
    reads_post=("v", "before.v"),
    weight_bounds=WEIGHT_BOUNDS,
)

CLOPATH_2010_HOMEOSTATIC = replace(
    CLOPATH_2010,
    name="CLOPATH_2010_HOMEOSTATIC",
    description="""Voltage-based STDP, with depression that grows with the mean depolarisation.

        at a presynaptic spike   w <- w - a_ltd ((ū - v_rest) / u_ref)² [u- - θ-]+
        τ_mean dū/dt = V - ū

    ū is `u_mean`. All else is as in `CLOPATH_2010`, also the source. A neuron that is depolarised
    for long loses weight, which keeps its rate in bounds.
    """,
    params=_PARAMS
    | {
        "v_rest": Quantity(-70.6, "mV"),
        "u_ref": Quantity(7.75, "mV", above=0),
        "tau_mean": Quantity(1000.0, "ms", above=0),
    },
    post=_AVERAGES | {"u_mean": Quantity(-70.6, "mV")},
    on_pre=_depress_homeostatically,
)
