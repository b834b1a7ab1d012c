"""Random words: those of JAX's own threefry generator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jsnn.models.random_words import random_words


@pytest.mark.parametrize("size", [0, 1, 7, 300])
def test_the_words_of_the_first_block_make_the_bits_of_jax(size: int) -> None:
    key = jax.random.key(5)
    first, second = random_words(key, size)
    np.testing.assert_array_equal(first ^ second, jax.random.bits(key, (size,), jnp.uint32))


def test_words_of_other_blocks_are_others() -> None:
    words = np.stack([random_words(jax.random.key(6), 50, block) for block in range(3)])
    assert len(np.unique(words)) == words.size
