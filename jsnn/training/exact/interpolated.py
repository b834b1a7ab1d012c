"""Step between the steps: spikes have their times within a step, in the forward run too."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.training.exact.flow import Flow
from jsnn.training.exact.grid import Step
from jsnn.training.exact.in_time import Motion, motion, moved_on
from jsnn.training.exact.tangents import stop

_NEWTON_STEPS = 1


@partial(jax.jit, static_argnums=0, inline=True)  # traced once for all calls of one shape
def step_interpolated(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> Step:
    """Take a step in which spikes and arrivals have times of their own.

    A neuron whose margin is >= 0 at the end of the step spikes at dt + e, where the margin is 0. It
    moves there, is reset, and moves on to the end: x <- φ(r(φ(x, dt + e)), -e).

    Args:
      flow: the neuron and its synapses.
      p: parameters, those derived for `dt` among them.
      x: variables before the step.
      arriving: {input: [N]}.
      shifts: {input: Σ w e [N]}; what arrives at the start of the step has come e before it.
      dt: the step, in ms.
    """
    located = _located(flow, *stop((p, x, arriving, shifts)), dt)
    return _passed(flow, p, x, arriving, shifts, dt, located)


class _Located(NamedTuple):
    """Spikes of a step, located without derivatives.

    Attributes:
      margin: the margin at the end of the step, [N].
      e: the time of the spike from there, in ms, [N]; 0 without a spike.
      rate: dx/dt at the spike, in 1/ms.
      slope: dm/dt there, [N]; 0 where the time has no derivative.
    """

    margin: jax.Array
    e: jax.Array
    rate: Values
    slope: jax.Array


def _located(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> _Located:
    course = motion(flow, p, arrived(flow, p, x, arriving, shifts, dt), arriving, dt)
    margin = flow.margin(p, course.at(dt))
    e = _crossing(course, flow.margin(p, course.x), margin, dt)
    state, rate = course.with_rate(dt + e)
    slope = flow.slope(p, state, rate)
    sound = (margin >= 0) & jnp.isfinite(flow.margin(p, state)) & (slope > 0)
    moving = {k: jnp.where(sound, rate[k], 0) for k in flow.leaping(x)}
    return _Located(margin, e, moving, jnp.where(sound, slope, 0))


@partial(jax.checkpoint, static_argnums=0, prevent_cse=False)  # recompute, as memory costs more
def _passed(
    flow: Flow,
    p: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
    located: _Located,
) -> Step:
    """Take the step through the spikes that have been located.

    A last step of Newton's method gives the time of a spike its derivative, -δm / m'.
    """
    during, spiked = flow.without_jumps(arriving), located.margin >= 0
    start = arrived(flow, p, x, arriving, shifts, dt)
    course = motion(flow, p, start, arriving, dt)
    state = course.free(dt + located.e)
    sound = located.slope > 0
    by = jnp.where(sound, -flow.margin(p, state), 0) / jnp.where(sound, located.slope, 1)
    at_spike = state | {k: state[k] + f * by for k, f in located.rate.items()}
    e = located.e + by

    after = moved_on(flow, p, flow.reset(p, at_spike), during, -e, dt)
    ended = course.ended(state)
    margin = jnp.where(spiked, located.margin, flow.margin(p, ended))
    after = flow.where(spiked, after, ended) | course.autonomous(dt)
    step = Step(after, margin, jnp.where(spiked, e, 0))
    if flow.has_direct_shifts:
        step = _with_jumps(flow, p, x, arriving, shifts, dt, step)
    after = _boxes_ended(flow, p, start, step.variables, arriving, shifts, dt)
    return step._replace(variables=after)


def _crossing(course: Motion, before: jax.Array, after: jax.Array, dt: jax.Array) -> jax.Array:
    """Return the time at which the margin is 0, from the end of the step; 0 without a spike.

    Newton's method begins where a line between the margins at both ends of the step is 0.
    """
    flow, p, spiked = course.flow, course.p, after >= 0
    part = after / jnp.where(spiked & (before < 0), after - before, 1)
    is_known = spiked & (before < 0) & jnp.isfinite(part)
    guess = jnp.where(is_known, -part, jnp.where(jnp.isfinite(after), 0, -0.5))
    e = jnp.where(spiked, guess * dt, 0)
    for _ in range(_NEWTON_STEPS):
        state, rate = course.with_rate(dt + e)
        m, slope = flow.margin(p, state), flow.slope(p, state, rate)
        newton = jnp.where(jnp.isfinite(m), e - m / jnp.where(slope > 0, slope, 1), e / 2)
        e = jnp.where(spiked & (slope > 0), jnp.clip(newton, -2 * dt, 0), e)
    return e


def arrived(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> Values:
    """Return the state at the start of a step as if arrivals had come at their own times."""
    if not shifts:
        return x
    middle = {k: a / 2 if flow.is_jump(k) else a for k, a in arriving.items()}
    rate = flow.rate_now(p, x, middle, dt)
    shifted = flow.rate_now(p, x, flow.shifted(middle, shifts), dt)
    return x | {k: x[k] + (rate[k] - shifted[k]) for k in flow.moving(x)}


def _boxes_ended(
    flow: Flow,
    p: Values,
    before: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
) -> Values:
    """Return the state at the end of a step with inputs that end as late as they began."""
    of_boxes = {k: s for k, s in shifts.items() if not flow.is_jump(flow.shifted_by[k])}
    if not of_boxes:
        return x
    during, held = flow.without_jumps(arriving), flow.as_held(x, before)
    rate = flow.rate_now(p, held, during, dt)
    shifted = flow.rate_now(p, held, flow.shifted(during, of_boxes), dt)
    return x | {k: x[k] + (shifted[k] - rate[k]) for k in flow.moving(x)}


def _with_jumps(
    flow: Flow,
    p: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
    step: Step,
) -> Step:
    """Return the step with spikes where a jump at its start brings the margin over 0.

    Such a spike has the time of the jump.
    """
    names = {k: s for k, s in shifts.items() if flow.jumps_at_once(flow.shifted_by[k])}
    sums = {flow.shifted_by[k]: arriving[flow.shifted_by[k]] for k in names}

    def margin(sums: Values) -> jax.Array:
        return flow.margin(p, flow.jumped(p, x, sums, dt))

    none = {k: jnp.zeros_like(a) for k, a in sums.items()}
    at_start, slope = jax.jvp(margin, (sums,), (sums,))
    by_shift = jax.jvp(margin, (sums,), (flow.shifted(none, names),))[1]
    caused = (at_start >= 0) & (slope > 0)
    e = jnp.where(caused, by_shift / jnp.where(caused, slope, 1), 0)

    reset = flow.reset(p, flow.jumped(p, x, arriving, dt))
    later = motion(flow, p, reset, flow.without_jumps(arriving), dt - e).at(dt - e)
    return Step(
        flow.where(caused, later, step.variables),
        jnp.where(caused, jnp.abs(step.margin), step.margin),
        jnp.where(caused, e - dt, step.shift),
    )
