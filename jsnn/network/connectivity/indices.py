"""Indices of sparse connectivity: checked, sorted by presynaptic neuron, and checked again."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn._checks import host_array, is_concrete
from jsnn._kernels.visits import SynapsesOf

MOST_SYNAPSES = 2**31 - 2**7
"""Most synapses, and most slots, which int32 numbers; the kernels need some room above them."""


def check_number(number: int, what: str) -> None:
    """Raise ValueError if there are more synapses than int32 can number."""
    if number > MOST_SYNAPSES:
        raise ValueError(
            f"{what}: given {number} synapses; expected at most {MOST_SYNAPSES}, as int32 numbers "
            "them (divide them among several projections)"
        )


def sorted_synapses(
    pre: Any, post: Any, delays: Any, sizes: tuple[int, int, int], *, is_sorted: bool = False
) -> dict[str, Any]:
    """Return `order`, `starts` and `slots` of synapses; traced ones count as not sorted.

    Args:
      pre: integers [S].
      post: integers [S].
      delays: integers [S] or None.
      sizes: num_pre, num_post and max_delay.
      is_sorted: True if `pre` is known to ascend.
    """
    given = [each for each in (pre, post, delays) if each is not None]
    numpy: Any = np if all(map(is_concrete, given)) else jnp  # the host sorts without compiling
    if is_sorted or (numpy is np and np.all(np.diff(np.asarray(pre)) >= 0)):
        order = None
    else:
        order = numpy.argsort(numpy.asarray(pre), stable=True).astype(np.int32)
        pre, post = numpy.asarray(pre)[order], numpy.asarray(post)[order]
        delays = None if delays is None else numpy.asarray(delays)[order]
    slots = None
    if order is not None or delays is not None:
        slots = reached(_slots(post, delays, sizes[1]), pre, post, delays, sizes)
    return as_arrays(order=order, starts=_starts(numpy, pre, sizes[0]), slots=slots)


def by_post(pre: Any, post: Any, sizes: tuple[int, int, int]) -> SynapsesOf:
    """Return an index of the synapses of each postsynaptic neuron; see `sorted_synapses`."""
    numpy: Any = np if is_concrete(pre) and is_concrete(post) else jnp
    order = numpy.argsort(numpy.asarray(post), stable=True).astype(np.int32)
    starts = _starts(numpy, numpy.asarray(post)[order], sizes[1])
    arrays = as_arrays(starts=starts, order=order, others=numpy.asarray(pre)[order])
    return synapses_of(**arrays, num_others=sizes[0])


def synapses_of(starts: Any, order: Any, others: Any, num_others: int) -> SynapsesOf:
    """Return an index of synapses; half of all are the most to visit in rounds."""
    num = len(others)
    return SynapsesOf(starts, order, others, num, num_others, (0, 0), most=num // 2)


def _starts(numpy: Any, pre: Any, num_pre: int) -> Any:
    """Return the first synapse of each neuron, and S; `pre` ascends."""
    neurons = np.arange(num_pre + 1, dtype=np.int32)
    return numpy.searchsorted(numpy.asarray(pre), neurons).astype(np.int32)


def _slots(post: Any, delays: Any, num_post: int) -> Any:
    return post if delays is None else (delays - 1) * num_post + post


def reached(slots: Any, pre: Any, post: Any, delays: Any, sizes: tuple[int, int, int]) -> Any:
    """Return the slots, one that does not exist where a traced index is outside its range."""
    num_pre, num_post, max_delay = sizes
    given = [(pre, num_pre), (post, num_post), (delays, max_delay + 1)]
    given = [(values, end) for values, end in given if values is not None]
    if all(is_concrete(values) for values, _ in given):
        return slots
    inside = [values < end for values, end in given]
    return jnp.where(jnp.all(jnp.stack(inside), axis=0), slots, max(max_delay, 1) * num_post)


def belong(
    pre: Any,
    post: Any,
    starts: Any,
    sizes: tuple[int, int, int],
    delays: Any = None,
    order: Any = None,
    slots: Any = None,
) -> bool:
    """Return True if `order`, `starts` and `slots` are those of synapses that are in range."""
    if order is not None:
        pre, post = pre[order], post[order]
        delays = None if delays is None else delays[order]
    jumps = np.diff(pre)
    return bool(
        np.all(jumps >= 0)
        and (order is None or np.all((jumps > 0) | (np.diff(order) > 0)))
        and np.array_equal(starts, _starts(np, pre, sizes[0]))
        and (slots is None or np.array_equal(slots, _slots(post, delays, sizes[1])))
    )


def as_arrays(**fields: Any) -> dict[str, Any]:
    """Return fields as JAX arrays, with None for what there is not."""
    return {name: x if x is None else jnp.asarray(x) for name, x in fields.items()}


def integers(given: Any, shape: tuple[int, ...], name: str, low: int, high: int) -> Any:
    """Return an index or a delay for each synapse as int32; traced ones outside become high + 1.

    Raises:
      TypeError: if the numbers are not integers.
      ValueError: if there is not one for each synapse, or one is outside `low` to `high`.
    """
    what = f"Sparse, {name}"
    given = host_array(given, what) if is_concrete(given) else given
    if np.shape(given) != shape:
        raise ValueError(
            f"{what}: given shape {np.shape(given)}; expected {shape}, one for each weight"
        )
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError(f"{what}: given {given.dtype}; expected integers")
    if not is_concrete(given):
        wide = given if given.dtype.itemsize > 4 else given.astype(np.int32)
        inside = (low <= wide) & (wide <= high)
        return jnp.where(inside, wide, high + 1).astype(np.int32)
    outside = np.flatnonzero((given < low) | (given > high))
    if outside.size:
        raise ValueError(
            f"{what}: given {given[outside[0]]} for synapse {outside[0]}; expected {low} to {high}"
        )
    return given.astype(np.int32)


def check_once(pre: Any, post: Any, num_post: int) -> None:
    """Raise ValueError if two synapses join the same pair; traced indices are not checked."""
    if not (is_concrete(pre) and is_concrete(post)):
        return
    pre, post = np.asarray(pre), np.asarray(post)
    pairs, first, count = np.unique(
        pre.astype(np.int64) * num_post + post, return_index=True, return_counts=True
    )
    if len(pairs) < len(pre):
        twice = first[count > 1].min()
        raise ValueError(
            f"Sparse, multapses: given {len(pre) - len(pairs)} synapses between pairs that are "
            f"joined already, such as {pre[twice]} to {post[twice]}; expected each pair once"
        )
