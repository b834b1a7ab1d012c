"""Builders of sparse connectivity: random ones, and one for SciPy's matrices.

The random builders draw with NumPy, with a seed made from a key; the same key makes the same
synapses. `weight` is a number, an initializer or an array [S], in nA, and `delay` and `axonal` are
None, an initializer or an integer array [S], in steps >= 1 and >= 0. Arrays [S] follow the synapses
sorted by presynaptic, then by postsynaptic neuron; `fixed_total` with replacement sorts by
presynaptic neuron alone. With axonal parts, the result is sorted by these first, the longest first.
"""

from typing import Any

import jax
import numpy as np

from jsnn._checks import probability
from jsnn.network.connectivity.draw import CHUNK, Delay, Draw, Pairs, Weight
from jsnn.network.connectivity.indices import check_number
from jsnn.network.connectivity.sparse import Sparse


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
    draw = Draw("fixed_probability", key, num_pre, num_post, dtype, autapses)
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
    draw = Draw("fixed_in_degree", key, num_pre, num_post, dtype, autapses)
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
    draw = Draw("fixed_out_degree", key, num_pre, num_post, dtype, autapses)
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
    draw = Draw("fixed_total", key, num_pre, num_post, dtype, autapses)
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


def _each_with_probability(rng: np.random.Generator, size: int, p: float) -> Pairs:
    """Draw each of range(size) independently with probability `p`, jumping from one to the next."""
    chunks, last = [np.empty(0, np.int64)], -1
    while p > 0 and last < size - 1:
        jumps = np.minimum(rng.geometric(p, CHUNK), size)
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
    at_a_time = max(1, CHUNK // max(count, 1))
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
