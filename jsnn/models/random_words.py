"""Random bits of the threefry generator: those of `jax.random`, made in less time on a CPU."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def random_words(
    key: jax.Array, size: int, block: jax.Array | int = 0
) -> tuple[jax.Array, jax.Array]:
    """Draw two independent words for each neuron.

    The words of neuron i depend on the key, `block` and i alone. `jax.random.bits` draws from those
    of block 0. It runs the rounds of threefry in a loop, from memory to memory; here they are
    written out, so that they stay in registers. The generator is that of Salmon et al. 2011,
    "Parallel random numbers: as easy as 1, 2, 3", with 20 rounds.

    Args:
      key: a typed PRNG key.
      size: number of neurons N.
      block: integer >= 0 that tells apart the words that are drawn with one key.

    Returns:
      Two arrays of uint32 [N].
    """
    if not _is_threefry(key):
        first, second = jax.random.bits(jax.random.fold_in(key, block), (2, size), jnp.uint32)
        return first, second
    key_0, key_1 = jax.random.key_data(key)
    keys = (key_0, key_1, key_0 ^ key_1 ^ _PARITY)
    a = jnp.full(size, block, jnp.uint32) + key_0
    b = jnp.arange(size, dtype=jnp.uint32) + key_1
    for i in range(5):
        for rotation in _ROTATIONS[i % 2]:
            a = a + b
            b = a ^ (b << np.uint32(rotation) | b >> np.uint32(32 - rotation))
        a = a + keys[(i + 1) % 3]
        b = b + keys[(i + 2) % 3] + np.uint32(i + 1)
    return a, b


def uniform(key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """Draw uniform numbers in [0, 1), those of `jax.random.uniform`.

    Args:
      key: a typed PRNG key.
      shape: (N,), the number of neurons.
      dtype: of the numbers.
    """
    if not _is_threefry(key) or dtype not in (jnp.float32, jnp.float64):
        return jax.random.uniform(key, shape, dtype)
    first, second = random_words(key, *shape)
    if dtype == jnp.float32:
        return ((first ^ second) >> np.uint32(9)).astype(dtype) * 2.0**-23
    return first.astype(dtype) * 2.0**-32 + (second >> np.uint32(12)).astype(dtype) * 2.0**-52


def _is_threefry(key: jax.Array) -> bool:
    return bool(jax.random.key_impl(key) == "threefry2x32")
