"""Draw of synapses: sizes, a generator from a key, and the weights and delays of drawn pairs."""

from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_flag, float_dtype, positive_int
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.initializers import (
    Initializer,
    as_initializer,
    check_host_key,
    draw_on_host,
    generator,
)

CHUNK = 2**16
"""Number of random numbers that are drawn at a time; the draws depend on it."""

Weight = float | Initializer | np.ndarray[Any, Any] | jax.Array
Delay = Initializer | np.ndarray[Any, Any] | jax.Array | None
Pairs = np.ndarray[Any, Any]
"""Pairs of neurons, int64 [S], ascending: pre * num_post + post of every synapse."""
Indices = np.ndarray[Any, Any]
"""Neurons, int32 [S]."""


class Draw:
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
        check_host_key(key, f"{what}, key", "synapses", " (jsnn.Procedural takes a traced key)")
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
        return generator(jax.random.fold_in(self.key, 0))

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
    on_host = draw_on_host(initializer, generator(key), size, dtype)
    if on_host is not None:
        return on_host
    drawn = np.empty(size, dtype)
    for i, first in enumerate(range(0, size, CHUNK)):
        chunk = np.asarray(_chunk(initializer, jax.random.fold_in(key, i), dtype))
        if chunk.shape != (CHUNK,) or chunk.dtype != dtype:
            raise ValueError(
                f"{what}: given an initializer that draws {chunk.dtype}{list(chunk.shape)} for "
                f"shape ({CHUNK},) and dtype {dtype}; expected what it is asked for"
            )
        rest = drawn[first : first + CHUNK]
        rest[:] = chunk[: rest.size]
    return drawn


@partial(jax.jit, static_argnums=(0, 2))
def _chunk(initializer: Initializer, key: jax.Array, dtype: np.dtype[Any]) -> jax.Array:
    return initializer(key, (CHUNK,), dtype)


def _check_size(array: Any, size: int, what: str) -> None:
    if np.shape(array) != (size,):
        raise ValueError(
            f"{what}: given an array of shape {np.shape(array)}; expected ({size},), one number "
            "for each synapse that was drawn"
        )
