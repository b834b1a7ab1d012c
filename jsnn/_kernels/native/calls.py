"""Calls of the C++ kernels on arrays; they need `jsnn._kernels.native.available()`.

Operands that do not fit each other are errors. An index that is outside makes no kernel read or
write outside its arrays; `train_product` and `sparse_product` say what it means.
"""

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


def sparse_product(
    spikes: jax.Array, starts: jax.Array, post: jax.Array, weights: jax.Array, num_post: int
) -> jax.Array:
    """Return the summed weights of the synapses of the neurons that spiked, [R, num_post].

    Synapses starts[i] to starts[i + 1] are those of presynaptic neuron i, as far as there are such
    synapses. Targets outside 0 to num_post - 1 mean what they mean in `sums.at[post].add(weights)`:
    negative ones count from the end, and what is still outside is dropped. An operand that is the
    same for all rows may have one row.

    Args:
      spikes: [R, pre].
      starts: int32 [R, pre + 1].
      post: int32 [R, S].
      weights: [R, S].
      num_post: the number of postsynaptic neurons.
    """
    rows = max(operand.shape[0] for operand in (spikes, starts, post, weights))
    sums = jax.ShapeDtypeStruct((rows, num_post), weights.dtype)
    return jax.ffi.ffi_call("jsnn_sparse_product", sums)(spikes, starts, post, weights)


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
