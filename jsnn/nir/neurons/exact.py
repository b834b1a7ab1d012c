"""Spiking neurons of NIR, solved exactly: a spike resets V where it crosses the threshold.

The crossing lies within a step, and V goes on from v_reset for the rest of the step. `update` finds
both ends, "v" without a spike and "v_after" with one, and `reset` takes the second.
"""

import jax
import jax.numpy as jnp

from jsnn.models import NeuronModel
from jsnn.models.logarithm import mean_inverse
from jsnn.models.model import Values
from jsnn.models.rounding import product
from jsnn.nir.neurons import coefficients
from jsnn.nir.neurons.coefficients import approached, crossed, remaining
from jsnn.nir.neurons.firing import FIRING_PARAMS, height, threshold
from jsnn.nir.neurons.membranes import (
    CURRENT_PARAMS,
    INTEGRATOR_PARAMS,
    MEMBRANE_PARAMS,
    integrate,
    relax,
    relax_with_current,
)

_NEWTON_STEPS = 6
"""Steps towards a crossing; a step of dt <= τ is so smooth that four reach the last bits."""

_VERY_FAR = 1e30
"""Distances in units of what lies beyond the threshold, from which on a crossing never comes."""


def _to_v_after(p: Values, x: Values) -> Values:
    return x | {"v": x["v_after"]}


def _divided(a: jax.Array, b: jax.Array, where: jax.Array) -> jax.Array:
    """Return a / b, and 0 elsewhere, so that no derivative is NaN."""
    return jnp.where(where, product(a, 1 / jnp.where(where, b, 1)), 0)


def _wrapped(rest: jax.Array, period: jax.Array) -> jax.Array:
    """Return what is left of a rest after whole periods; the rest itself if there is no period."""
    has_period = period > 0
    return jnp.where(has_period, jnp.fmod(rest, jnp.where(has_period, period, 1)), rest)


def _if_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    after = integrate(p, x, current, dt)
    rest = after["v"] - jnp.maximum(p["v_threshold"], x["v"])
    period = p["v_threshold"] - p["v_reset"]
    return after | {"v_after": p["v_reset"] + _wrapped(rest, period)}


def _log_1_plus(y: jax.Array) -> jax.Array:
    """Return ln(1 + y) for y >= 0."""
    ratio = 1 / (1 + y)
    return product(product(y, ratio), mean_inverse(ratio))


def _time_to_threshold(p: Values, v: jax.Array, v_inf: jax.Array) -> jax.Array:
    """Return the time in which V rises to the threshold on its way to V_inf; 0 if it is there.

    t = τ ln((V_inf - V) / (V_inf - v_threshold)); 0 too if V_inf lies below.
    """
    gap = v_inf - p["v_threshold"]
    is_reached = gap >= jnp.finfo(gap.dtype).tiny
    missing = _divided(jnp.maximum(p["v_threshold"] - v, 0), gap, is_reached)
    return product(p["tau"], _log_1_plus(jnp.minimum(missing, _VERY_FAR)))


def _lif_update(p: Values, x: Values, current: jax.Array, dt: jax.Array) -> Values:
    v_inf = p["v_leak"] + product(p["r"], current)
    rest = jnp.maximum(dt - _time_to_threshold(p, x["v"], v_inf), 0)
    rest = _wrapped(rest, _time_to_threshold(p, p["v_reset"], v_inf))
    way = product(v_inf - p["v_reset"], approached(p["tau"], rest))
    return relax(p, x, current, dt) | {"v_after": p["v_reset"] + way}


def _cuba_lif_update(p: Values, x: Values, signal: jax.Array, dt: jax.Array) -> Values:
    after = relax_with_current(p, x, signal, dt)
    end = product(p["w_in"], signal)
    crossing = _crossing(p, x, end, after["v"], dt)
    rest = dt - crossing
    i = end + product(x["i"] - end, remaining(p["tau_syn"], crossing))
    v_after = _potential(p, p["v_reset"], i, end, rest)
    return after | {"v_after": v_after}


def _potential(p: Values, v: jax.Array, i: jax.Array, end: jax.Array, time: jax.Array) -> jax.Array:
    """Return V a time after it was v and the current i, which is on its way to `end`."""
    v_inf = p["v_leak"] + product(p["r"], end)
    by_itself = v + product(v_inf - v, approached(p["tau_mem"], time))
    cross = crossed(p["tau_syn"], p["tau_mem"], time)
    return by_itself + product(p["r"], product(cross, i - end))


def _crossing(p: Values, x: Values, end: jax.Array, v_end: jax.Array, dt: jax.Array) -> jax.Array:
    """Return the time within a step at which V reaches the threshold, by Newton's method.

    Each step stays between two times with the crossing between them. The last one alone is
    differentiated, which gives the derivative of the time. The result means nothing for a neuron
    that does not end above the threshold; it is 0 for one that begins there.
    """

    def at(time: jax.Array, p: Values, x: Values, end: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return V above the threshold at a time, and dV/dt."""
        v = _potential(p, x["v"], x["i"], end, time)
        i = end + product(x["i"] - end, remaining(p["tau_syn"], time))
        slope = product(p["v_leak"] - v + product(p["r"], i), 1 / p["tau_mem"])
        return v - p["v_threshold"], slope

    stopped = jax.lax.stop_gradient((p, x, end))

    def newton(_: int, found: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        low, high, time = found
        above, slope = at(time, *stopped)
        low, high = jnp.where(above < 0, time, low), jnp.where(above < 0, high, time)
        guess = time - _divided(above, slope, slope > 0)
        is_between = (slope > 0) & (guess >= low) & (guess <= high)
        return low, high, jnp.where(is_between, guess, (low + high) / 2)

    low, high = jnp.zeros_like(v_end), jnp.full_like(v_end, dt)
    rise = v_end - x["v"]
    part = _divided(p["v_threshold"] - x["v"], rise, rise > 0)
    time = product(dt, jnp.clip(part, 0, 1))  # where a straight line would cross
    first = jax.lax.stop_gradient((low, high, time))
    time = jax.lax.stop_gradient(jax.lax.fori_loop(0, _NEWTON_STEPS, newton, first)[2])
    above, slope = at(time, p, x, end)
    slope = jax.lax.stop_gradient(slope)
    time = jnp.clip(time - _divided(above, slope, slope > 0), 0, dt)
    return jnp.where(x["v"] > p["v_threshold"], 0, time)


_ONE_SPIKE = """A spike of a step is a bit, so several crossings within a step are one spike; V at
    the end of the step is that of the equation."""

IF_EXACT = NeuronModel(
    name="IF_EXACT",
    description=f"""Integrate-and-fire neuron of NIR, solved exactly.

        dV/dt = r I      (I constant within the step)
        V > v_threshold: spike, V <- v_reset at the time of the crossing

    {_ONE_SPIKE}
    """,
    params={**INTEGRATOR_PARAMS, **FIRING_PARAMS},
    variables={"v": 0.0, "v_after": 0.0},
    update=_if_update,
    threshold=threshold,
    reset=_to_v_after,
    derived=coefficients.of_time,
    margin_unit=height,
)
LIF_EXACT = NeuronModel(
    name="LIF_EXACT",
    description=f"""Leaky integrate-and-fire neuron of NIR, solved exactly.

        τ dV/dt = v_leak - V + r I      (I constant within the step)
        V > v_threshold: spike, V <- v_reset at the time of the crossing

    {_ONE_SPIKE}
    """,
    params={**MEMBRANE_PARAMS, **FIRING_PARAMS},
    variables={"v": 0.0, "v_after": 0.0},
    update=_lif_update,
    threshold=threshold,
    reset=_to_v_after,
    derived=coefficients.exact,
    margin_unit=height,
)
CUBA_LIF_EXACT = NeuronModel(
    name="CUBA_LIF_EXACT",
    description="""Leaky integrate-and-fire neuron of NIR with a current, solved exactly.

        τ_syn dI/dt = -I + w_in S      (S constant within the step)
        τ_mem dV/dt = v_leak - V + r I
        V > v_threshold at the end of the step: spike, V <- v_reset at the time of the crossing

    The time of the crossing is found by Newton's method. V above the threshold in the middle of a
    step alone is no spike. A second crossing within a step is a spike of the next step.
    """,
    params={**CURRENT_PARAMS, **FIRING_PARAMS},
    variables={"v": 0.0, "i": 0.0, "v_after": 0.0},
    update=_cuba_lif_update,
    threshold=threshold,
    reset=_to_v_after,
    derived=coefficients.exact_with_current,
    margin_unit=height,
)
