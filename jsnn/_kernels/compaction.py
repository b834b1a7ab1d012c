"""Compaction of flags, most of which are not set, to the indices of those that are."""

from functools import partial

import jax
import jax.numpy as jnp

_FLAGS = 32
"""Flags in a word."""
_WORDS = 16
"""Words in a group."""


@partial(jax.jit, static_argnames="capacity")
def indices_of(flags: jax.Array, capacity: int) -> tuple[jax.Array, jax.Array]:
    """Return the indices of the first flags that are set, and the number of all that are.

    `jnp.nonzero` does a sum and a scatter for each flag. Here one pass packs the flags into words;
    the sums are over groups of words, and only the groups with the flags that were found are
    looked into.

    Args:
      flags: bool [M], with M < 2^31.
      capacity: K, the largest number of indices to return.

    Returns:
      int32 [K], ascending, -1 behind the last index; and the number of flags that are set, int32.
    """
    words = _words(flags)
    in_group = _ones(words).sum(axis=1, dtype=jnp.int32)
    ends = jnp.cumsum(in_group, dtype=jnp.int32)
    number = ends[-1]
    ranks = jnp.arange(capacity, dtype=jnp.int32)
    group = jnp.searchsorted(ends, ranks, side="right").astype(jnp.int32)
    group = jnp.minimum(group, len(ends) - 1)
    rank = ranks - (ends - in_group)[group]

    candidates = words[group]
    ends = jnp.cumsum(_ones(candidates), axis=1, dtype=jnp.int32)
    is_before = ends <= rank[:, None]
    rank = rank - jnp.where(is_before, ends, 0).max(axis=1)
    place = jnp.minimum(is_before.sum(axis=1, dtype=jnp.int32), _WORDS - 1)
    word = jnp.take_along_axis(candidates, place[:, None], axis=1)[:, 0]
    index = (group * _WORDS + place) * _FLAGS + _place_of_one(word, rank)
    return jnp.where(ranks < number, index, -1), number


def _words(flags: jax.Array) -> jax.Array:
    """Return flags as the bits of words, uint32 [groups, words], with zeros behind the last."""
    whole = flags.size // _FLAGS * _FLAGS
    rest = jnp.pad(flags[whole:], (0, whole + _FLAGS - flags.size))
    words = jnp.concatenate([_packed(flags[:whole]), _packed(rest)])
    return jnp.pad(words, (0, -words.size % _WORDS)).reshape(-1, _WORDS)


def _packed(flags: jax.Array) -> jax.Array:
    """Return flag i of each 32 as bit i of a word, by a product that packs four bytes at once."""
    quads = flags.astype(jnp.uint8).reshape(-1, _FLAGS // 4, 4)
    bytes_of_four = jax.lax.bitcast_convert_type(quads, jnp.uint32)
    four_bits = (bytes_of_four * jnp.uint32(0x10204080)) >> jnp.uint32(28)
    shifts = jnp.arange(0, _FLAGS, 4, dtype=jnp.uint32)
    return (four_bits << shifts[None]).sum(axis=1, dtype=jnp.uint32)


def _ones(words: jax.Array) -> jax.Array:
    return jax.lax.population_count(words).astype(jnp.int32)


def _place_of_one(word: jax.Array, rank: jax.Array) -> jax.Array:
    """Return the place of the bit with `rank` set bits below it, found by halves."""
    place = jnp.zeros_like(rank)
    for half in (16, 8, 4, 2, 1):
        below = _ones(word & jnp.uint32((1 << half) - 1))
        is_above = rank >= below
        word = jnp.where(is_above, word >> jnp.uint32(half), word)
        rank = jnp.where(is_above, rank - below, rank)
        place = jnp.where(is_above, place + half, place)
    return place
