"""Generalised leaky integrate-and-fire neuron, whose spikes leave currents and raise thresholds."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay, mean_exp
from jsnn.models.integrators import relax
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _derived(p: Values, dt: jax.Array) -> Values:
    r_m = 1 / p["g_leak"]
    tau_m = product(p["c_m"], r_m)

    def over_step(tau: jax.Array, driven_by: jax.Array) -> jax.Array:
        """Integrate exp(-(dt - s)/τ) exp(-s/τ') over s from 0 to dt, for a drive with τ'."""
        return product(dt, mean_exp(-product(dt, 1 / tau), -product(dt, 1 / driven_by)))

    def mean_of_step(tau: jax.Array) -> jax.Array:
        """Return the mean of exp(-t/τ) over a step."""
        return mean_exp(jnp.zeros_like(tau), -product(dt, 1 / tau))

    level = product(dt, mean_of_step(p["tau_voltage"]))
    return {
        "r_m": r_m,
        "decay_m": decay(tau_m, dt),
        "decay_1": decay(p["tau_1"], dt),
        "decay_2": decay(p["tau_2"], dt),
        "decay_spike": decay(p["tau_spike"], dt),
        "decay_voltage": decay(p["tau_voltage"], dt),
        "mean_1": mean_of_step(p["tau_1"]),
        "mean_2": mean_of_step(p["tau_2"]),
        "of_level": product(p["a_voltage"], level),
        "of_departure": product(p["a_voltage"], over_step(p["tau_voltage"], tau_m)),
        "left_1": product(p["keep_1"], decay(p["tau_1"], p["tau_refrac"])),
        "left_2": product(p["keep_2"], decay(p["tau_2"], p["tau_refrac"])),
        "left_spike": decay(p["tau_spike"], p["tau_refrac"]),
        "until_free": product(jnp.round(product(p["tau_refrac"], 1 / dt)) + 1, dt),
    }


def _update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    after_spikes = product(p["mean_1"], x["i_1"]) + product(p["mean_2"], x["i_2"])
    level = product(p["r_m"], current + after_spikes)
    departure = x["v"] - p["e_leak"] - level
    driven = product(p["of_level"], level) + product(p["of_departure"], departure)
    integrated = {
        "v": relax(x["v"], p["e_leak"] + level, p["decay_m"]),
        "i_1": product(x["i_1"], p["decay_1"]),
        "i_2": product(x["i_2"], p["decay_2"]),
        "theta_spike": product(x["theta_spike"], p["decay_spike"]),
        "theta_voltage": product(x["theta_voltage"], p["decay_voltage"]) + driven,
    }
    steps_left = jnp.round(x["refractory"] * (1 / dt))
    return {name: jnp.where(steps_left > 1, x[name], integrated[name]) for name in integrated} | {
        "refractory": product(jnp.maximum(steps_left - 1, 0), dt)
    }


def _threshold(p: Values, x: Values) -> jax.Array:
    threshold = p["v_thresh"] + (x["theta_spike"] + x["theta_voltage"])
    return jnp.where(x["refractory"] > 0, -jnp.inf, x["v"] - threshold)


def _reset(p: Values, x: Values) -> Values:
    return x | {
        "v": p["e_leak"] + (product(p["keep_v"], x["v"] - p["e_leak"]) + p["add_v"]),
        "i_1": product(p["left_1"], x["i_1"]) + p["add_1"],
        "i_2": product(p["left_2"], x["i_2"]) + p["add_2"],
        "theta_spike": product(p["left_spike"], x["theta_spike"]) + p["add_spike"],
        "refractory": p["until_free"],
    }


_KEPT = Quantity(1.0, at_least=0, at_most=1)


def _margin_unit(p: Values) -> jax.Array:
    return jnp.abs(p["v_thresh"] - p["e_leak"])


GLIF = NeuronModel(
    name="GLIF",
    description="""Generalised leaky integrate-and-fire neuron of the Allen Institute, level 5.

        C dV/dt = -g (V - E) + I + I_1 + I_2,     τ_1 dI_1/dt = -I_1,     τ_2 dI_2/dt = -I_2
        τ_s dΘ_s/dt = -Θ_s,     dΘ_v/dt = a_voltage (V - E) - Θ_v / τ_v
        V >= v_thresh + Θ_s + Θ_v: spike, held for tau_refrac, and at once
            V <- E + keep_v (V - E) + add_v,     Θ_s <- Θ_s exp(-tau_refrac/τ_s) + add_spike
            I_j <- keep_j I_j exp(-tau_refrac/τ_j) + add_j      for j = 1, 2

    C is `c_m`, g `g_leak`, E `e_leak`, Θ_s `theta_spike` with `tau_spike`, and Θ_v `theta_voltage`
    with `tau_voltage`. Teeter et al. 2018, Nat. Commun. 9, 709. With an amplitude of 0 a mechanism
    is off: add_spike = a_voltage = 0 is their level 3, and add_1 = add_2 = 0 with it level 1; both
    reset to `v_reset` by keep_v = 0 and add_v = v_reset - E.

    In a step the after-spike currents count with their means over the step, and then V and the
    thresholds are integrated exactly for a constant current, as in NEST's "glif_psc" with all its
    mechanisms, whose parameters are the defaults. This is order 2 in dt, and stable for any dt.
    NEST resets V from its value one step before the spike, here it is that of the spike. All
    variables are held while the neuron is refractory, for exactly round(tau_refrac / dt) steps;
    `refractory` is the time until it may spike.
    """,
    params={
        "c_m": Quantity(0.05872, "nF", above=0),
        "g_leak": Quantity(0.00943, "uS", above=0),
        "e_leak": Quantity(-78.85, "mV"),
        "v_thresh": Quantity(-51.68, "mV"),
        "tau_refrac": Quantity(3.75, "ms", at_least=0),
        "keep_v": Quantity(0.2, at_least=0, at_most=1),
        "add_v": Quantity(18.51, "mV"),
        "tau_1": Quantity(1000 / 3, "ms", above=0),
        "keep_1": _KEPT,
        "add_1": Quantity(-0.00918, "nA"),
        "tau_2": Quantity(10.0, "ms", above=0),
        "keep_2": _KEPT,
        "add_2": Quantity(-0.19894, "nA"),
        "tau_spike": Quantity(1000 / 9, "ms", above=0),
        "add_spike": Quantity(0.37, "mV"),
        "tau_voltage": Quantity(100 / 9, "ms", above=0),
        "a_voltage": Quantity(0.005, "1/ms"),
    },
    variables={
        "v": Quantity(-78.85, "mV"),
        "i_1": Quantity(0.0, "nA"),
        "i_2": Quantity(0.0, "nA"),
        "theta_spike": Quantity(0.0, "mV"),
        "theta_voltage": Quantity(0.0, "mV"),
        "refractory": Quantity(0.0, "ms", at_least=0),
    },
    update=_update,
    threshold=_threshold,
    reset=_reset,
    margin_unit=_margin_unit,
    derived=_derived,
)
