"""Products of spikes and dense weights, summed over the presynaptic neurons in their order.

Floating-point addition is not associative, and XLA's CPU backend chooses the order in which it sums
a matrix product by the product's shape and the processor: a batch of 2 rows is summed in another
order than one row or 64, a matrix of 100 columns in another order than one of 112, and 64 rows in
another order on another processor. A membrane potential that lands exactly on its threshold would
then spike or not according to how many other images happen to be in the batch. Here every shape
takes a path that sums like a sequential loop over the presynaptic neurons, which is also the order
in which GeNN adds weights to its input current; above a fan-in of 2,048 it sums blocks in that
order and then adds the blocks. On the CPU that path multiplies one row at a time.

On the CPU the kernels of `jsnn._kernels.native` can make the same sums. They visit only the neurons
that spiked: in a step (`event_driven`), in all steps of a run at once (jsnn/_kernels/over_time.py),
or adding what several steps share only once (`product_of_trains`).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._kernels import native
from jsnn._kernels.derivatives import without_derivative

_BLOCK = 2048
"""Longest fan-in that is summed in one go; longer ones are summed block by block."""

_COLUMNS = 16
"""Number of columns that XLA's CPU backend multiplies with a row in order; multiples work too."""

_PRODUCTS_ARE_IN_ORDER = jax.__version_info__ >= (0, 10)
"""Older XLA multiplies a row in another order where it knows how the weights were made."""

_UNROLLED = 16
"""Additions in one turn of the loop that takes the place of a product there."""


def ordered_product(
    spikes: jax.Array, weights: jax.Array, precision: str, *, event_driven: bool = False
) -> jax.Array:
    """Turn spikes [pre] into sums [post], spikes @ weights.

    Differentiable, and no `vmap` changes a bit on the CPU.

    Args:
      spikes: 0 or 1, [pre].
      weights: [pre, post].
      precision: of the product on an accelerator.
      event_driven: take the kernel that does no work for silent neurons, if it is available.
    """
    return _product(precision, event_driven and native.available(), spikes, weights)


def product_of_trains(trains: jax.Array, index: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the sums of all steps, [T, R, post], for neurons that share few spike trains.

    This needs a CPU with `jsnn._kernels.native`.

    Args:
      trains: bool [T, U].
      index: int32 [R, pre]; neuron i of row r has the spike train index[r, i].
      weights: [pre, post].
    """
    return sum_of_blocks(
        lambda rows: native.train_product(trains, index[:, rows], weights[rows]), len(weights)
    )


def sum_of_blocks(product: Callable[[slice], jax.Array], fan_in: int) -> jax.Array:
    """Return the sum of a product over blocks of presynaptic neurons."""
    blocks = [product(slice(i, i + _BLOCK)) for i in range(0, fan_in, _BLOCK)]
    return sum(blocks[1:], blocks[0])


def _dot(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.dot(spikes, weights, precision=precision)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _product(precision: str, native_cpu: bool, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    spikes, weights = without_derivative(spikes), without_derivative(weights)
    return _product_of_rows(precision, native_cpu)(spikes[None], weights)[0]


@_product.defjvp
def _product_jvp(
    precision: str,
    native_cpu: bool,
    primals: tuple[jax.Array, jax.Array],
    tangents: tuple[jax.Array, jax.Array],
) -> tuple[jax.Array, jax.Array]:
    (spikes, weights), (d_spikes, d_weights) = primals, tangents
    tangent = _dot(precision, d_spikes, weights) + _dot(precision, spikes, d_weights)
    return _product(precision, native_cpu, spikes, weights), tangent


@lru_cache
def _product_of_rows(precision: str, native_cpu: bool) -> Any:
    """Return a function that turns spikes [rows, pre] into sums [rows, post].

    Under every `vmap` the function is called once, with more rows.
    """

    @jax.custom_batching.custom_vmap
    def product(spikes: jax.Array, weights: jax.Array) -> jax.Array:
        whole = partial(_block_by_block, precision)
        if not native_cpu:
            return whole(spikes, weights)
        return jax.lax.platform_dependent(
            spikes, weights, cpu=partial(native.event_product, block=_BLOCK), default=whole
        )

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


def delayed(spikes: jax.Array, delay: int) -> jax.Array:
    """Return spikes, [T, ...], `delay` steps later; there are none in the first steps."""
    late = jnp.zeros((min(delay, len(spikes)), *spikes.shape[1:]), spikes.dtype)
    return jnp.concatenate([late, spikes])[: len(spikes)]


def _block_by_block(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    """Turn spikes [rows, pre] into sums [rows, post]."""
    return sum_of_blocks(
        lambda rows: in_order(precision, spikes[:, rows], weights[rows]), len(weights)
    )


def in_order(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    """Turn spikes [rows, pre] into sums [rows, post], adding in neuron order on the CPU."""
    columns = weights.shape[1]
    weights = jnp.pad(weights, ((0, 0), (0, -columns % _COLUMNS)))
    by_row, whole = partial(_row_by_row, precision), partial(_dot, precision)
    on_cpu = by_row if _PRODUCTS_ARE_IN_ORDER else _neuron_by_neuron
    sums = jax.lax.platform_dependent(spikes, weights, cpu=on_cpu, default=whole)
    return sums[:, :columns]


def _row_by_row(precision: str, spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return jax.lax.map(lambda row: _dot(precision, row, weights), spikes)


def _neuron_by_neuron(spikes: jax.Array, weights: jax.Array) -> jax.Array:
    """[rows, pre] @ [pre, post], one presynaptic neuron after the other."""

    def add(sums: jax.Array, neuron: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        spike, row = neuron
        return sums + jnp.outer(spike, row), None

    silence = jnp.zeros((len(spikes), weights.shape[1]), weights.dtype)
    return jax.lax.scan(add, silence, (spikes.T, weights), unroll=_UNROLLED)[0]
