"""Integrate-and-fire neurons whose spikes begin by themselves, in an upswing of V."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import exp
from jsnn.models.integrators import euler, relax
from jsnn.models.model import Values
from jsnn.models.neurons.integrate_fire import (
    WHILE_REFRACTORY,
    lif_reset,
    membrane_derived,
    unless_refractory,
)
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

# exp of more than 88 is infinite in float32, and then gradients are NaN. A neuron that comes near
# this exponent spikes in the same step, so the limit changes nothing else.
MAX_EXPONENT = 80.0


def _eif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    exponent = jnp.minimum(product(x["v"] - p["v_t"], 1 / p["delta_t"]), MAX_EXPONENT)
    upswing = product(p["delta_t"], exp(exponent))
    v_inf = p["v_rest"] + product(p["r_m"], current) + upswing
    return x | unless_refractory(x, relax(x["v"], v_inf, p["decay_m"]), dt)


def above_cut(p: Values, x: Values) -> jax.Array:
    """Return V above `v_cut`, at which an upswing ends in a spike."""
    return x["v"] - p["v_cut"]


def cut_above_reset(p: Values) -> jax.Array:
    """Return the distance from reset to `v_cut`, the unit of a margin."""
    return p["v_cut"] - p["v_reset"]


def _eif_threshold(p: Values, x: Values) -> jax.Array:
    return jnp.where(x["refractory"] > 0, -jnp.inf, above_cut(p, x))


EIF = NeuronModel(
    name="EIF",
    description="""Exponential integrate-and-fire neuron, exponential Euler (order 1).

        τ_m dV/dt = -(V - v_rest) + Δ_T exp((V - V_T) / Δ_T) + r_m I
        V >= v_cut: spike, V <- v_reset, held there for tau_refrac

    V_T is `v_t` and Δ_T `delta_t`. A step takes the exponential from V at its start and solves the
    rest exactly, so below V_T it is stable for any dt; V is not clipped. Once V is well above V_T
    it diverges within a step or two, so spike times hardly depend on v_cut. They do depend on dt:
    take 0.1 ms or less. The refractory time is that of `LIF`. Fourcaud-Trocmé et al. 2003, J.
    Neurosci. 23, 11628-11640, whose fit to a neuron of Wang and Buzsáki gives the defaults of τ_m,
    V_T, Δ_T, v_rest, v_reset and tau_refrac.
    """,
    params={
        "tau_m": Quantity(10.0, "ms", above=0),
        "r_m": Quantity(20.0, "MOhm", above=0),
        "v_rest": Quantity(-65.0, "mV"),
        "v_t": Quantity(-59.9, "mV"),
        "delta_t": Quantity(3.48, "mV", above=0),
        "v_reset": Quantity(-68.0, "mV", below="v_cut"),
        "v_cut": Quantity(-30.0, "mV"),
        "tau_refrac": Quantity(1.7, "ms", at_least=0),
    },
    variables={"v": Quantity(-65.0, "mV"), "refractory": Quantity(0.0, "ms", at_least=0)},
    update=_eif_update,
    threshold=_eif_threshold,
    reset=lif_reset,
    margin_unit=cut_above_reset,
    derived=membrane_derived,
    refractory=WHILE_REFRACTORY,
)


def _qif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    def derivative(x: Values) -> Values:
        parabola = product(x["v"] - p["v_rest"], x["v"] - p["v_crit"])
        pull = product(p["a"], parabola) + product(p["r_m"], current)
        return {"v": product(pull, 1 / p["tau_m"])}

    return euler(derivative, x, dt)


def _qif_reset(p: Values, x: Values) -> Values:
    return {"v": p["v_reset"]}


def _qif_max_dt(p: Values) -> jax.Array:
    """Return the stability limit of forward Euler at v_rest or v_reset, the lower of the two."""
    lowest = jnp.minimum(p["v_rest"], p["v_reset"])
    return 2 * p["tau_m"] / (p["a"] * (p["v_rest"] + p["v_crit"] - 2 * lowest))


QIF = NeuronModel(
    name="QIF",
    description="""Quadratic integrate-and-fire neuron, forward Euler (order 1).

        τ_m dV/dt = a (V - v_rest) (V - v_crit) + r_m I
        V >= v_cut: spike, V <- v_reset

    Without input, V returns to v_rest from below v_crit and diverges from above. V is not clipped.
    From v_cut to infinity V would need about τ_m / (a (v_cut - v_crit)), so spike times depend on
    v_cut. `max_dt` is the stability limit at the lower of v_rest and v_reset. Latham et al. 2000,
    J. Neurophysiol. 83, 808-827; Gerstner et al. 2014, "Neuronal Dynamics", Cambridge University
    Press, section 5.3. With the default of a, a small input decays with nearly τ_m.
    """,
    params={
        "tau_m": Quantity(20.0, "ms", above=0),
        "r_m": Quantity(20.0, "MOhm", above=0),
        "a": Quantity(0.07, "1/mV", above=0),
        "v_rest": Quantity(-65.0, "mV", below="v_crit"),
        "v_crit": Quantity(-50.0, "mV"),
        "v_reset": Quantity(-65.0, "mV", below="v_cut"),
        "v_cut": Quantity(30.0, "mV"),
    },
    variables={"v": Quantity(-65.0, "mV")},
    update=_qif_update,
    threshold=above_cut,
    reset=_qif_reset,
    margin_unit=cut_above_reset,
    max_dt=_qif_max_dt,
)
