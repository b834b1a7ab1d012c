"""Synapses that deliver sums of shifts of spike times, or nothing but their tangents."""

from typing import Any

import jax
import jax.numpy as jnp

from jsnn._pytree import pytree
from jsnn._pytree import replace as replaced
from jsnn.network.connectivity import Connectivity, Delayed, LearntDelays, Listed
from jsnn.network.connectivity.learnt_delays import Spread
from jsnn.training.exact.tangents import as_it_is, stop, zero_with_tangent


@pytree
class ShiftsOnGrid:
    """Synapses of a projection that deliver Σ w e for shifts e that are 0 and have a tangent.

    The sums are 0, and nothing is computed for them but their tangent, Σ w δe.

    Attributes:
      synapses: the synapses of the projection.
    """

    synapses: Connectivity

    @property
    def num_pre(self) -> int:
        return self.synapses.num_pre

    @property
    def num_post(self) -> int:
        return self.synapses.num_post

    @property
    def dtype(self) -> Any:
        return self.synapses.dtype

    @property
    def max_delay(self) -> int:
        return getattr(self.synapses, "max_delay", 0)

    def deliver(self, shifts: jax.Array) -> jax.Array:
        """Turn shifts [pre] into sums [post]."""
        return _deliver(stop(self.synapses), shifts)

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, shifts: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what shifts [pre] of a step send to the sums of steps to come, [max_delay, post]."""
        del event_driven
        return _deliver_onto(stop(self.synapses), sums, step, shifts)


def at_nearest_step(synapses: LearntDelays) -> LearntDelays:
    """Return synapses that deliver all of a spike at the nearest whole step of its delay."""
    return replaced(synapses, width=jnp.zeros_like(synapses.width))


def parts_of_step(synapses: LearntDelays, dt: jax.Array, *, interpolated: bool) -> Connectivity:
    """Return synapses that deliver Σ w e for what whole steps leave out of delays.

    An e is the time, in ms, from the step at which a spike arrives to its real delay. On the grid
    it is 0 and has the derivative of the delay.

    Args:
      synapses: the synapses with real delays.
      dt: the step, in ms.
      interpolated: True if each e has its value.
    """
    delays = synapses.delays
    parts = zero_with_tangent(delays)
    if interpolated:
        within = jnp.clip(delays, 1, synapses.max_delay)
        parts = parts + stop(within - jnp.rint(within))
    nearest = at_nearest_step(synapses)
    if interpolated:
        return nearest.with_weights(synapses.weights * parts * dt)
    return PartsOnGrid(nearest.with_weights(stop(synapses.weights) * parts * dt).spread())


@pytree
class PartsOnGrid:
    """Synapses that deliver Σ w e for spikes, with parts e of a step that are 0 and have a tangent.

    The sums are 0, and nothing is computed for them but their tangent, Σ w δe.

    Attributes:
      synapses: w e of each synapse at its whole delay, which is 0.
    """

    synapses: Spread

    @property
    def num_pre(self) -> int:
        return self.synapses.num_pre

    @property
    def num_post(self) -> int:
        return self.synapses.num_post

    @property
    def dtype(self) -> Any:
        return self.synapses.dtype

    @property
    def max_delay(self) -> int:
        return self.synapses.max_delay

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], all delays together."""
        return self.synapses.deliver(spikes)

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, spikes: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what spikes [pre] of a step send to the sums of steps to come, [max_delay, post]."""
        del event_driven
        return _parts_onto(self.synapses.weights, sums, step, spikes)


@jax.custom_jvp
def _parts_onto(parts: jax.Array, sums: jax.Array, step: jax.Array, spikes: jax.Array) -> jax.Array:
    del step
    return as_it_is(sums, parts[0, 0], spikes[0])


@_parts_onto.defjvp
def _(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (_, sums, step, spikes), (d_parts, d_sums, _, _) = primals, tangents
    sent = jnp.dot(spikes, d_parts, precision="highest").reshape(sums.shape)
    ahead = d_sums.at[step % len(sums)].set(0)
    return _parts_onto(*primals), ahead + jnp.roll(sent, step + 1, axis=0)


@jax.custom_jvp
def _deliver(synapses: Any, shifts: jax.Array) -> jax.Array:
    return as_it_is(jnp.zeros(synapses.num_post, shifts.dtype), shifts[0])


@_deliver.defjvp
def _(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (synapses, shifts), (_, d_shifts) = primals, tangents
    return _deliver(synapses, shifts), _linear(synapses.deliver, d_shifts)


@jax.custom_jvp
def _deliver_onto(synapses: Any, sums: jax.Array, step: jax.Array, shifts: jax.Array) -> jax.Array:
    del synapses, step
    return as_it_is(sums, shifts[0])


@_deliver_onto.defjvp
def _(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (synapses, sums, step, shifts), (_, d_sums, _, d_shifts) = primals, tangents
    ahead = d_sums.at[step % len(sums)].set(0)

    def of_shifts(shifts: jax.Array) -> jax.Array:
        if isinstance(synapses, Listed):
            return _onto_list(synapses, jnp.zeros_like(sums), step, shifts)
        assert isinstance(synapses, Delayed)
        return synapses.deliver_onto(jnp.zeros_like(sums), step, shifts, event_driven=False)

    return _deliver_onto(synapses, sums, step, shifts), ahead + _linear(of_shifts, d_shifts)


def _linear(function: Any, tangent: jax.Array) -> jax.Array:
    """Apply a linear function by its derivative, which can be transposed."""
    return jax.jvp(function, (jnp.zeros_like(tangent),), (tangent,))[1]


def _onto_list(synapses: Listed, sums: jax.Array, step: jax.Array, shifts: jax.Array) -> jax.Array:
    """Add what shifts [pre] send through a list of synapses to sums [D, post]."""
    each = synapses.synapses()
    depth, size = sums.shape
    sent = jnp.repeat(shifts, jnp.diff(each.starts), total_repeat_length=len(each.slots))
    rows = (step + 1 + each.slots // size) % depth
    exists = (each.slots >= 0) & (each.slots < depth * size)
    rows = jnp.where(exists, rows, depth)
    return sums.at[rows, each.slots % size].add(sent * each.weights, mode="drop")
