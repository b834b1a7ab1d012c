"""Calls of the C++ kernels on arrays; they need `jsnn._kernels.native.available()`.

Operands that do not fit each other are errors. An index that is outside makes no kernel read or
write outside its arrays; `train_product` and `deliver` say what it means.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

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


def spike_outer(spikes: jax.Array, numbers: jax.Array, delay: int) -> jax.Array:
    """Return the sums of outer products over steps and rows, [pre, post].

    A row of numbers meets the spikes of `delay` steps before; there is work for the spikes alone.

    Args:
      spikes: bool [T, R, pre].
      numbers: [T, R, post].
      delay: steps.
    """
    sums = jax.ShapeDtypeStruct((spikes.shape[2], numbers.shape[2]), numbers.dtype)
    return jax.ffi.ffi_call("jsnn_spike_outer", sums)(spikes, numbers, delay=np.int64(delay))


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
      The rings, and the arrays of sums of the next step, [R, size] each, taken out of the rings.
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


class Visits(NamedTuple):
    """The synapses that a round visits on one side, C of them.

    Attributes:
      row: int32 [C], the row of each synapse; [0] if there is one row.
      which: int32 [C], its number.
      own: int32 [C], the neuron that spiked.
      other: int32 [C], the neuron on the other side.
    """

    row: jax.Array
    which: jax.Array
    own: jax.Array
    other: jax.Array


def visits(
    start: jax.Array,
    sides: Sequence[Sequence[jax.Array]],
    after: Sequence[jax.Array],
    rows: int,
    layouts: Sequence[tuple[int, int, int, int]],
    capacities: Sequence[int],
) -> tuple[jax.Array, list[Visits]]:
    """List the next synapses of the neurons that spiked, first all of the presynaptic ones.

    An operand with an axis of rows may have one row if it is the same for all.

    Args:
      start: int32 [9], zeros or the progress after the round before.
      sides: of the presynaptic neurons, and of the postsynaptic ones, each
        spikes [R, n];
        starts, int32 [R, n + 1]: numbers starts[i] to starts[i + 1] of a list are the synapses of
        neuron i;
        order, int32 [R, S]: the synapses in this list, or [1, 0] if it is in their order;
        others, int32 [R, S]: the neuron on the other side of each synapse of the list.
      after: arrays that have to be computed before this call.
      rows: R.
      layouts: for each side the number of neurons on the other side; (a, b) for a matrix, in which
        i * a + k * b is the synapse from neuron i to neuron k on the other side, without a list, or
        (0, 0); and the most synapses to visit: if there are more at the start, none is listed.
      capacities: the most synapses to list, for each side.

    Returns:
      The progress, int32 [9], of which the last is 0 if these synapses are the last, 1 if there are
      more, and 2 if there are too many; and the synapses of each side.
    """
    sizes = [(c if rows > 1 else 0, c, c, c) for c in capacities]
    results = [jax.ShapeDtypeStruct((size,), np.int32) for size in (9, *sizes[0], *sizes[1])]
    progress, *listed = jax.ffi.ffi_call("jsnn_visits", results)(
        *(start, *sides[0], *sides[1], *after),
        rows=np.int64(rows),
        pre=np.array(layouts[0], np.int64),
        post=np.array(layouts[1], np.int64),
    )
    return progress, [Visits(*listed[:4]), Visits(*listed[4:])]


def put(
    arrays: Sequence[jax.Array],
    values: Sequence[jax.Array],
    progress: jax.Array,
    visits: Visits,
    rows: int,
    side: int,
) -> list[jax.Array]:
    """Write the values of visited synapses into arrays, in place.

    Args:
      arrays: [R, S] each, in any shape.
      values: [C] each, one for each visited synapse.
      progress: int32 [9], that of these visits.
      visits: the synapses of one side.
      rows: R.
      side: 0 or 1.
    """
    operands = (progress, visits.row, visits.which, *values, *arrays)
    return _in_place("jsnn_put", arrays, operands, rows=np.int64(rows), side=np.int64(side))


def overwrite(arrays: Sequence[jax.Array], values: Sequence[jax.Array]) -> list[jax.Array]:
    """Return the values, in the memory of the arrays."""
    return _in_place("jsnn_overwrite", arrays, (*values, *arrays))


def _in_place(
    name: str, arrays: Sequence[jax.Array], operands: Sequence[jax.Array], **attributes: Any
) -> list[jax.Array]:
    """Call a kernel whose results are its last operands, changed."""
    results = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
    first = len(operands) - len(arrays)
    aliases = {first + i: i for i in range(len(arrays))}
    call = jax.ffi.ffi_call(name, results, input_output_aliases=aliases)
    return list(call(*operands, **attributes))
