"""Leaky integrate-and-fire neurons with synaptic inputs that decay exponentially."""

import jax

from jsnn.models.exponential import decay, exp, mean_exp
from jsnn.models.integrators import relax
from jsnn.models.model import Values
from jsnn.models.neurons.integrate_fire import (
    WHILE_REFRACTORY,
    above_rest,
    lif_reset,
    lif_threshold,
    unless_refractory,
)
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

_INPUTS = ("current", "excitatory", "inhibitory")
_PARAMS = {
    "tau_m": Quantity(20.0, "ms", above=0),
    "r_m": Quantity(20.0, "MOhm", above=0),
    "v_rest": Quantity(-65.0, "mV"),
    "v_reset": Quantity(-65.0, "mV", below="v_thresh"),
    "v_thresh": Quantity(-50.0, "mV"),
    "i_offset": Quantity(0.0, "nA"),
    "tau_refrac": Quantity(0.1, "ms", at_least=0),
    "tau_syn_e": Quantity(5.0, "ms", above=0),
    "tau_syn_i": Quantity(5.0, "ms", above=0),
}
_VARIABLES = {"v": Quantity(-65.0, "mV"), "refractory": Quantity(0.0, "ms", at_least=0)}


def _decays(p: Values, dt: jax.Array) -> Values:
    return {"decay_e": decay(p["tau_syn_e"], dt), "decay_i": decay(p["tau_syn_i"], dt)}


def _steady(p: Values, current: jax.Array) -> jax.Array:
    """Return the potential (mV) that a constant current alone would bring about."""
    return p["v_rest"] + product(p["r_m"], current + p["i_offset"])


def _current_derived(p: Values, dt: jax.Array) -> Values:
    def rise(tau_syn: jax.Array) -> jax.Array:
        """Return V - v_rest (mV) after a step that began at rest with a current of 1 nA.

        r_m ∫ exp(-(dt - s)/τ_m) exp(-s/τ_syn) ds / τ_m, for s from 0 to dt.
        """
        left = mean_exp(-product(dt, 1 / p["tau_m"]), -product(dt, 1 / tau_syn))
        return product(p["r_m"], product(product(dt, 1 / p["tau_m"]), left))

    return _decays(p, dt) | {
        "decay_m": decay(p["tau_m"], dt),
        "rise_e": rise(p["tau_syn_e"]),
        "rise_i": rise(p["tau_syn_i"]),
    }


def _current_update(p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
    i_e, i_i = x["i_e"] + arriving["excitatory"], x["i_i"] + arriving["inhibitory"]
    by_itself = relax(x["v"], _steady(p, arriving["current"]), p["decay_m"])
    v = by_itself + product(p["rise_e"], i_e) + product(p["rise_i"], i_i)
    after = {"i_e": product(i_e, p["decay_e"]), "i_i": product(i_i, p["decay_i"])}
    return unless_refractory(x, v, dt) | after


LIF_CURR_EXP = NeuronModel(
    name="LIF_CURR_EXP",
    description="""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents.

        τ_m dV/dt = -(V - v_rest) + r_m (i_e + i_i + I + i_offset)     (I constant in the step)
        τ_syn_e di_e/dt = -i_e,    i_e <- i_e + w for a weight w (nA) that arrives at "excitatory"
        τ_syn_i di_i/dt = -i_i,    i_i <- i_i + w for a weight w (nA) that arrives at "inhibitory"
        V >= v_thresh: spike, V <- v_reset, held there for tau_refrac

    This is PyNN's "IF_curr_exp" and NEST's "iaf_psc_exp". The inputs are "current", "excitatory"
    and "inhibitory"; inhibition has negative weights. In a step the weights that arrive are added
    first, then V and the currents are integrated over the step, exactly for any dt and any time
    constants, equal ones too: Rotter & Diesmann 1999, Biol. Cybern. 81, 381-402. NEST integrates V
    before it adds what arrives, so a delay of k steps in NEST is `delay=k+1`; so it is in Brian2.

    The refractory time is that of `LIF`; the currents move on meanwhile. The defaults are PyNN's,
    with r_m in place of the capacitance τ_m / r_m.
    """,
    params=_PARAMS,
    variables={**_VARIABLES, "i_e": Quantity(0.0, "nA"), "i_i": Quantity(0.0, "nA")},
    update=_current_update,
    threshold=lif_threshold,
    reset=lif_reset,
    margin_unit=above_rest,
    inputs=_INPUTS,
    impulses=_INPUTS[1:],
    refractory=WHILE_REFRACTORY,
    derived=_current_derived,
)


def _conductance_derived(p: Values, dt: jax.Array) -> Values:
    return _decays(p, dt) | {"in_tau_m": product(dt, 1 / p["tau_m"])}


def _conductance_update(p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
    g_e, g_i = x["g_e"] + arriving["excitatory"], x["g_i"] + arriving["inhibitory"]
    of_leak_e, of_leak_i = product(p["r_m"], g_e), product(p["r_m"], g_i)
    total = 1 + of_leak_e + of_leak_i
    pull = product(of_leak_e, p["e_rev_e"]) + product(of_leak_i, p["e_rev_i"])
    v_inf = product(_steady(p, arriving["current"]) + pull, 1 / total)
    v = relax(x["v"], v_inf, exp(-product(p["in_tau_m"], total)))
    after = {"g_e": product(g_e, p["decay_e"]), "g_i": product(g_i, p["decay_i"])}
    return unless_refractory(x, v, dt) | after


LIF_COND_EXP = NeuronModel(
    name="LIF_COND_EXP",
    description="""Leaky integrate-and-fire neuron with exponentially decaying conductances.

        τ_m dV/dt = -(V - v_rest) + r_m (g_e (e_rev_e - V) + g_i (e_rev_i - V) + I + i_offset)
        τ_syn_e dg_e/dt = -g_e,    g_e <- g_e + w for a weight w (uS) that arrives at "excitatory"
        τ_syn_i dg_i/dt = -g_i,    g_i <- g_i + w for a weight w (uS) that arrives at "inhibitory"
        V >= v_thresh: spike, V <- v_reset, held there for tau_refrac

    This is PyNN's "IF_cond_exp" and NEST's "iaf_cond_exp". The inputs are "current", "excitatory"
    and "inhibitory"; all weights are positive. In a step the weights that arrive are added first,
    then V is integrated by exponential Euler, as in Brian2's method="exponential_euler": exactly
    for the conductances at the start of the step, which is order 1 in dt and stable for any dt.
    The conductances decay exactly. (NEST has an adaptive Runge-Kutta method and adds what arrives
    after the step, so a delay of k steps in NEST, as in Brian2, is `delay=k+1`.)

    The refractory time is that of `LIF`; the conductances move on meanwhile. The defaults are
    PyNN's, with r_m in place of the capacitance τ_m / r_m.
    """,
    params={
        **_PARAMS,
        "e_rev_e": Quantity(0.0, "mV"),
        "e_rev_i": Quantity(-70.0, "mV"),
    },
    variables={
        **_VARIABLES,
        "g_e": Quantity(0.0, "uS", at_least=0),
        "g_i": Quantity(0.0, "uS", at_least=0),
    },
    update=_conductance_update,
    threshold=lif_threshold,
    reset=lif_reset,
    margin_unit=above_rest,
    inputs=_INPUTS,
    impulses=_INPUTS[1:],
    refractory=WHILE_REFRACTORY,
    derived=_conductance_derived,
)
