"""Integrate-and-fire neurons, solved exactly over a step of constant current."""

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.integrators import relax
from jsnn.models.model import Values
from jsnn.models.neurons.model import NeuronModel, Refractory
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


def _if_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return x | {"v": x["v"] + product(current, dt)}


def _if_threshold(p: Values, x: Values) -> jax.Array:
    return x["v"] - p["v_thresh"]


def _if_reset(p: Values, x: Values) -> Values:
    return x | {"v": p["v_reset"]}


def _above_reset(p: Values) -> jax.Array:
    return p["v_thresh"] - p["v_reset"]


IF = NeuronModel(
    name="IF",
    description="""Integrate-and-fire neuron without leak.

        V <- V + I dt
        V >= v_thresh: spike, V <- v_reset

    V and I are dimensionless, time is in ms. This is the neuron of the tutorial "Spike-based
    machine learning with GeNN".
    """,
    params={"v_thresh": 1.0, "v_reset": Quantity(0.0, below="v_thresh")},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_if_threshold,
    reset=_if_reset,
    margin_unit=_above_reset,
)


def _subtract_threshold(p: Values, x: Values) -> Values:
    return x | {"v": x["v"] - p["v_thresh"]}


def _above_zero(p: Values) -> jax.Array:
    return p["v_thresh"]


IF_SOFT_RESET = NeuronModel(
    name="IF_SOFT_RESET",
    description="""Integrate-and-fire neuron without leak, reset by subtraction ("soft reset").

        V <- V + I dt
        V >= v_thresh: spike, V <- V - v_thresh

    V and I are dimensionless, time is in ms. A spike loses nothing of the input, so the number of
    spikes is the number of thresholds that the summed input has passed. Rueckauer et al. 2017,
    Front. Neurosci. 11, 682.
    """,
    params={"v_thresh": Quantity(1.0, above=0)},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_if_threshold,
    reset=_subtract_threshold,
    margin_unit=_above_zero,
)


def _never(p: Values, x: Values) -> jax.Array:
    return jnp.full_like(x["v"], -jnp.inf)


INTEGRATOR = NeuronModel(
    name="INTEGRATOR",
    description="""Sum of all input, which never spikes and is read out by its potential.

        V <- V + I dt

    V and I are dimensionless, time is in ms.
    """,
    params={},
    variables={"v": 0.0},
    update=_if_update,
    threshold=_never,
)


def membrane_derived(p: Values, dt: jax.Array) -> Values:
    """Return what is left of V - V_inf after a step, exp(-dt/τ_m)."""
    return {"decay_m": decay(p["tau_m"], dt)}


def lif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    """Integrate one step of `LIF`."""
    v_inf = p["v_rest"] + product(p["r_m"], current + p["i_offset"])
    return x | unless_refractory(x, relax(x["v"], v_inf, p["decay_m"]), dt)


def unless_refractory(x: Values, v: jax.Array, dt: jax.Array) -> Values:
    """Return V integrated, `v`, or held while `LIF` is refractory, and the time that is left."""
    # In whole steps, so that no rounding of the time left can add up to a step.
    steps_left = jnp.round(x["refractory"] * (1 / dt))
    return {
        "v": jnp.where(steps_left > 0, x["v"], v),
        "refractory": jnp.maximum(steps_left - 1, 0) * dt,
    }


def lif_threshold(p: Values, x: Values) -> jax.Array:
    """Return V above the threshold of `LIF`; -inf while refractory."""
    return jnp.where(x["refractory"] > 0, -jnp.inf, x["v"] - p["v_thresh"])


def above_rest(p: Values) -> jax.Array:
    """Return the distance from rest or reset, the lower one, to threshold: the unit of a margin."""
    return p["v_thresh"] - jnp.minimum(p["v_rest"], p["v_reset"])


def lif_reset(p: Values, x: Values) -> Values:
    """Set V to the reset potential and begin the refractory time."""
    return x | {"v": p["v_reset"], "refractory": p["tau_refrac"]}


WHILE_REFRACTORY = Refractory(left="refractory", holds=("v",))
"""The refractory time of `LIF`."""

LIF = NeuronModel(
    name="LIF",
    description="""Leaky integrate-and-fire neuron with a refractory time.

        τ_m dV/dt = -(V - v_rest) + r_m (I + i_offset)      (I constant within the step)
        V >= v_thresh: spike, V <- v_reset, held there for tau_refrac

    Integrated exactly for any dt: Rotter & Diesmann 1999, Biol. Cybern. 81, 381-402.

    After a spike the neuron neither integrates nor spikes for exactly round(tau_refrac / dt)
    steps; `refractory` is the time that is left. NEST counts the same way. GeNN rounds up, and
    may hold V for one step more, since it subtracts dt step by step and rounding errors add up: of
    its steps of 0.1 ms, 5 ms are 51 and 1 ms 11 in double precision, 51 and 10 in single. Brian2
    holds V for one step less, as it counts from the step of the spike. V starts at -70 mV: give
    `initial={"v": ...}` if v_rest differs.
    """,
    params={
        "tau_m": Quantity(20.0, "ms", above=0),
        "r_m": Quantity(20.0, "MOhm", above=0),
        "v_rest": Quantity(-70.0, "mV"),
        "v_reset": Quantity(-70.0, "mV", below="v_thresh"),
        "v_thresh": Quantity(-51.0, "mV"),
        "i_offset": Quantity(0.0, "nA"),
        "tau_refrac": Quantity(2.0, "ms", at_least=0),
    },
    variables={"v": Quantity(-70.0, "mV"), "refractory": Quantity(0.0, "ms", at_least=0)},
    update=lif_update,
    threshold=lif_threshold,
    reset=lif_reset,
    derived=membrane_derived,
    margin_unit=above_rest,
    refractory=WHILE_REFRACTORY,
)


def _height(p: Values) -> jax.Array:
    return p["v_thresh"] - p["v_rest"]


def _subtract_height(p: Values, x: Values) -> Values:
    return x | {"v": x["v"] - _height(p), "refractory": p["tau_refrac"]}


LIF_SOFT_RESET = NeuronModel(
    name="LIF_SOFT_RESET",
    description="""Leaky integrate-and-fire neuron, reset by subtraction ("soft reset").

        τ_m dV/dt = -(V - v_rest) + r_m (I + i_offset)      (I constant within the step)
        V >= v_thresh: spike, V <- V - (v_thresh - v_rest), held there for tau_refrac

    `LIF` with another reset, as in networks trained by surrogate gradients: a spike loses nothing
    of what was above the threshold. Integrated exactly for any dt. Without a refractory time unless
    one is given.
    """,
    params={
        **{name: quantity for name, quantity in LIF.params.items() if name != "v_reset"},
        "v_rest": Quantity(-70.0, "mV", below="v_thresh"),
        "tau_refrac": Quantity(0.0, "ms", at_least=0),
    },
    variables=LIF.variables,
    update=lif_update,
    threshold=lif_threshold,
    reset=_subtract_height,
    derived=membrane_derived,
    margin_unit=_height,
    refractory=WHILE_REFRACTORY,
)


def _leaky_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    return {"v": relax(x["v"], p["v_rest"] + product(p["r_m"], current), p["decay_m"])}


LEAKY_INTEGRATOR = NeuronModel(
    name="LEAKY_INTEGRATOR",
    description="""Leaky membrane that never spikes and is read out by its potential.

        τ_m dV/dt = -(V - v_rest) + r_m I      (I constant within the step)

    Integrated exactly for any dt.
    """,
    params={
        "tau_m": Quantity(20.0, "ms", above=0),
        "r_m": Quantity(1.0, "MOhm", above=0),
        "v_rest": Quantity(0.0, "mV"),
    },
    variables={"v": Quantity(0.0, "mV")},
    update=_leaky_update,
    threshold=_never,
    derived=membrane_derived,
)
