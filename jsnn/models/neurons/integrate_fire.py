"""Integrate-and-fire neurons, solved exactly over a step of constant current."""

import jax
import jax.numpy as jnp

from jsnn.models.integrators import relax
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel


def _if_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return x | {"v": x["v"] + current * dt}


def _if_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


def _if_reset(p: Values, x: Values) -> Values:
    return x | {"v": p["v_reset"]}


IF = NeuronModel(
    params={"v_thresh": 1.0, "v_reset": 0.0},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_if_threshold,
    reset=_if_reset,
)
"""Integrate-and-fire without leak: V <- V + I dt; spike where V >= v_thresh; there V <- v_reset.

Dimensionless. The neuron of the tutorial "Spike-based machine learning with GeNN".
"""


def _if_subtract(p: Values, x: Values) -> Values:
    return x | {"v": x["v"] - p["v_thresh"]}


IF_SUBTRACT = NeuronModel(
    params={"v_thresh": 1.0},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_if_threshold,
    reset=_if_subtract,
)
"""`IF` reset by subtraction: V <- V + I dt; spike where V >= v_thresh; there V <- V - v_thresh.

Dimensionless. Nothing of the input is lost at a spike, so that the number of spikes is that of the
thresholds that the summed input has passed (Rueckauer et al. 2017, Front. Neurosci. 11, 682).
"""


def _never(p: Values, x: Values) -> jax.Array:
    return jnp.full_like(x["v"], -jnp.inf)


INTEGRATOR = NeuronModel(params={}, variables={"v": 0.0}, update=_if_update, threshold=_never)
"""The sum of all input: V <- V + I dt, and never a spike; to be read out by its potential."""


def lif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    """One step of `LIF`: held at its reset potential while refractory, else integrated."""
    v_inf = p["v_rest"] + p["r_m"] * (current + p["i_offset"])
    # In whole steps, so that no rounding of the time left can add up to a step.
    steps_left = jnp.round(x["refractory"] / dt)
    return x | {
        "v": jnp.where(steps_left > 0, x["v"], relax(x["v"], v_inf, p["tau_m"], dt)),
        "refractory": jnp.maximum(steps_left - 1, 0) * dt,
    }


def lif_threshold(p: Values, x: Values) -> jax.Array:
    """V above the threshold of `LIF`; -inf while refractory."""
    return jnp.where(x["refractory"] > 0, -jnp.inf, x["v"] - p["v_thresh"])


def lif_reset(p: Values, x: Values) -> Values:
    """V at its reset potential, the refractory time begun."""
    return x | {"v": p["v_reset"], "refractory": p["tau_refrac"]}


LIF = NeuronModel(
    params={
        "tau_m": 20.0,
        "r_m": 20.0,
        "v_rest": -70.0,
        "v_reset": -70.0,
        "v_thresh": -51.0,
        "i_offset": 0.0,
        "tau_refrac": 2.0,
    },
    variables={"v": -70.0, "refractory": 0.0},
    update=lif_update,
    threshold=lif_threshold,
    reset=lif_reset,
)
"""Leaky integrate-and-fire with a refractory time, integrated exactly over a step.

    τ_m dV/dt = -(V - v_rest) + r_m (I + i_offset)      (I constant within the step)
    V >= v_thresh: spike, V <- v_reset, held there for tau_refrac

tau_m, tau_refrac in ms; v_* in mV; r_m in MOhm; i_offset in nA. Exact for any dt: Rotter &
Diesmann 1999, Biol. Cybern. 81, 381-402.

After a spike the neuron neither integrates nor spikes for exactly round(tau_refrac / dt) steps;
`refractory` is the time of those still to come, in ms. NEST counts like this. GeNN does where
tau_refrac is a multiple of dt, but for float32 (5 ms are 51 of its steps of 0.1 ms), and rounds
other times up. Brian2 holds one step less, as it counts from the step of the spike. V starts at
-70 mV; give `variables={"v": ...}` where v_rest differs.
"""


def _integrator_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": relax(x["v"], p["v_rest"] + p["r_m"] * current, p["tau_m"], dt)}


LEAKY_INTEGRATOR = NeuronModel(
    params={"tau_m": 20.0, "r_m": 1.0, "v_rest": 0.0},
    variables={"v": 0.0},
    update=_integrator_update,
    threshold=_never,
)
"""A membrane that never spikes, to be read out by its potential; integrated exactly over a step.

    τ_m dV/dt = -(V - v_rest) + r_m I      (I constant within the step)

tau_m in ms, V and v_rest in mV, r_m in MOhm, I in nA.
"""
