"""Compaction of flags: the indices that NumPy finds, in order and in a fixed room."""

import jax.numpy as jnp
import numpy as np
import pytest

from jsnn._kernels.compaction import indices_of


@pytest.mark.parametrize("num_flags", [0, 1, 32, 511, 513, 3000])
def test_indices_are_those_of_numpy(num_flags: int) -> None:
    for probability in (0, 0.01, 0.5, 1):
        flags = np.random.default_rng(num_flags).random(num_flags) < probability
        expected = np.flatnonzero(flags)
        for capacity in (7, 3100):
            indices, number = indices_of(jnp.asarray(flags), capacity)
            kept = expected[:capacity]
            np.testing.assert_array_equal(indices[: len(kept)], kept)
            np.testing.assert_array_equal(indices[len(kept) :], -1)
            assert number == len(expected)
            assert indices.dtype == number.dtype == np.int32
