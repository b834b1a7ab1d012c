"""Synapses that rise and decay with two time constants."""

import jax

from jsnn.models.exponential import decay, exp, mean_exp
from jsnn.models.logarithm import mean_inverse
from jsnn.models.model import Values
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product
from jsnn.models.synapses import SynapseModel


def _integrated(
    p: Values, y: jax.Array, rise: jax.Array, dt: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Solve τ_d dy/dt = -y + τ_d s h / τ_r, τ_r dh/dt = -h over a step; h is `rise`.

    Returns:
      y and h after the step, and the mean of y over the step.
    """
    left, left_of_rise = decay(p["tau_decay"], dt), decay(p["tau_rise"], dt)
    scale = _scale(product(p["tau_rise"], 1 / p["tau_decay"]))
    in_rise, in_decay = product(dt, 1 / p["tau_rise"]), product(dt, 1 / p["tau_decay"])
    passed = product(scale, product(in_rise, mean_exp(-in_decay, -in_rise)))
    lost = product(y, 1 - left) + product(rise, product(scale, 1 - left_of_rise) - passed)
    after = product(y, left) + product(rise, passed)
    return after, product(rise, left_of_rise), product(lost, product(p["tau_decay"], 1 / dt))


def _scale(ratio: jax.Array) -> jax.Array:
    """Return s, with which y peaks at 1 after h = 1: r^(-r / (1 - r)) with r = τ_r / τ_d."""
    return exp(product(ratio, mean_inverse(ratio)))


_TIMES = {
    "tau_decay": Quantity(5.0, "ms", above=0),
    "tau_rise": Quantity(1.0, "ms", above=0, at_most="tau_decay"),
}


def _current_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    i_syn, rise, mean = _integrated(p, x["i_syn"], x["rise"] + arriving, dt)
    return {"rise": rise, "i_syn": i_syn}, mean


BIEXPONENTIAL = SynapseModel(
    name="BIEXPONENTIAL",
    description="""Double exponential: a current that rises and decays, and peaks with the weight.

        i(t) = w k (exp(-t/τ_d) - exp(-t/τ_r)) after a spike of weight w (nA)
        di/dt = -i/τ_d + s h/τ_r,   τ_r dh/dt = -h,   h <- h + w for an arriving spike

    τ_r is `tau_rise`, τ_d `tau_decay` and h `rise`. With r = τ_r/τ_d, s = r^(-r/(1-r)) and
    k = s/(1-r), so that the peak, ln(1/r) τ_r/(1-r) after the spike, is w (NEURON's "Exp2Syn",
    NEST's "iaf_cond_beta"). Equal time constants give `ALPHA`. Integrated exactly (Rotter &
    Diesmann 1999, Biol. Cybern. 81, 381-402). The current of a step is the mean of i over the
    step, so a spike delivers the charge s w τ_d for any dt.
    """,
    params=_TIMES,
    variables={"rise": Quantity(0.0, "nA"), "i_syn": Quantity(0.0, "nA")},
    update=_current_update,
)


def _nmda_update(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    g, rise, mean = _integrated(p, x["g"], x["rise"] + arriving, dt)
    blocking = product(product(p["mg"], 1 / 3.57), exp(product(-0.062, post["v"])))
    open_part = product(mean, 1 / (1 + blocking))
    return {"rise": rise, "g": g}, product(open_part, p["e_rev"] - post["v"])


NMDA = SynapseModel(
    name="NMDA",
    description="""NMDA receptors: a double exponential conductance that magnesium blocks at rest.

        I = g B(V) (e_rev - V),   B(V) = 1 / (1 + [Mg]/3.57 exp(-0.062 V))
        g(t) = w k (exp(-t/τ_d) - exp(-t/τ_r)) after a spike of weight w (uS)

    [Mg] is `mg`, g has the equations of i in `BIEXPONENTIAL`, and its peak is w. B is that of Jahr
    & Stevens 1990, J. Neurosci. 10, 3178-3182. The current of a step uses the mean of g over the
    step and V at its start, which is first order in dt. g does not saturate.
    """,
    params={
        "tau_decay": Quantity(100.0, "ms", above=0),
        "tau_rise": Quantity(2.0, "ms", above=0, at_most="tau_decay"),
        "e_rev": Quantity(0.0, "mV"),
        "mg": Quantity(1.0, "mM", at_least=0),
    },
    variables={
        "rise": Quantity(0.0, "uS", at_least=0),
        "g": Quantity(0.0, "uS", at_least=0),
    },
    update=_nmda_update,
    reads=("v",),
)
