"""spikes @ weights, summed over the presynaptic neurons in their order, batched or not.

Floating-point addition is not associative, and XLA's CPU backend picks another order of summation
for a batch of 2 to 63 rows than for one row or for 64 and more. A membrane potential that lands
exactly on its threshold would then spike or not according to how many other images happen to be
in the batch. Here every batch size takes a path that sums like a sequential loop over the
presynaptic neurons, which is also the order in which GeNN adds weights to its input current.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

_BLOCK = 2048
"""Longest fan-in that XLA's CPU kernel sums in one go; longer ones are summed block by block."""

_SEQUENTIAL_ROWS = 64
"""Smallest number of rows for which that kernel sums in order."""

_ROW_BY_ROW = 20
"""Below this many rows, one vector-matrix product each is faster than padding to 64 rows."""


def ordered_product(spikes: jax.Array, weights: jax.Array, precision: str) -> jax.Array:
    """[pre] @ [pre, post] -> [post]; differentiable, and `vmap` does not change a bit.

    The last holds on the CPU for `vmap` over spikes, over weights, or over both in one level, and
    for batches of presentations nested in other levels.
    """
    blocks = [
        _product(precision, spikes[i : i + _BLOCK], weights[i : i + _BLOCK])
        for i in range(0, spikes.shape[0], _BLOCK)
    ]
    return sum(blocks[1:], blocks[0])


def _dot(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.dot(spikes, weights, precision=precision)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _product(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return _batchable_product(precision)(spikes, weights)


@_product.defjvp
def _product_jvp(
    precision: str, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (spikes, weights), (d_spikes, d_weights) = primals, tangents
    tangent = _dot(precision, d_spikes, weights) + _dot(precision, spikes, d_weights)
    return _product(precision, spikes, weights), tangent


def _batchable_product(precision: str) -> Any:
    @jax.custom_batching.custom_vmap
    def product(spikes: jax.Array, weights: jax.Array) -> jax.Array:
        return _dot(precision, spikes, weights)

    @product.def_vmap
    def _batched(
        rows: int, batched: tuple[bool, bool], spikes: jax.Array, weights: jax.Array
    ) -> tuple[jax.Array, bool]:
        match batched:
            case (True, False):
                return _rows_product(precision, spikes, weights), True
            case (False, True):  # rows of weights side by side: still one vector-matrix product
                pre = weights.shape[1]
                beside = jnp.moveaxis(weights, 0, 1).reshape(pre, -1)
                return product(spikes, beside).reshape(rows, -1), True
            case _:
                return jax.vmap(partial(_dot, precision))(spikes, weights), True

    return product


def _rows_product(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    """[rows, pre] @ [pre, post] with every row summed in order."""
    rows = spikes.shape[0]
    if rows < _ROW_BY_ROW:
        return jax.lax.map(lambda row: _dot(precision, row, weights), spikes)
    padding = max(_SEQUENTIAL_ROWS - rows, 0)
    return _dot(precision, jnp.pad(spikes, ((0, padding), (0, 0))), weights)[:rows]
