"""Synapses that deliver nothing but the tangents of shifts."""

from typing import Any

import jax
import jax.numpy as jnp

from jsnn._pytree import pytree
from jsnn.network.connectivity import Connectivity, Delayed, Listed
from jsnn.training.exact.tangents import as_it_is, stop


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
