"""Integrate-and-fire neurons that adapt to their own spikes."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.neurons.integrate_fire import (
    LIF,
    WHILE_REFRACTORY,
    above_rest,
    lif_reset,
    lif_threshold,
    lif_update,
    membrane_derived,
)
from jsnn.models.neurons.model import NeuronModel
from jsnn.models.neurons.upswing import MAX_EXPONENT, above_cut, cut_above_reset
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _alif_derived(p: Values, dt: jax.Array) -> Values:
    return membrane_derived(p, dt) | {"decay_a": decay(p["tau_a"], dt)}


def _alif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    adaptation = product(x["adaptation"], p["decay_a"])
    return lif_update(p, x, current, dt) | {"adaptation": adaptation}


def _alif_threshold(p: Values, x: Values) -> jax.Array:
    return lif_threshold(p, x) - product(p["beta"], x["adaptation"])


def _alif_reset(p: Values, x: Values) -> Values:
    return lif_reset(p, x) | {"adaptation": x["adaptation"] + 1}


ALIF = NeuronModel(
    name="ALIF",
    description="""Leaky integrate-and-fire neuron with an adaptive threshold.

        τ_m dV/dt = -(V - v_rest) + r_m (I + i_offset)      (I constant within the step)
        τ_a dA/dt = -A
        V >= v_thresh + β A: spike, V <- v_reset, held there for tau_refrac; A <- A + 1

    `LIF` with a threshold that every spike raises by `beta` and that decays back with `tau_a`,
    also while the neuron is refractory. A is called `adaptation`. In a step V and A move first and
    are then compared; both are integrated exactly. The adaptive threshold is that of Bellec et al.
    2018, "Long short-term memory and learning-to-learn in networks of spiking neurons", NeurIPS
    31, in the scaling of Bellec et al. 2020, Nature Communications 11, 3625. These papers subtract
    the threshold from V at a spike, where this model resets V.
    """,
    params={
        **LIF.params,
        "tau_a": Quantity(200.0, "ms", above=0),
        "beta": Quantity(2.0, "mV", at_least=0),
    },
    variables={**LIF.variables, "adaptation": Quantity(0.0, at_least=0)},
    update=_alif_update,
    threshold=_alif_threshold,
    reset=_alif_reset,
    derived=_alif_derived,
    margin_unit=above_rest,
    refractory=WHILE_REFRACTORY,
)


def _adex_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    depolarisation = x["v"] - p["e_leak"]
    exponent = jnp.minimum((x["v"] - p["v_t"]) / p["delta_t"], MAX_EXPONENT)
    upswing = p["g_leak"] * p["delta_t"] * jnp.exp(exponent)
    dv = (-p["g_leak"] * depolarisation + upswing - x["w"] + current) / p["c_m"]
    dw = (p["a"] * depolarisation - x["w"]) / p["tau_w"]
    return {"v": x["v"] + dt * dv, "w": x["w"] + dt * dw}


def _adex_reset(p: Values, x: Values) -> Values:
    return {"v": p["v_reset"], "w": x["w"] + p["b"]}


def _adex_max_dt(p: Values) -> jax.Array:
    """Return the stability limit of forward Euler for the linear part.

    |1 + dt λ| < 1 for both eigenvalues λ.
    """
    damping = p["g_leak"] / p["c_m"] + 1 / p["tau_w"]
    stiffness = (p["g_leak"] + p["a"]) / (p["c_m"] * p["tau_w"])
    discriminant = damping**2 - 4 * stiffness
    fastest = (damping + jnp.sqrt(jnp.maximum(discriminant, 0))) / 2
    return jnp.where(discriminant > 0, 2 / fastest, damping / stiffness)


ADEX = NeuronModel(
    name="ADEX",
    description="""Adaptive exponential integrate-and-fire neuron, forward Euler (order 1).

        C dV/dt  = -g_L (V - E_L) + g_L Δ_T exp((V - V_T) / Δ_T) - w + I
        τ_w dw/dt = a (V - E_L) - w
        V >= v_cut: spike, V <- v_reset, w <- w + b

    C is `c_m`, g_L `g_leak`, E_L `e_leak`, V_T `v_t` and Δ_T `delta_t`. Both right-hand sides use
    the old values, as in Brian2's method="euler"; V is not clipped. Once V is well above V_T it
    diverges within a step or two, so spike times hardly depend on v_cut. They do depend on dt:
    take 0.1 ms or less. `max_dt` is the stability limit below V_T, without the exponential. Brette
    & Gerstner 2005, J. Neurophysiol. 94, 3637-3642, gives the defaults; v_cut is that of NEST's
    "aeif" models.
    """,
    params={
        "c_m": Quantity(0.281, "nF", above=0),
        "g_leak": Quantity(0.03, "uS", at_least=0),
        "e_leak": Quantity(-70.6, "mV"),
        "v_t": Quantity(-50.4, "mV"),
        "delta_t": Quantity(2.0, "mV", above=0),
        "a": Quantity(0.004, "uS"),
        "tau_w": Quantity(144.0, "ms", above=0),
        "b": Quantity(0.0805, "nA"),
        "v_reset": Quantity(-70.6, "mV", below="v_cut"),
        "v_cut": Quantity(0.0, "mV"),
    },
    variables={"v": Quantity(-70.6, "mV"), "w": Quantity(0.0, "nA")},
    update=_adex_update,
    threshold=above_cut,
    reset=_adex_reset,
    margin_unit=cut_above_reset,
    max_dt=_adex_max_dt,
)
