"""Step between the steps: spikes have their times within a step, in the forward run too."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.training.exact.flow import Flow
from jsnn.training.exact.grid import Step
from jsnn.training.exact.in_time import Motion, motion, moved_on
from jsnn.training.exact.tangents import stop

_NEWTON_STEPS = 1


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
    during = flow.without_jumps(arriving)
    start = arrived(flow, p, x, arriving, shifts, dt)
    course = motion(flow, p, start, arriving, dt)
    moved = course.at(dt)
    margin = flow.margin(p, moved)

    crossed = _crossing(course, flow.margin(p, start), margin, dt)
    after = moved_on(flow, p, flow.reset(p, crossed.at), during, -crossed.e, dt)
    after = flow.where(margin >= 0, after | {k: moved[k] for k in flow.autonomous}, moved)
    step = Step(after, margin, crossed.e)
    if flow.has_direct_shifts:
        step = _with_jumps(flow, p, x, arriving, shifts, dt, step)
    after = _boxes_ended(flow, p, start, step.variables, arriving, shifts, dt)
    return step._replace(variables=after)


class _Crossing(NamedTuple):
    """A crossing of the threshold.

    Attributes:
      e: its time from the end of the step, [N], with its derivative; 0 without a spike.
      at: the state there.
    """

    e: jax.Array
    at: Values


def _crossing(course: Motion, before: jax.Array, after: jax.Array, dt: jax.Array) -> _Crossing:
    """Return the time at which the margin is 0, from its values at both ends of the step.

    Newton's method begins between them; its last step has the derivative -δm / m'.
    """
    flow, p, spiked = course.flow, course.p, after >= 0
    part = after / jnp.where(spiked & (before < 0), after - before, 1)
    known = spiked & (before < 0) & jnp.isfinite(part)
    guess = jnp.where(known, -part, jnp.where(jnp.isfinite(after), 0, -0.5))
    e = stop(jnp.where(spiked, guess * dt, 0))

    def at(e: jax.Array) -> tuple[Values, Values]:
        return jax.jvp(lambda e: course.free(dt + e), (e,), (jnp.ones_like(e),))

    for _ in range(_NEWTON_STEPS):
        state, rate = at(e)
        m, slope = flow.margin(p, state), flow.slope(p, state, rate)
        newton = jnp.where(jnp.isfinite(m), e - m / jnp.where(slope > 0, slope, 1), e / 2)
        e = stop(jnp.where(spiked & (slope > 0), jnp.clip(newton, -2 * dt, 0), e))
    state, rate = at(e)
    m, slope = flow.margin(p, state), flow.slope(p, state, rate)
    sound = spiked & jnp.isfinite(m) & (slope > 0)
    by = jnp.where(sound, -m, 0) / stop(jnp.where(sound, slope, 1))
    moved = {k: state[k] + stop(jnp.where(sound, rate[k], 0)) * by for k in flow.moving(state)}
    return _Crossing(e + by, state | moved)


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
