"""Currents that follow a formula over time, each neuron with parameters of its own.

Each source counts its steps, so that t = step dt at the start of a step carries no rounding of
additions. The current of a step is the value of the formula there.
"""

import math

import jax
import jax.numpy as jnp

from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.model import Values
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product

_STEP = {"step": Quantity(0, at_least=0)}
_MANY = 2**31 - 2**7  # the largest int32 that is a float32 too


def _from_start_to_stop(
    p: Values, x: Values, current: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    """Count the step; return the current from start to stop, which are rounded to steps, else 0."""
    start, stop = (_nearest_step(p[name], dt) for name in ("start", "stop"))
    is_on = (x["step"] >= start) & (x["step"] < stop)
    return {"step": x["step"] + 1}, jnp.where(is_on, current, 0)


def _nearest_step(time: jax.Array, dt: jax.Array) -> jax.Array:
    return jnp.clip(jnp.round(time * (1 / dt)), -_MANY, _MANY).astype(jnp.int32)


def _step(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    return _from_start_to_stop(p, x, p["magnitude"], dt)


STEP_CURRENT = CurrentSourceModel(
    name="STEP_CURRENT",
    description="""Constant current from a start to a stop (NeuroML's "pulseGenerator").

        I(t) = magnitude if start <= t < stop, else 0

    t is counted in whole steps from 0, in the variable `step`; start and stop are rounded to steps.
    A resumed run goes on. No gradient reaches start and stop.
    """,
    params={
        "magnitude": Quantity(1.0, "nA"),
        "start": Quantity(0.0, "ms"),
        "stop": Quantity(100.0, "ms", at_least="start"),
    },
    variables=_STEP,
    current=_step,
)


def _ramp(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    since_start = product(x["step"].astype(p["start"].dtype), dt) - p["start"]
    passed = product(since_start, 1 / (p["stop"] - p["start"]))
    current = p["at_start"] + product(p["at_stop"] - p["at_start"], passed)
    return _from_start_to_stop(p, x, current, dt)


RAMP_CURRENT = CurrentSourceModel(
    name="RAMP_CURRENT",
    description="""Linear change of current from a start to a stop (NeuroML's "rampGenerator").

        I(t) = at_start + (at_stop - at_start) (t - start) / (stop - start)    if start <= t < stop
        I(t) = 0    else

    t is counted in whole steps from 0, in the variable `step`; on and off are rounded to steps. A
    resumed run goes on.
    """,
    params={
        "at_start": Quantity(0.0, "nA"),
        "at_stop": Quantity(1.0, "nA"),
        "start": Quantity(0.0, "ms"),
        "stop": Quantity(100.0, "ms", above="start"),
    },
    variables=_STEP,
    current=_ramp,
)


def _sine(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    in_a_step = product(p["frequency"], product(dt, 1e-3))
    late = x["step"] % 4096  # a float32 has both parts of the step, whatever it is
    parts = [product(n.astype(in_a_step.dtype), in_a_step) for n in (x["step"] - late, late)]
    angle = product(2 * math.pi, sum(part - jnp.round(part) for part in parts)) + p["phase"]
    return {"step": x["step"] + 1}, p["offset"] + product(p["amplitude"], jnp.sin(angle))


SINE_CURRENT = CurrentSourceModel(
    name="SINE_CURRENT",
    description="""Sinusoidal current (NEST's "ac_generator", which has the phase in degrees).

        I(t) = offset + amplitude sin(2π frequency t + phase)

    t is counted in whole steps from 0, in the variable `step`; a resumed run goes on. In float32
    the number of cycles since the start is known to 1 part in 8 million.
    """,
    params={
        "amplitude": Quantity(1.0, "nA"),
        "frequency": Quantity(10.0, "Hz"),
        "phase": Quantity(0.0, "rad"),
        "offset": Quantity(0.0, "nA"),
    },
    variables=_STEP,
    current=_sine,
)
