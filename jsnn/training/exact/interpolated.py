"""Step between the steps: spikes have their times within a step, in the forward run too."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.training.exact.flow import Flow, no_time
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
    moves there, is reset, and moves on to the end: x <- φ(r(φ(x, dt + e)), -e). One that gets there
    before anything has arrived spikes without what arrives later in the step.

    Args:
      flow: the neuron and its synapses.
      p: parameters, those derived for `dt` among them.
      x: variables before the step.
      arriving: {input: [N]}.
      shifts: {input: Σ w e [N]}, e being the time of arrival from the start of the step.
      dt: the step, in ms.
    """
    located = _located(flow, *stop((p, x, arriving, shifts)), dt)
    return _passed(flow, p, x, arriving, shifts, dt, located)


class _Located(NamedTuple):
    """Spikes of a step, located without derivatives.

    Attributes:
      early: True for neurons that spike before anything has arrived, [N]; None if nothing arrives
        within the step.
      margin: the margin at the end of the step, [N]; of early neurons the one at the first arrival.
      e: the time of the spike from the end of the step, in ms, [N]; 0 without a spike.
      rate: dx/dt at the spike, in 1/ms.
      slope: dm/dt there, [N]; 0 where the time has no derivative.
    """

    early: jax.Array | None
    margin: jax.Array
    e: jax.Array
    rate: Values
    slope: jax.Array


def _located(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> _Located:
    late, before = _motions(flow, p, x, arriving, shifts, dt)
    course, end, early = late, dt, None
    if before is not None:
        alone, first, _ = before
        early = flow.margin(p, alone.at(first)) >= 0
        course, end = _chosen(early, alone, late), jnp.where(early, first, dt)
    margin = flow.margin(p, course.at(end))
    e = _crossing(course, flow.margin(p, course.x), margin, end) + (end - dt)
    state, rate = course.with_rate(dt + e)
    slope = flow.slope(p, state, rate)
    sound = (margin >= 0) & jnp.isfinite(flow.margin(p, state)) & (slope > 0)
    moving = {k: jnp.where(sound, rate[k], 0) for k in flow.leaping(x)}
    return _Located(early, margin, e, moving, jnp.where(sound, slope, 0))


def _motions(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> tuple[Motion, tuple[Motion, jax.Array, Values] | None]:
    """Return the motion after what arrives, and if it can be within the step what was before.

    This is the motion until the first arrival, the time of that, [N], and the state there.
    """
    first = first_arrival(flow, arriving, shifts, dt)
    if first is None:
        return motion(flow, p, arrived(flow, p, x, arriving, shifts, dt), arriving, dt), None
    alone = motion(flow, p, x, flow.without_jumps(arriving), first)
    at_first = alone.at(first)
    late = _with_arrivals(flow, p, at_first, arriving, shifts, dt, first)
    return replace(late, start=late.start + first), (alone, first, at_first)


def _with_arrivals(
    flow: Flow,
    p: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
    first: jax.Array,
) -> Motion:
    """Return the motion from the state x at the first arrival, with all that arrives."""
    start = arrived(flow, p, x, arriving, _later(flow, arriving, shifts, first), dt)
    return motion(flow, p, start, arriving, dt - first)


def first_arrival(flow: Flow, arriving: Values, shifts: Values, dt: jax.Array) -> jax.Array | None:
    """Return the time from the start of the step until which nothing jumps, [N].

    It is Σ w e / Σ w, the mean time of arrival, of the input that comes first; None if no input
    can jump within the step.
    """
    jumps = flow.jumps_shifted(shifts)
    nothing = {of: arriving[of] == 0 for of in jumps}
    times = [
        jnp.where(nothing[of], dt, sums / jnp.where(nothing[of], 1, arriving[of]))
        for of, sums in jumps.items()
    ]
    return stop(jnp.clip(jnp.stack(times).min(0), no_time(dt), dt - no_time(dt))) if times else None


def _later(flow: Flow, arriving: Values, shifts: Values, time: jax.Array) -> Values:
    """Return the sums of w e of times e that count from a later time than the start of the step."""
    first = {of: name for name, of in reversed(flow.shifted_by.items()) if flow.is_jump(of)}
    return shifts | {name: shifts[name] - time * arriving[of] for of, name in first.items()}


def _chosen(early: jax.Array, alone: Motion, late: Motion) -> Motion:
    """Return the motion of neurons before anything arrives if they are early, else that after."""
    x = alone.flow.where(early, alone.x, late.x)
    arriving = {k: jnp.where(early, alone.arriving[k], a) for k, a in late.arriving.items()}
    return replace(late, x=x, arriving=arriving, start=jnp.where(early, alone.start, late.start))


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
    during, spiked, early = flow.without_jumps(arriving), located.margin >= 0, located.early
    late, before = _motions(flow, p, x, arriving, shifts, dt)
    course = late if before is None or early is None else _chosen(early, before[0], late)
    state = course.free(dt + located.e)
    sound = located.slope > 0
    by = jnp.where(sound, -flow.margin(p, state), 0) / jnp.where(sound, located.slope, 1)
    at_spike = state | {k: state[k] + f * by for k, f in located.rate.items()}
    e = located.e + by

    reset = flow.reset(p, at_spike)
    if before is None or early is None:
        after = moved_on(flow, p, reset, during, -e, dt)
    else:
        _, first, at_first = before
        after = moved_on(flow, p, reset, during, jnp.where(early, first - dt, 0) - e, dt)
        x_first = after | {k: at_first[k] for k in flow.autonomous}
        rest = _with_arrivals(flow, p, x_first, arriving, shifts, dt, first)
        after = flow.where(early, rest.at(dt - first), after)
    ended = late.ended(state)
    margin = jnp.where(spiked, located.margin, flow.margin(p, ended))
    after = flow.where(spiked, after, ended) | late.autonomous(dt)
    step = Step(after, margin, jnp.where(spiked, e, 0))
    if flow.has_direct_shifts:
        step = _with_jumps(flow, p, x, arriving, shifts, dt, step, early)
    after = _boxes_ended(flow, p, x, step.variables, arriving, shifts, dt)
    return step._replace(variables=after)


def _crossing(course: Motion, before: jax.Array, after: jax.Array, end: jax.Array) -> jax.Array:
    """Return the time at which the margin is 0, from `end`; 0 without a spike.

    Newton's method begins where a line between the margins at the start of the motion and at `end`
    is 0.
    """
    flow, p, spiked = course.flow, course.p, after >= 0
    part = after / jnp.where(spiked & (before < 0), after - before, 1)
    is_known = spiked & (before < 0) & jnp.isfinite(part)
    guess = jnp.where(is_known, -part, jnp.where(jnp.isfinite(after), 0, -0.5))
    e = jnp.where(spiked, guess * (end - course.start), 0)
    for _ in range(_NEWTON_STEPS):
        state, rate = course.with_rate(end + e)
        m, slope = flow.margin(p, state), flow.slope(p, state, rate)
        newton = jnp.where(jnp.isfinite(m), e - m / jnp.where(slope > 0, slope, 1), e / 2)
        e = jnp.where(spiked & (slope > 0), jnp.clip(newton, -2 * end, 0), e)
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
    early: jax.Array | None,
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
    if early is not None:
        caused &= ~early
    e = jnp.where(caused, by_shift / jnp.where(caused, slope, 1), 0)

    reset = flow.reset(p, flow.jumped(p, x, arriving, dt))
    later = motion(flow, p, reset, flow.without_jumps(arriving), dt - e).at(dt - e)
    return Step(
        flow.where(caused, later, step.variables),
        jnp.where(caused, jnp.abs(step.margin), step.margin),
        jnp.where(caused, e - dt, step.shift),
    )
