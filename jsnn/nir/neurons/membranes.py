"""Membranes without spikes, I, LI and CubaLI, and the equations that they share with others."""

import jax
import jax.numpy as jnp

from jsnn.models import NeuronModel, Quantity
from jsnn.models.model import Values
from jsnn.models.rounding import product
from jsnn.nir.neurons import coefficients

INTEGRATOR_PARAMS = {"r": Quantity(1e-3, "per ms")}
MEMBRANE_PARAMS = {
    "tau": Quantity(10.0, "ms", above=0),
    "r": Quantity(1.0),
    "v_leak": Quantity(0.0),
}
CURRENT_PARAMS = {
    "tau_syn": Quantity(5.0, "ms", above=0),
    "tau_mem": Quantity(10.0, "ms", above=0),
    "r": Quantity(1.0),
    "v_leak": Quantity(0.0),
    "w_in": Quantity(1.0),
}


def integrate(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    """Take a step of I and IF."""
    return x | {"v": x["v"] + product(p["gain"], current)}


def relax(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    """Take a step of LI and LIF."""
    target = p["v_leak"] + product(p["r"], current)
    return x | {"v": product(p["keep"], x["v"]) + product(p["gain"], target)}


def relax_with_current(p: Values, x: Values, signal: jax.Array, dt: jax.Array) -> Values:
    """Take an exact step of CubaLI and CubaLIF."""
    end = product(p["w_in"], signal)  # I after a long time
    v_inf = p["v_leak"] + product(p["r"], end)
    by_itself = product(p["keep"], x["v"]) + product(p["gain"], v_inf)
    return x | {
        "v": by_itself + product(product(p["r"], p["cross"]), x["i"] - end),
        "i": product(p["keep_syn"], x["i"]) + product(p["gain_syn"], end),
    }


def step_of_euler(p: Values, x: Values, signal: jax.Array, dt: jax.Array) -> Values:
    """Take an Euler step of CubaLI and CubaLIF, the current first."""
    i = product(p["keep_syn"], x["i"]) + product(p["gain_syn"], product(p["w_in"], signal))
    target = p["v_leak"] + product(p["r"], i)
    return x | {"v": product(p["keep"], x["v"]) + product(p["gain"], target), "i": i}


def never(p: Values, x: Values) -> jax.Array:
    """Return the margin of a neuron that does not spike."""
    return jnp.full_like(x["v"], -jnp.inf)


I = NeuronModel(  # noqa: E741
    name="I",
    description="""Integrator of NIR.

        dV/dt = r I      (I constant within the step)
    """,
    params=INTEGRATOR_PARAMS,
    variables={"v": 0.0},
    update=integrate,
    threshold=never,
    derived=coefficients.of_time,
)

_LI = """Leaky integrator of NIR.

        τ dV/dt = v_leak - V + r I
        {step}
    """
_CUBA_LI = """Leaky integrator of NIR with a current, into which the signal S flows.

        τ_syn dI/dt = -I + w_in S,   τ_mem dV/dt = v_leak - V + r I
        {step}
    """
BY_EULER = "by steps of V <- V + dt/τ (v_leak - V + r I)"
CURRENT_BY_EULER = """by steps of I <- I + dt/τ_syn (w_in S - I) and then
        V <- V + dt/τ_mem (v_leak - V + r I) with the new I"""
BY_DECAY = "by steps of V <- exp(-dt/τ) V + dt/τ (v_leak + r I)"

LI_EXACT = NeuronModel(
    name="LI_EXACT",
    description=_LI.format(step="solved exactly for an I that is constant within the step"),
    params=MEMBRANE_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=never,
    derived=coefficients.exact,
)
LI_EULER = NeuronModel(
    name="LI_EULER",
    description=_LI.format(step=BY_EULER),
    params=MEMBRANE_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=never,
    derived=coefficients.euler,
)
LI_DECAYING = NeuronModel(
    name="LI_DECAYING",
    description=_LI.format(step=BY_DECAY),
    params=MEMBRANE_PARAMS,
    variables={"v": 0.0},
    update=relax,
    threshold=never,
    derived=coefficients.decaying,
)
CUBA_LI_EXACT = NeuronModel(
    name="CUBA_LI_EXACT",
    description=_CUBA_LI.format(step="solved exactly for an S that is constant within the step"),
    params=CURRENT_PARAMS,
    variables={"v": 0.0, "i": 0.0},
    update=relax_with_current,
    threshold=never,
    derived=coefficients.exact_with_current,
)
CUBA_LI_EULER = NeuronModel(
    name="CUBA_LI_EULER",
    description=_CUBA_LI.format(step=CURRENT_BY_EULER),
    params=CURRENT_PARAMS,
    variables={"v": 0.0, "i": 0.0},
    update=step_of_euler,
    threshold=never,
    derived=coefficients.euler_with_current,
)
