"""Random words: those of JAX's own threefry generator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jsnn.models.random_words import random_words, uniform


@pytest.mark.parametrize("size", [0, 1, 7, 300])
def test_the_words_of_the_first_block_make_the_bits_of_jax(size: int) -> None:
    key = jax.random.key(5)
    first, second = random_words(key, size)
    np.testing.assert_array_equal(first ^ second, jax.random.bits(key, (size,), jnp.uint32))


def test_words_of_other_blocks_are_others() -> None:
    words = np.stack([random_words(jax.random.key(6), 50, block) for block in range(3)])
    assert len(np.unique(words)) == words.size


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_uniform_numbers_are_those_of_jax(dtype: str, impl: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        key = jax.random.key(7, impl=impl)
        numbers = uniform(key, (100,), jnp.dtype(dtype))
        assert numbers.dtype == dtype
        np.testing.assert_array_equal(numbers, jax.random.uniform(key, (100,), dtype))
