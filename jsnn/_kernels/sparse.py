"""Spikes through a list of synapses, with no work for the neurons that are silent.

Synapses are sorted by presynaptic neuron: those of neuron i are `starts[i]` to `starts[i + 1]`. All
sums run over them in this order, in every function of this module, so all of them give the same
bits (on the CPU; a GPU adds in an order of its own).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from jsnn._kernels import native
from jsnn._kernels.derivatives import without_derivative

_CHUNK = 512
"""Number of synapses that a round visits, about as many as a few spikes have."""

_T = TypeVar("_T")


class Synapses(NamedTuple):
    """A list of synapses, sorted by presynaptic neuron.

    Attributes:
      pre: the presynaptic neuron of each synapse, int32 [S].
      post: the postsynaptic neuron of each synapse, int32 [S].
      starts: the first synapse of each presynaptic neuron, and S, int32 [num_pre + 1].
    """

    pre: jax.Array
    post: jax.Array
    starts: jax.Array


def sparse_product(
    spikes: jax.Array, weights: jax.Array, synapses: Synapses, num_post: int
) -> jax.Array:
    """Turn spikes [pre], 0 or 1, into the summed weights that reach each neuron, [num_post]."""
    return _scatter(spikes[synapses.pre] * weights, synapses, num_post)


@partial(jax.custom_jvp, nondiff_argnums=(3,))
def event_product(
    spikes: jax.Array, weights: jax.Array, synapses: Synapses, num_post: int
) -> jax.Array:
    """Turn spikes [pre] into the summed weights that reach each neuron, [num_post].

    On the CPU, visit the synapses of the spiking neurons alone. The derivative is that of
    `sparse_product`.
    """

    def on_cpu(spikes: jax.Array, weights: jax.Array, synapses: Synapses) -> jax.Array:
        if native.available():
            operands = (spikes, synapses.starts, synapses.post, weights)
            return _kernel(num_post)(*(operand[None] for operand in operands))[0]

        def add(sums: jax.Array, at: jax.Array, which: jax.Array) -> jax.Array:
            post = jnp.where(at, synapses.post[which], num_post)
            return sums.at[post].add(weights[which], mode="drop")

        silence = jnp.zeros(num_post, weights.dtype)
        return for_each_event(spikes > 0, synapses.starts, len(weights), add, silence)

    def everything(spikes: jax.Array, weights: jax.Array, synapses: Synapses) -> jax.Array:
        return sparse_product(spikes, weights, synapses, num_post)

    spikes, weights = without_derivative(spikes), without_derivative(weights)
    return jax.lax.platform_dependent(spikes, weights, synapses, cpu=on_cpu, default=everything)


@event_product.defjvp
def _event_product_jvp(num_post: int, primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (spikes, weights, synapses), (d_spikes, d_weights, _) = primals, tangents
    each = d_spikes[synapses.pre] * weights + spikes[synapses.pre] * d_weights
    return (
        event_product(spikes, weights, synapses, num_post),
        _scatter(each, synapses, num_post),
    )


def for_each_event(
    spiked: jax.Array,
    starts: jax.Array,
    num_synapses: int,
    visit: Callable[[_T, jax.Array, jax.Array], _T],
    carry: _T,
) -> _T:
    """Visit the synapses of the neurons that spiked, in order, in as many rounds as necessary.

    Not reverse-differentiable.

    Args:
      spiked: bool [pre].
      starts: int32 [pre + 1].
      num_synapses: the most synapses to visit, whatever `starts` holds.
      visit: (carry, valid bool [C], synapse int32 [C]) -> carry, called with the next C synapses,
        of which those count that are `valid`.
      carry: before the first round.
    """
    lengths = jnp.where(spiked, starts[1:] - starts[:-1], 0)
    ends = jnp.cumsum(lengths)
    last = len(spiked) - 1
    number = jnp.minimum(ends[last], num_synapses)

    def round_(now: tuple[jax.Array, _T]) -> tuple[jax.Array, _T]:
        first, carry = now
        event = first + jnp.arange(_CHUNK, dtype=first.dtype)
        neuron = jnp.minimum(jnp.searchsorted(ends, event, side="right"), last)
        synapse = starts[neuron] + event - (ends[neuron] - lengths[neuron])
        return first + _CHUNK, visit(carry, event < number, synapse)

    start = (jnp.zeros((), ends.dtype), carry)
    return jax.lax.while_loop(lambda now: now[0] < number, round_, start)[1]


def _scatter(values: jax.Array, synapses: Synapses, num_post: int) -> jax.Array:
    sums = jnp.zeros(num_post, values.dtype).at[synapses.post].add(values)
    # Without the barrier XLA would add the values one by one to whatever the sums are added to.
    return jax.lax.optimization_barrier(sums)


@lru_cache
def _kernel(num_post: int) -> Any:
    """Return a function of operands with an axis of rows in front.

    The axis has length 1 if an operand is the same for all rows. Under `vmap` the function is
    called once, with more rows.
    """

    @jax.custom_batching.custom_vmap
    def product(
        spikes: jax.Array, starts: jax.Array, post: jax.Array, weights: jax.Array
    ) -> jax.Array:
        return native.sparse_product(spikes, starts, post, weights, num_post)

    @product.def_vmap
    def _(size: int, batched: Sequence[bool], *operands: jax.Array) -> tuple[jax.Array, bool]:
        rows = max(operand.shape[-2] for operand in operands)

        def flat(operand: jax.Array, is_batched: bool) -> jax.Array:
            if not is_batched and operand.shape[0] == 1:
                return operand
            whole = operand if is_batched else operand[None]
            shape = (size, rows, operand.shape[-1])
            return jnp.broadcast_to(whole, shape).reshape(size * rows, shape[-1])

        sums = product(*(flat(*each) for each in zip(operands, batched, strict=True)))
        return jnp.broadcast_to(sums.reshape(-1, rows, num_post), (size, rows, num_post)), True

    return product
