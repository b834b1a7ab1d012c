"""spikes @ weights, summed over the presynaptic neurons in their order, batched or not.

Floating-point addition is not associative, and XLA's CPU backend chooses the order in which it sums
a matrix product by the product's shape: a batch of 2 to 63 rows is summed in another order than one
row or 64, a matrix of 100 columns in another order than one of 112. A membrane potential that lands
exactly on its threshold would then spike or not according to how many other images happen to be
in the batch. Here every shape takes a path that sums like a sequential loop over the presynaptic
neurons, which is also the order in which GeNN adds weights to its input current; above a fan-in of
2,048 it sums blocks in that order and then adds the blocks.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp

_BLOCK = 2048
"""Longest fan-in that XLA's CPU kernel sums in one go; longer ones are summed block by block."""

_SEQUENTIAL_ROWS = 64
"""Smallest number of rows for which that kernel sums in order."""

_SEQUENTIAL_COLUMNS = 16
"""The number of columns must be a multiple of this for it."""

_ROW_BY_ROW = 20
"""Below this many rows, one vector-matrix product each is faster than padding to 64 rows."""


def ordered_product(spikes: jax.Array, weights: jax.Array, precision: str) -> jax.Array:
    """[pre] @ [pre, post] -> [post]; differentiable, and no `vmap` changes a bit on the CPU."""
    blocks = [
        _product(precision, spikes[i : i + _BLOCK], weights[i : i + _BLOCK])
        for i in range(0, spikes.shape[0], _BLOCK)
    ]
    return sum(blocks[1:], blocks[0])


def _dot(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.dot(spikes, weights, precision=precision)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _product(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return _product_of_rows(precision)(spikes[None], weights)[0]


@_product.defjvp
def _product_jvp(
    precision: str, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (spikes, weights), (d_spikes, d_weights) = primals, tangents
    tangent = _dot(precision, d_spikes, weights) + _dot(precision, spikes, d_weights)
    return _product(precision, spikes, weights), tangent


@lru_cache
def _product_of_rows(precision: str) -> Any:
    """[rows, pre] @ [pre, post], which under every `vmap` becomes the same with more rows."""

    @jax.custom_batching.custom_vmap
    def product(spikes: jax.Array, weights: jax.Array) -> jax.Array:
        return _in_order(precision, spikes, weights)

    @product.def_vmap
    def _(
        size: int, batched: Sequence[bool], spikes: jax.Array, weights: jax.Array
    ) -> tuple[jax.Array, bool]:
        spikes_batched, weights_batched = batched
        if not weights_batched:
            rows = product(spikes.reshape(-1, spikes.shape[-1]), weights)
            return rows.reshape(*spikes.shape[:-1], -1), True
        if not spikes_batched:
            return jax.lax.map(lambda matrix: product(spikes, matrix), weights), True
        return jax.lax.map(lambda both: product(*both), (spikes, weights)), True

    return product


def _in_order(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    rows, columns = spikes.shape[0], weights.shape[1]
    weights = jnp.pad(weights, ((0, 0), (0, -columns % _SEQUENTIAL_COLUMNS)))
    if rows < _ROW_BY_ROW:
        product = jax.lax.map(lambda row: _dot(precision, row, weights), spikes)
    else:
        padding = max(_SEQUENTIAL_ROWS - rows, 0)
        product = _dot(precision, jnp.pad(spikes, ((0, padding), (0, 0))), weights)
    return product[:rows, :columns]
