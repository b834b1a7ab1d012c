"""Indices of sparse connectivity: checked, sorted by presynaptic neuron, and checked again."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn._checks import host_array, is_concrete
from jsnn._kernels.visits import SynapsesOf
from jsnn.network.steps import DELAYS_IN_MS

MOST_SYNAPSES = 2**31 - 2**7
"""Most synapses, and most slots, which int32 numbers; the kernels need some room above them."""


LONGEST_DELAY = 2**15
"""Longest delay, in steps."""

EMPTY = -1
"""Place in the ring of what does not exist."""


def check_number(number: int, what: str) -> None:
    """Raise ValueError if there are more synapses than int32 can number."""
    if number > MOST_SYNAPSES:
        raise ValueError(
            f"{what}: given {number} synapses; expected at most {MOST_SYNAPSES}, as int32 numbers "
            "them (divide them among several projections)"
        )


def sorted_synapses(
    pre: Any, post: Any, delays: Any, sizes: tuple[int, int, int], exists: Any = None
) -> dict[str, Any]:
    """Return `order`, `starts` and `slots` of synapses; traced ones count as not sorted.

    Args:
      pre: integers [S], the number of sources for what does not exist.
      post: integers [S].
      delays: integers [S] or None.
      sizes: the number of sources, num_post and max_delay.
      exists: bool [S], or None if all exist. With it there is always an `order`.
    """
    given = [each for each in (pre, post, delays, exists) if each is not None]
    numpy: Any = np if all(map(is_concrete, given)) else jnp  # the host sorts without compiling
    is_sorted = numpy is np and np.all(np.asarray(pre)[1:] >= np.asarray(pre)[:-1])
    if exists is None and is_sorted:
        order = None
    else:
        order = numpy.argsort(numpy.asarray(pre), stable=True).astype(np.int32)
        pre, post = numpy.asarray(pre)[order], numpy.asarray(post)[order]
        delays = None if delays is None else numpy.asarray(delays)[order]
    num_pre, num_post, _ = sizes
    neurons = np.arange(num_pre + 1, dtype=np.int32)
    starts = numpy.searchsorted(numpy.asarray(pre), neurons).astype(np.int32)
    slots = post if delays is None else (delays - 1) * np.int32(num_post) + post
    slots = _reached(slots, pre, post, delays, sizes)
    if exists is not None:
        slots = numpy.where(numpy.asarray(exists)[order], slots, np.int32(EMPTY))
    return as_arrays(order=order, starts=starts, slots=slots)


def targets_of(slots: Any, num_post: int, max_delay: int) -> Any:
    """Return the postsynaptic neuron of each slot of the ring, num_post where there is none."""
    numpy: Any = np if is_concrete(slots) else jnp
    inside = (slots >= 0) & (slots < max(max_delay, 1) * num_post)
    return numpy.where(inside, slots % num_post, np.int32(num_post))


def sorted_by_post(pre: Any, post: Any, num_post: int) -> dict[str, Any]:
    """Return `starts`, `order` and `others` of the synapses of each postsynaptic neuron."""
    numpy: Any = np if is_concrete(pre) and is_concrete(post) else jnp
    order = numpy.argsort(post, stable=True).astype(np.int32)
    starts = numpy.searchsorted(post[order], np.arange(num_post + 1, dtype=np.int32))
    return {"starts": starts.astype(np.int32), "order": order, "others": pre[order]}


def synapses_of(starts: Any, order: Any, others: Any, num_others: int, number: int) -> SynapsesOf:
    """Return an index of the synapses of a number of neurons.

    Half of all synapses are the most to visit in rounds.
    """
    num = len(others)
    return SynapsesOf(
        starts, order, others, num, num_others, (0, 0), degree=num // number, most=num // 2
    )


def _reached(slots: Any, pre: Any, post: Any, delays: Any, sizes: tuple[int, int, int]) -> Any:
    """Return the slots, one that does not exist where a traced index is outside its range."""
    num_pre, num_post, max_delay = sizes
    given = [(pre, num_pre), (post, num_post), (delays, max_delay + 1)]
    given = [(values, end) for values, end in given if values is not None]
    if all(is_concrete(values) for values, _ in given):
        return slots
    inside = [values < end for values, end in given]
    return jnp.where(jnp.all(jnp.stack(inside), axis=0), slots, max(max_delay, 1) * num_post)


def pre_of_sorted(starts: Any, number: int) -> Any:
    """Return the presynaptic neuron of each of a number of sorted synapses, int32 [S].

    The rest, after the last neuron's, have the number of neurons.
    """
    num_pre = np.shape(starts)[0] - 1
    if is_concrete(starts):
        pre = np.repeat(np.arange(num_pre, dtype=np.int32), np.diff(np.asarray(starts)))
        return np.append(pre, np.full(number - len(pre), num_pre, np.int32))
    neurons = jnp.arange(num_pre + 1, dtype=jnp.int32)
    lengths = jnp.diff(starts, append=jnp.asarray(number, starts.dtype))
    return jnp.repeat(neurons, lengths, total_repeat_length=number)


def as_given(values: Any, order: Any) -> Any:
    """Return values of the sorted synapses in the order in which the synapses were given."""
    if order is None:
        return values
    if is_concrete(values) and is_concrete(order):
        given = np.empty_like(values)
        given[np.asarray(order)] = values
        return given
    return jnp.zeros_like(values).at[order].set(values)


def on_host(values: Any) -> Any:
    """Return concrete values as a NumPy array, with which nothing is compiled."""
    return np.asarray(values) if is_concrete(values) else values


def fault_of(
    starts: Any,
    slots: Any,
    number: int,
    sizes: tuple[int, int, int],
    num_pre: int,
    order: Any = None,
    *,
    has_capacity: bool = False,
) -> str | None:
    """Return the first thing that is wrong with the indices of synapses, or None.

    With a capacity, those after the last source may be empty.
    """
    num_sources, num_post, max_delay = sizes
    given = {"starts": (starts, num_sources + 1), "slots": (slots, number)}
    if order is not None:
        given["order"] = (order, number)
    for name, (values, size) in given.items():
        if values.shape != (size,):
            return f"Sparse, {name}: given shape {values.shape}; expected ({size},)"
    lengths = np.diff(starts)
    if starts[0] != 0 or np.any(lengths < 0) or starts[-1] > number:
        return f"Sparse, starts: given others than numbers that ascend from 0 to {number}"
    rest = slots[starts[-1] :]
    lost = np.count_nonzero(rest != EMPTY) if has_capacity else len(rest)
    if lost:
        return (
            f"Sparse, pre: given {lost} indices outside 0 to {num_pre - 1} while they were traced; "
            "expected none"
        )
    num_slots = max(max_delay, 1) * num_post
    used = slots[: starts[-1]]
    outside = (used < 0) | (used >= num_slots)
    if outside.any():
        first = np.flatnonzero(outside)[0]
        return (
            f"Sparse, slots: given {slots[first]} for synapse {first} (post or delay were outside "
            f"their range while they were traced, or were changed); expected 0 to {num_slots - 1}"
        )
    if order is not None:
        pre = pre_of_sorted(starts, number)
        ascends = (np.diff(pre) > 0) | (np.diff(order) > 0)
        if np.any(order < 0) or not np.array_equal(np.sort(order), np.arange(number)):
            return f"Sparse, order: given others than the numbers 0 to {number - 1}, each once"
        if not ascends.all():
            return "Sparse, order: given synapses of a neuron in another order than theirs"
    return None


def as_arrays(**fields: Any) -> dict[str, Any]:
    """Return fields as JAX arrays, with None for what there is not."""
    return {name: x if x is None else jnp.asarray(x, x.dtype) for name, x in fields.items()}


def checked_delays(given: Any, shape: tuple[int, ...], num_post: int, what: str) -> tuple[Any, int]:
    """Return a delay for each synapse as int32, and the longest.

    Raises:
      TypeError: if the delays are traced, or are not integers.
      ValueError: if there is not one for each synapse, one is outside 1 to `LONGEST_DELAY`, or
        int32 cannot number the slots.
    """
    if not is_concrete(given):
        raise TypeError(f"{what}, delays: given traced ones; expected numbers, made outside")
    delays = integers(given, shape, "delays", 1, LONGEST_DELAY, what)
    longest = int(np.max(delays, initial=1))
    if longest * num_post > MOST_SYNAPSES:
        raise ValueError(
            f"{what}, delays: given up to {longest} steps for {num_post} postsynaptic neurons; "
            f"expected a product <= {MOST_SYNAPSES}, as int32 numbers the slots"
        )
    return delays, longest


def checked_axonal(given: Any, delays: Any, num_pre: int, what: str) -> tuple[Any, int]:
    """Return an axonal part for each synapse as int32, and the longest.

    Raises:
      TypeError: if the parts are traced, or are not integers.
      ValueError: if there are no delays, there is not one part for each, one is outside 0 to its
        delay - 1, or int32 cannot number the sources.
    """
    if delays is None:
        raise ValueError(
            f"{what}, axonal: given without delays; expected `delays` too, of which they are parts"
        )
    if not is_concrete(given):
        raise TypeError(f"{what}, axonal: given traced ones; expected numbers, made outside")
    axonal = integers(given, delays.shape, "axonal", 0, LONGEST_DELAY - 1, what)
    axonal = below_delays(axonal, delays, what)
    longest = int(np.max(axonal, initial=0))
    if (longest + 1) * num_pre > MOST_SYNAPSES:
        raise ValueError(
            f"{what}, axonal: given up to {longest} steps for {num_pre} presynaptic neurons; "
            f"expected a product <= {MOST_SYNAPSES}, as int32 numbers the sources"
        )
    return axonal, longest


def below_delays(axonal: Any, delays: Any, what: str) -> Any:
    """Return axonal parts below their delays; traced ones that are not become -1.

    Raises:
      ValueError: if one is as long as its delay.
    """
    if not (is_concrete(axonal) and is_concrete(delays)):
        return jnp.where(axonal < delays, axonal, -1)
    outside = np.flatnonzero(np.asarray(axonal) >= np.asarray(delays))
    if outside.size:
        delay = delays.flat[outside[0]]
        raise ValueError(
            f"{what}, axonal: given {axonal.flat[outside[0]]} for synapse {outside[0]}, of a delay "
            f"of {delay}; expected at most {delay - 1}, since the last step lies after the synapse"
        )
    return axonal


def sources_of(pre: Any, axonal: Any, num_pre: int, max_axonal: int | None) -> Any:
    """Return the source of each synapse, int32; num_sources if a traced number is outside."""
    if max_axonal is None:
        return pre
    sources = (max_axonal - axonal) * np.int32(num_pre) + pre
    if is_concrete(sources):
        return sources
    inside = (pre < num_pre) & (axonal >= 0) & (axonal <= max_axonal)
    return jnp.where(inside, sources, (max_axonal + 1) * num_pre)


def integers(
    given: Any,
    shape: tuple[int, ...],
    name: str,
    low: int,
    high: int,
    part: str = "Sparse",
    *,
    counts: Any = None,
) -> Any:
    """Return an index or a delay for each synapse as int32; traced ones outside become high + 1.

    Args:
      given: the numbers.
      shape: that of the weights.
      name: the argument, for messages.
      low: the lowest number.
      high: the highest number.
      part: the connectivity, for messages.
      counts: bool, False where a number does not count, which becomes `low`; or None if all count.

    Raises:
      TypeError: if the numbers are not integers.
      ValueError: if there is not one for each synapse, or one is outside `low` to `high`.
    """
    what = f"{part}, {name}"
    given = host_array(given, what) if is_concrete(given) else given
    if np.shape(given) != shape:
        raise ValueError(
            f"{what}: given shape {np.shape(given)}; expected {shape}, one for each weight"
        )
    if given.dtype.kind not in "iu" and given.size:
        hint = f" ({DELAYS_IN_MS})" if name == "delays" else ""
        raise TypeError(f"{what}: given {given.dtype}; expected integers{hint}")
    if is_concrete(given) and is_concrete(counts):
        outside = (given < low) | (given > high)
        outside = np.flatnonzero(outside if counts is None else outside & np.asarray(counts))
        if outside.size:
            raise ValueError(
                f"{what}: given {given.flat[outside[0]]} for synapse {outside[0]}; expected {low} "
                f"to {high}"
            )
        checked = given.astype(np.int32)
        return checked if counts is None else np.where(counts, checked, np.int32(low))
    wide = given if given.dtype.itemsize > 4 else given.astype(np.int32)
    inside = (low <= wide) & (wide <= high)
    checked = jnp.where(inside, wide, high + 1).astype(np.int32)
    return checked if counts is None else jnp.where(counts, checked, np.int32(low))


def padded(values: Any, more: int, filling: int) -> Any:
    """Return values [S], or None, with more of them at their end."""
    if values is None:
        return None
    numpy: Any = np if is_concrete(values) else jnp
    return numpy.append(values, numpy.full(more, filling, values.dtype))


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
