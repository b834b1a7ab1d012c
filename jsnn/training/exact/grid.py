"""Step on the grid: the step of the model, to the bit, with the derivative of spike times."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.training.exact.flow import Flow
from jsnn.training.exact.tangents import as_it_is, moved_tangent, stop, zero_with_tangent


class Step(NamedTuple):
    """Result of a step.

    Attributes:
      variables: those of the neuron and its synapses, after the step.
      margin: the threshold margin before the reset, [N].
      shift: the time of the spike from the end of the step, in ms, [N]; 0 without a spike.
    """

    variables: Values
    margin: jax.Array
    shift: jax.Array


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def step_on_grid(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> Step:
    """Take the step of the models, with the derivative of the spike times.

    A spike at the end of a step has a shift e of its time, which is 0 and has the tangent -δm / m'.
    The state after the spike is φ(r(φ(x, dt + e)), -e), and its tangent the saltation of hybrid
    systems.

    Args:
      flow: the neuron and its synapses.
      p: parameters, those derived for `dt` among them.
      x: variables before the step.
      arriving: {input: [N]}.
      shifts: {input: Σ w e [N]}, which are 0 and have a tangent.
      dt: the step, in ms.
    """
    moved = flow(p, x, arriving, dt)
    margin = flow.margin(p, moved)
    after = flow.where(margin >= 0, flow.reset(p, moved), moved)
    step = Step(after, margin, jnp.zeros_like(margin))
    return _of_each_row(step, (x, arriving, shifts))


@partial(step_on_grid.defjvp, symbolic_zeros=True)
def _(flow: Flow, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Step, Step]:
    """Differentiate with respect to what has a tangent alone."""
    leaves, structure = jax.tree.flatten(primals)
    changes = jax.tree.leaves(tangents, is_leaf=_is_zero)
    moving = [i for i, change in enumerate(changes) if not _is_zero(change)]

    def step(of_moving: list[jax.Array]) -> Step:
        new = dict(zip(moving, of_moving, strict=True))
        return _step(
            flow, *jax.tree.unflatten(structure, [new.get(i, x) for i, x in enumerate(leaves)])
        )

    both = jax.jvp(step, ([leaves[i] for i in moving],), ([changes[i] for i in moving],))
    return _of_each_row(both, primals[1:4])


def _of_each_row(results: Any, operands: Any) -> Any:
    """Return results that all have the axis of a batch if one of the operands has it."""
    size = max(leaf.ndim for leaf in jax.tree.leaves(operands))
    others = [leaf for leaf in jax.tree.leaves(operands) if leaf.ndim == size]
    return jax.tree.map(lambda result: as_it_is(result, *others), results)


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _step(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> Step:
    during = flow.without_jumps(arriving)
    x = _arrived(flow, p, x, arriving, shifts, dt)
    moved = _released(flow, p, x, flow(p, x, arriving, dt), during, dt)
    margin = flow.margin(p, moved)
    spiked = margin >= 0

    rate = flow.rate(p, x, arriving, dt)
    shift = _of_crossing(margin, flow.slope(p, moved, rate))
    shift = _of_jumps(flow, p, x, arriving, shifts, dt, shift)
    reset = flow.reset(p, _along(flow, moved, rate, shift))
    after = _along(flow, reset, flow.rate_now(p, reset, during, dt), -shift)
    after = flow.where(spiked, after, moved)
    return Step(_boxes_ended(flow, p, x, after, arriving, shifts, dt), margin, shift)


def _of_crossing(margin: jax.Array, slope: jax.Array) -> jax.Array:
    """Return 0 with the tangent -δm / m' where the margin crosses 0 upwards."""
    sound = (margin >= 0) & jnp.isfinite(margin) & (slope > 0)
    per_slope = stop(1 / jnp.where(sound, slope, 1))
    return zero_with_tangent(jnp.where(sound, -margin, 0) * per_slope)


def _along(flow: Flow, x: Values, rate: Values, e: jax.Array) -> Values:
    """Return x with the tangent of x + f e, for an e that is 0 and has a tangent."""
    return x | {
        k: moved_tangent(x[k], stop(rate[k]) * e)
        for k in flow.moving(x)
        if k not in flow.autonomous
    }


def _arrived(
    flow: Flow, p: Values, x: Values, arriving: Values, shifts: Values, dt: jax.Array
) -> Values:
    """Return the state at the start of a step with the tangent of arrivals at other times.

    What arrives at e moves the state by f(x) - f(x + J) for each unit of e. With
    x + J/2 in place of x, f may be quadratic in what jumps.
    """
    if not shifts:
        return x
    middle = {k: a / 2 if flow.is_jump(k) else a for k, a in arriving.items()}
    rate = flow.rate_now(stop(p), stop(x), flow.shifted(stop(middle), shifts), dt)
    return x | {k: moved_tangent(x[k], -rate[k]) for k in flow.moving(x)}


def _boxes_ended(
    flow: Flow,
    p: Values,
    before: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
) -> Values:
    """Return the state at the end of a step with the tangent of inputs that end at other times.

    An input that is constant within the step moves as a whole: it begins and ends at e.
    """
    of_boxes = {k: s for k, s in shifts.items() if not flow.is_jump(flow.shifted_by[k])}
    if not of_boxes:
        return x
    during = flow.shifted(stop(flow.without_jumps(arriving)), of_boxes)
    rate = flow.rate_now(stop(p), stop(flow.as_held(x, before)), during, dt)
    return x | {k: moved_tangent(x[k], rate[k]) for k in flow.moving(x)}


def _released(
    flow: Flow, p: Values, x: Values, moved: Values, during: Values, dt: jax.Array
) -> Values:
    """Return the state with the tangent of the time at which a refractory time ends.

    The time that is left carries the tangent; the step in which it ends turns it into -f of what
    was held.
    """
    refractory = flow.model.refractory
    if refractory is None:
        return moved
    left = refractory.left
    late, waits = x[left], moved[left] > 0
    rate = stop(flow.rate_now(p, flow.free(moved), during, dt))
    held = {
        k: moved_tangent(moved[k], jnp.where(waits, 0, -rate[k] * late)) for k in refractory.holds
    }
    return moved | held | {left: moved_tangent(stop(moved[left]), jnp.where(waits, late, 0))}


def _of_jumps(
    flow: Flow,
    p: Values,
    x: Values,
    arriving: Values,
    shifts: Values,
    dt: jax.Array,
    shift: jax.Array,
) -> jax.Array:
    """Return the shifts of spikes, of which those that a jump of the margin causes have its own."""
    names = {k: s for k, s in shifts.items() if flow.jumps_at_once(flow.shifted_by[k])}
    if not names:
        return shift
    sums = {flow.shifted_by[k]: arriving[flow.shifted_by[k]] for k in names}

    def margin(sums: Values) -> jax.Array:
        return flow.margin(p, flow.jumped(stop(p), stop(x), sums, dt))

    none = {k: jnp.zeros_like(a) for k, a in sums.items()}
    at_start, slope = jax.jvp(margin, (stop(sums),), (stop(sums),))
    by_shift = jax.jvp(margin, (stop(sums),), (flow.shifted(none, names),))[1]
    caused = (at_start >= 0) & (slope > 0)
    of_jump = zero_with_tangent(by_shift * stop(1 / jnp.where(caused, slope, 1)))
    return jnp.where(caused, of_jump, shift)
