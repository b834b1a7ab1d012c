"""Motion in real time: a refractory time ends within a step, and a step has any length."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.training.exact.flow import Flow, no_time


@dataclass
class Motion:
    """Motion of neurons from the start of a step, or from the end of the refractory time in it.

    Attributes:
      flow: the neuron and its synapses.
      p: parameters.
      x: the state where the motion starts.
      arriving: {input: [N]}, what arrives there.
      start: the time of the start, in ms, [N] or ().
      held: bool [N], the neurons that are refractory for the whole step; None if none can be.
      left: the refractory time that is left at the end of the step, in ms, [N].
    """

    flow: Flow
    p: Values
    x: Values
    arriving: Values
    start: jax.Array
    held: jax.Array | None = None
    left: jax.Array | None = None

    def free(self, h: jax.Array) -> Values:
        """Return the state at a time h from the start of the step, of neurons that move."""
        return self.flow.moved(self.p, self.x, self.arriving, h - self.start)

    def with_rate(self, h: jax.Array) -> tuple[Values, Values]:
        """Return `free(h)` and its derivative, in 1/ms."""
        return jax.jvp(self.free, (h,), (jnp.ones_like(h),))

    def ended(self, moved: Values) -> Values:
        """Return the state at the end of the step, from that of neurons that move."""
        refractory = self.flow.model.refractory
        if refractory is None or self.held is None or self.left is None:
            return moved
        held = {k: jnp.where(self.held, self.x[k], moved[k]) for k in refractory.holds}
        return moved | held | {refractory.left: self.left}

    def at(self, h: jax.Array) -> Values:
        """Return the state at a time h, the end of the step."""
        return self.ended(self.free(h))

    def autonomous(self, h: jax.Array) -> Values:
        """Return the variables of synapses that do not see the neuron, at a time h."""
        if not self.flow.autonomous:
            return {}
        moved = self.free(h)
        return {k: moved[k] for k in self.flow.autonomous}


def motion(flow: Flow, p: Values, x: Values, arriving: Values, h: jax.Array) -> Motion:
    """Return the motion in a step h from the state x.

    What a refractory neuron holds moves on from the end of the refractory time, with the others as
    they are then.
    """
    refractory = flow.model.refractory
    if refractory is None:
        return Motion(flow, p, x, arriving, jnp.zeros_like(h))
    left = x[refractory.left]
    held = left > jnp.maximum(h, 0)
    released = ~held & (left > 0)
    start = jnp.where(released, left, 0)
    at_release = flow.moved(p, x, arriving, jnp.where(released, left, no_time(h)))
    at_release |= {k: x[k] for k in refractory.holds}
    x = {k: jnp.where(released, at_release[k], v) if v.ndim else v for k, v in x.items()}
    none = flow.without_jumps(arriving)
    arriving = {k: jnp.where(released, none[k], a) for k, a in arriving.items()}
    return Motion(flow, p, x, arriving, start, held, jnp.where(held, left - h, 0))


def moved_on(
    flow: Flow, p: Values, x: Values, during: Values, h: jax.Array, dt: jax.Array
) -> Values:
    """Move neurons by a part h of a step, [N], which may be 0, without jumps."""
    short = no_time(dt)
    far = motion(flow, p, x, during, short + h).at(short + h)
    near = motion(flow, p, x, during, short).at(short)
    return x | {k: x[k] + (far[k] - near[k]) for k in flow.leaping(x)}
