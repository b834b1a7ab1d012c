"""Builders of sparse connectivity: random ones, and one for SciPy's matrices.

The random builders draw with NumPy, with a seed made from a key; the same key makes the same
synapses. `weight` is a number, an initializer or an array [S], in nA, and `delay` and `axonal` are
None, an initializer or an integer array [S], in steps >= 1 and >= 0. Arrays [S] follow the synapses
sorted by presynaptic, then by postsynaptic neuron; `fixed_total` with replacement sorts by
presynaptic neuron alone. With axonal parts, the result is sorted by these first, the longest first.
"""

from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from jsnn._checks import (
    check_flag,
    check_key,
    float_dtype,
    is_concrete,
    positive_int,
    probability,
)
from jsnn.network.connectivity.indices import check_number
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.initializers import Initializer, as_initializer, draw_on_host

_CHUNK = 2**16
"""Number of random numbers that are drawn at a time; the draws depend on it."""

Weight = float | Initializer | np.ndarray[Any, Any] | jax.Array
Delay = Initializer | np.ndarray[Any, Any] | jax.Array | None
Pairs = np.ndarray[Any, Any]
"""Pairs of neurons, int64 [S], ascending: pre * num_post + post of every synapse."""
Indices = np.ndarray[Any, Any]
"""Neurons, int32 [S]."""


def fixed_probability(
    key: jax.Array,
    num_pre: int,
    num_post: int,
    p: float,
    weight: Weight,
    *,
    autapses: bool = True,
    delay: Delay = None,
    axonal: Delay = None,
    dtype: Any = np.float32,
) -> Sparse:
    """Join every pair of neurons with probability `p`, independently of all others.

    Args:
      key: from `jax.random.key(seed)`.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
      p: the probability, in [0, 1].
      weight: the weight of each synapse, in nA: a number, an initializer or an array [S].
      autapses: allow a synapse from neuron i to neuron i. False is for a population that projects
        onto itself: num_pre == num_post.
      delay: the delay of each synapse, in steps: None, an initializer (rounded to whole steps) or
        an integer array [S].
      axonal: the part of each delay that lies before the synapse, in steps: None, an initializer
        (rounded to whole steps) or an integer array [S].
      dtype: the dtype of the weights, float32 or float64.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if an argument is out of range, or an array has another size than S.
    """
    draw = _Draw("fixed_probability", key, num_pre, num_post, dtype, autapses)
    p = probability(p, "fixed_probability, p")
    check_number(round(p * draw.num_pre * draw.num_targets), "fixed_probability, p")
    ranks = _each_with_probability(draw.rng, draw.num_pre * draw.num_targets, p)
    return draw.synapses(*draw.divided(draw.pairs_at(ranks)), weight, delay, axonal)


def fixed_in_degree(
    key: jax.Array,
    num_pre: int,
    num_post: int,
    degree: int,
    weight: Weight,
    *,
    replace: bool = False,
    autapses: bool = True,
    delay: Delay = None,
    axonal: Delay = None,
    dtype: Any = np.float32,
) -> Sparse:
    """Join every postsynaptic neuron with `degree` presynaptic neurons, each set equally likely.

    Args:
      key: from `jax.random.key(seed)`.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
      degree: the number of synapses of each postsynaptic neuron.
      weight: the weight of each synapse, in nA: a number, an initializer or an array [S].
      replace: draw with replacement, so that two neurons may be joined more than once.
      autapses: allow a synapse from neuron i to neuron i.
      delay: the delay of each synapse, in steps: None, an initializer (rounded to whole steps) or
        an integer array [S].
      axonal: the part of each delay that lies before the synapse, in steps: None, an initializer
        (rounded to whole steps) or an integer array [S].
      dtype: the dtype of the weights, float32 or float64.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if the degree exceeds the number of presynaptic neurons without replacement, or
        another argument is out of range.
    """
    draw = _Draw("fixed_in_degree", key, num_pre, num_post, dtype, autapses)
    num_sources = draw.num_pre - (not autapses)
    degree = draw.count("degree", degree, num_sources, "presynaptic neurons", replace)
    check_number(degree * draw.num_post, "fixed_in_degree, degree")
    pairs = _in_every_row(draw.rng, draw.num_post, num_sources, degree, replace)  # pre
    post = np.arange(draw.num_post)[:, None]
    if not autapses:
        pairs += pairs >= post
    pairs *= draw.num_post
    pairs += post
    return draw.synapses(*draw.divided(np.sort(pairs, axis=None)), weight, delay, axonal)


def fixed_out_degree(
    key: jax.Array,
    num_pre: int,
    num_post: int,
    degree: int,
    weight: Weight,
    *,
    replace: bool = False,
    autapses: bool = True,
    delay: Delay = None,
    axonal: Delay = None,
    dtype: Any = np.float32,
) -> Sparse:
    """Join every presynaptic neuron with `degree` postsynaptic neurons, each set equally likely.

    Args:
      key: from `jax.random.key(seed)`.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
      degree: the number of synapses of each presynaptic neuron.
      weight: the weight of each synapse, in nA: a number, an initializer or an array [S].
      replace: draw with replacement, so that two neurons may be joined more than once.
      autapses: allow a synapse from neuron i to neuron i.
      delay: the delay of each synapse, in steps: None, an initializer (rounded to whole steps) or
        an integer array [S].
      axonal: the part of each delay that lies before the synapse, in steps: None, an initializer
        (rounded to whole steps) or an integer array [S].
      dtype: the dtype of the weights, float32 or float64.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if the degree exceeds the number of postsynaptic neurons without replacement, or
        another argument is out of range.
    """
    draw = _Draw("fixed_out_degree", key, num_pre, num_post, dtype, autapses)
    degree = draw.count("degree", degree, draw.num_targets, "postsynaptic neurons", replace)
    check_number(degree * draw.num_pre, "fixed_out_degree, degree")
    ranks = _in_every_row(draw.rng, draw.num_pre, draw.num_targets, degree, replace)
    ranks += draw.num_targets * np.arange(draw.num_pre)[:, None]
    return draw.synapses(*draw.divided(draw.pairs_at(ranks.ravel())), weight, delay, axonal)


def fixed_total(
    key: jax.Array,
    num_pre: int,
    num_post: int,
    total: int,
    weight: Weight,
    *,
    replace: bool = False,
    autapses: bool = True,
    delay: Delay = None,
    axonal: Delay = None,
    dtype: Any = np.float32,
) -> Sparse:
    """Draw `total` synapses between pairs of neurons, all pairs equally likely.

    With replacement, large totals are drawn fastest: there is no sort, and the synapses of a
    presynaptic neuron stand in the order in which they are drawn.

    Args:
      key: from `jax.random.key(seed)`.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
      total: the number of synapses.
      weight: the weight of each synapse, in nA: a number, an initializer or an array [S].
      replace: draw with replacement, so that two neurons may be joined more than once.
      autapses: allow a synapse from neuron i to neuron i.
      delay: the delay of each synapse, in steps: None, an initializer (rounded to whole steps) or
        an integer array [S].
      axonal: the part of each delay that lies before the synapse, in steps: None, an initializer
        (rounded to whole steps) or an integer array [S].
      dtype: the dtype of the weights, float32 or float64.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if the total exceeds the number of pairs without replacement, or another argument
        is out of range.
    """
    draw = _Draw("fixed_total", key, num_pre, num_post, dtype, autapses)
    num_pairs = draw.num_pre * draw.num_targets
    total = draw.count("total", total, num_pairs, "pairs of neurons", replace)
    check_number(total, "fixed_total, total")
    if replace:
        return draw.synapses(*draw.independent_pairs(total), weight, delay, axonal)
    ranks = _in_every_row(draw.rng, 1, num_pairs, total, replace=False)
    return draw.synapses(*draw.divided(draw.pairs_at(ranks[0])), weight, delay, axonal)


def from_scipy(matrix: Any) -> Sparse:
    """Make synapses of a SciPy sparse matrix or array of weights [pre, post], in nA.

    Every stored number is a synapse, a stored zero too. Numbers that are stored twice for a pair
    are added up to one, as SciPy does. The dtype is that of the matrix: float32 or float64.

    Raises:
      TypeError: if the argument is not a SciPy sparse matrix with two axes.
    """
    if not hasattr(matrix, "tocsr") or matrix.ndim != 2:
        raise TypeError(
            f"from_scipy: given {type(matrix).__name__}; expected a SciPy sparse matrix [pre, post]"
        )
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    num_pre, num_post = (int(size) for size in rows.shape)
    pre = np.repeat(np.arange(num_pre, dtype=np.int32), np.diff(rows.indptr))
    return Sparse(pre, rows.indices.astype(np.int32), rows.data, num_pre, num_post)


class _Draw:
    """The common part of random builders: sizes, a generator, and pairs turned into synapses.

    Attributes:
      num_targets: the number of postsynaptic neurons that each presynaptic neuron may reach.
    """

    def __init__(
        self,
        what: str,
        key: jax.Array,
        num_pre: int,
        num_post: int,
        dtype: Any,
        autapses: bool,
    ) -> None:
        check_key(key, f"{what}, key")
        if not is_concrete(key):
            raise TypeError(
                f"{what}, key: given a traced key; expected a concrete one, since synapses are "
                "drawn on the host (jsnn.Procedural takes a traced key)"
            )
        self.what, self.key = what, key
        self.num_pre = positive_int(num_pre, f"{what}, num_pre")
        self.num_post = positive_int(num_post, f"{what}, num_post")
        self.dtype = float_dtype(dtype, f"{what}, dtype")
        check_flag(autapses, f"{what}, autapses")
        if not autapses and self.num_pre != self.num_post:
            raise ValueError(
                f"{what}, autapses: given False for {num_pre} presynaptic and {num_post} "
                "postsynaptic neurons; expected equal numbers, those of one population"
            )
        self.autapses = autapses
        self.num_targets = self.num_post - (not autapses)

    def pairs_at(self, ranks: Pairs) -> Pairs:
        """Return the pairs of these ranks among all pairs that may be joined, ascending."""
        if self.autapses:
            return ranks
        # Neuron i reaches 0, ..., i - 1, i + 1, ...: every neuron before i leaves out one pair,
        # and neuron i leaves out its own from rank i on.
        pre, rank = np.divmod(ranks, max(self.num_targets, 1))
        return ranks + pre + (rank >= pre)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Generator with a seed from the key."""
        return _generator(jax.random.fold_in(self.key, 0))

    def count(self, name: str, value: Any, most: int, of: str, replace: bool) -> int:
        """Return `value` as a number of synapses, at most `most` without replacement."""
        count = positive_int(value, f"{self.what}, {name}", least=0)
        check_flag(replace, f"{self.what}, replace")
        if count and not most:
            raise ValueError(
                f"{self.what}, {name}: given {count}; expected 0, as there are no {of} to draw from"
            )
        if not replace and count > most:
            raise ValueError(
                f"{self.what}, {name}: given {count} without replacement; expected at most {most}, "
                f"as many {of} as there are (replace=True draws some more than once)"
            )
        return count

    def divided(self, pairs: Pairs) -> tuple[Indices, Indices]:
        """Return the presynaptic and the postsynaptic neurons of pairs."""
        pre, post = (
            divide(pairs, self.num_post, out=np.empty(pairs.size, np.int32), casting="unsafe")
            for divide in (np.floor_divide, np.remainder)
        )
        return pre, post

    def independent_pairs(self, total: int) -> tuple[Indices, Indices]:
        """Draw `total` pairs independently; return their neurons, sorted by presynaptic neuron.

        The numbers of pairs of the presynaptic neurons are multinomial and the targets uniform:
        they are distributed like pairs that are drawn one by one and then sorted.
        """
        degrees = self.rng.multinomial(total, np.full(self.num_pre, 1 / self.num_pre))
        pre = np.repeat(np.arange(self.num_pre, dtype=np.int32), degrees)
        post = self.rng.integers(max(self.num_targets, 1), size=total, dtype=np.int32)
        if not self.autapses:
            post += post >= pre
        return pre, post

    def synapses(
        self, pre: Indices, post: Indices, weight: Weight, delay: Delay, axonal: Delay
    ) -> Sparse:
        """Return the synapses of these pairs, with weights and delays as a user gives them."""
        for_weights, for_delays, for_axonal = (jax.random.fold_in(self.key, i) for i in (1, 2, 3))
        weights = _weights(for_weights, weight, pre.size, self.dtype, f"{self.what}, weight")
        delays = _steps(for_delays, delay, pre.size, 1, f"{self.what}, delay")
        parts = _steps(for_axonal, axonal, pre.size, 0, f"{self.what}, axonal")
        sizes = (self.num_pre, self.num_post)
        sparse = Sparse(pre, post, weights, *sizes, delays, axonal=parts)
        return sparse if parts is None else sparse.sorted_by_source()


def _generator(key: jax.Array) -> np.random.Generator:
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())


def _each_with_probability(rng: np.random.Generator, size: int, p: float) -> Pairs:
    """Draw each of range(size) independently with probability `p`, jumping from one to the next."""
    chunks, last = [np.empty(0, np.int64)], -1
    while p > 0 and last < size - 1:
        jumps = np.minimum(rng.geometric(p, _CHUNK), size)
        chunks.append(last + np.cumsum(jumps))
        last = chunks[-1][-1]
    chosen = np.concatenate(chunks)
    return chosen[: np.searchsorted(chosen, size)]


def _in_every_row(
    rng: np.random.Generator, num_rows: int, num_columns: int, count: int, replace: bool
) -> np.ndarray[Any, Any]:
    """Draw columns in every row, all equally likely, ascending: int64 [num_rows, count]."""
    draw = _with_replacement if replace else _distinct
    columns = np.empty((num_rows, count), np.int64)
    if not count:
        return columns
    at_a_time = max(1, _CHUNK // max(count, 1))
    for first in range(0, num_rows, at_a_time):
        rows = columns[first : first + at_a_time]
        rows[:] = draw(rng, len(rows), num_columns, count)
    return columns


def _with_replacement(
    rng: np.random.Generator, num_rows: int, num_columns: int, count: int
) -> np.ndarray[Any, Any]:
    """Draw columns in every row independently, ascending: [num_rows, count]."""
    return np.sort(rng.integers(num_columns, size=(num_rows, count)), axis=1)


def _distinct(
    rng: np.random.Generator, num_rows: int, num_columns: int, count: int
) -> np.ndarray[Any, Any]:
    """Draw distinct columns in every row, all sets equally likely, ascending: [num_rows, count].

    A column that is drawn twice is drawn again, until all differ. If more than half of the columns
    are wanted, the others are drawn and left out.
    """
    if 2 * count > num_columns:
        kept = np.ones((num_rows, num_columns), bool)
        dropped = _distinct(rng, num_rows, num_columns, num_columns - count)
        np.put_along_axis(kept, dropped, False, axis=1)
        return np.nonzero(kept)[1].reshape(num_rows, count)
    columns = rng.integers(num_columns, size=(num_rows, count))
    while True:
        columns.sort(axis=1)
        again = np.nonzero(columns[:, 1:] == columns[:, :-1])
        if not again[0].size:
            return columns
        columns[again] = rng.integers(num_columns, size=again[0].size)


def _weights(
    key: jax.Array, given: Weight, size: int, dtype: np.dtype[Any], what: str
) -> np.ndarray[Any, Any] | jax.Array:
    if np.ndim(given) == 0:  # type: ignore[arg-type]
        return _numbers(key, as_initializer(given, what), size, dtype, what)
    array: Any = given if hasattr(given, "dtype") else np.asarray(given, dtype)
    if array.dtype != dtype:
        raise TypeError(f"{what}: given an array of {array.dtype}; expected {dtype}, the `dtype`")
    _check_size(array, size, what)
    return array


def _steps(
    key: jax.Array, given: Delay, size: int, least: int, what: str
) -> np.ndarray[Any, Any] | jax.Array | None:
    if given is None:
        return None
    if callable(given):
        drawn = _numbers(key, given, size, np.dtype(np.float32), what)
        np.rint(drawn, out=drawn)
        if size and drawn.min() < least:
            raise ValueError(
                f"{what}: given an initializer that drew {drawn.min():g} steps; expected >= {least}"
            )
        return drawn.astype(np.int32)
    if not np.ndim(given):
        raise TypeError(
            f"{what}: given {given!r}; expected None, an initializer or an integer array [S] "
            "(one number for all synapses is that of their Projection)"
        )
    _check_size(given, size, what)
    return given


def _numbers(
    key: jax.Array, initializer: Initializer, size: int, dtype: np.dtype[Any], what: str
) -> np.ndarray[Any, Any]:
    """Draw [size] numbers; one of JAX alone is compiled for one shape, for every size."""
    on_host = draw_on_host(initializer, _generator(key), size, dtype)
    if on_host is not None:
        return on_host
    drawn = np.empty(size, dtype)
    for i, first in enumerate(range(0, size, _CHUNK)):
        chunk = np.asarray(_chunk(initializer, jax.random.fold_in(key, i), dtype))
        if chunk.shape != (_CHUNK,) or chunk.dtype != dtype:
            raise ValueError(
                f"{what}: given an initializer that draws {chunk.dtype}{list(chunk.shape)} for "
                f"shape ({_CHUNK},) and dtype {dtype}; expected what it is asked for"
            )
        rest = drawn[first : first + _CHUNK]
        rest[:] = chunk[: rest.size]
    return drawn


@partial(jax.jit, static_argnums=(0, 2))
def _chunk(initializer: Initializer, key: jax.Array, dtype: np.dtype[Any]) -> jax.Array:
    return initializer(key, (_CHUNK,), dtype)


def _check_size(array: Any, size: int, what: str) -> None:
    if np.shape(array) != (size,):
        raise ValueError(
            f"{what}: given an array of shape {np.shape(array)}; expected ({size},), one number "
            "for each synapse that was drawn"
        )
