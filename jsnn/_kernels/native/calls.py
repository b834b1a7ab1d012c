"""Calls of the C++ kernels on arrays; they need `jsnn._kernels.native.available()`.

Operands that do not fit each other are errors. An index that is outside makes no kernel read or
write outside its arrays; `train_product` and `deliver` say what it means.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def event_product(spikes: jax.Array, weights: jax.Array, block: int) -> jax.Array:
    """Turn spikes [R, pre] into sums [R, post], spikes @ weights, with work for the spikes alone.

    Weights are added up in order within every `block` presynaptic neurons, then the blocks' sums.

    Args:
      spikes: 0 or 1, [R, pre].
      weights: [pre, post].
      block: the number of presynaptic neurons in a block.
    """
    sums = jax.ShapeDtypeStruct((spikes.shape[0], weights.shape[1]), weights.dtype)
    return jax.ffi.ffi_call("jsnn_event_product", sums)(spikes, weights, block=np.int64(block))


def product_over_time(spikes: jax.Array, weights: jax.Array, delay: int) -> jax.Array:
    """Turn spikes over time into the sums that arrive in each step, [T, R, post].

    Args:
      spikes: bool [T, R, pre].
      weights: [pre, post].
      delay: steps from a spike to its arrival.
    """
    sums = jax.ShapeDtypeStruct((*spikes.shape[:2], weights.shape[1]), weights.dtype)
    call = jax.ffi.ffi_call("jsnn_product_over_time", sums)
    return call(spikes, weights, delay=np.int64(delay))


def train_product(trains: jax.Array, index: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the sums of all steps, [T, R, post], for neurons that share few spike trains.

    Args:
      trains: bool [T, U].
      index: int32 [R, pre]; neuron i of row r has train index[r, i]. One that is not 0 to U - 1 is
        an error when the program runs.
      weights: [pre, post].
    """
    shape = (trains.shape[0], index.shape[0], weights.shape[1])
    sums = jax.ShapeDtypeStruct(shape, weights.dtype)
    return jax.ffi.ffi_call("jsnn_train_product", sums)(trains, index, weights)


def deliver(*operands: jax.Array, route: Any) -> list[jax.Array]:
    """Put the spikes of a step on their way, of one presentation or of R; fill rings in place.

    Synapses starts[i] to starts[i + 1] are those of presynaptic neuron i, as far as there are such
    synapses. A slot outside its list's rows gets nothing. An operand that is the same for all R
    presentations may lack their axis.

    Args:
      *operands: the number of the step, int32 [R]; spikes, 0 or 1, [R, pre] of each source; starts
        int32 [R, pre + 1], slots int32 [R, S] and weights [R, S] of each list; the rings,
        [R, depth, N] each. Without R for one presentation.
      route: a `jsnn._kernels.delivery.Route`.

    Returns:
      The rings, and the arrays of sums of the next step, [R, size] each.
    """
    num_rings = len(route.rings)
    rings = operands[-num_rings:]
    rows = rings[0].shape[:-2]
    sums = [jax.ShapeDtypeStruct((*rows, size), rings[0].dtype) for size in route.row_sizes]
    first_ring = len(operands) - num_rings
    call = jax.ffi.ffi_call(
        "jsnn_deliver",
        [*(jax.ShapeDtypeStruct(ring.shape, ring.dtype) for ring in rings), *sums],
        input_output_aliases={first_ring + k: k for k in range(num_rings)},
    )
    of_lists = [(x.source, x.first, x.num_pre, x.ring, x.delay, x.rows) for x in route.lists]
    return list(
        call(
            *operands,
            num_sources=np.int64(max(each.source for each in route.lists) + 1),
            lists=np.array(of_lists, np.int64).ravel(),
            rings=np.array(route.rings, np.int64).ravel(),
        )
    )


def settle(*values: jax.Array) -> list[jax.Array]:
    """Return arrays as they are, in their own memory."""
    same = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in values]
    aliases = {k: k for k in range(len(values))}
    return list(jax.ffi.ffi_call("jsnn_settle", same, input_output_aliases=aliases)(*values))


def distinct(values: jax.Array, capacity: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the distinct values of an array, and the place of each value among them.

    Args:
      values: floats of any shape.
      capacity: most values to return.

    Returns:
      table: the distinct values, [capacity]; it ends with zeros.
      count: the number of distinct values, int32 (). If there are more than `capacity`, the count
        is capacity + 1 and the other results have no meaning.
      index: int32, in the shape of `values`, so that table[index] are the values, bit for bit.
    """
    results = (
        jax.ShapeDtypeStruct((capacity,), values.dtype),
        jax.ShapeDtypeStruct((), jnp.int32),
        jax.ShapeDtypeStruct(values.shape, jnp.int32),
    )
    table, count, index = jax.ffi.ffi_call("jsnn_distinct", results)(values)
    return table, count, index
