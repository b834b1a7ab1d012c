"""Poisson numbers: their distribution, and that each depends on its own key, mean and place."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jsnn.models.poisson import _by_inversion, poisson
from tests.statistics import chi_squared_pvalue

MEANS = (0.01, 0.3, 1.6, 4.0, 5.0, 30.0, 64.0, 65.0, 200.0, 1e5)
EACH = 40_000
"""Numbers drawn of each mean."""

draw = jax.jit(poisson)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: Any) -> Any:
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param)


def test_numbers_have_the_distribution_of_their_mean(dtype: Any) -> None:
    means = jnp.repeat(jnp.asarray(MEANS, dtype), EACH)
    drawn = draw(jax.random.key(1), means)
    assert drawn.dtype == dtype
    for mean, numbers in zip(MEANS, np.split(np.asarray(drawn), len(MEANS)), strict=True):
        np.testing.assert_array_equal(numbers, np.round(numbers))
        exact = scipy.stats.poisson(float(dtype.type(mean)))
        assert chi_squared_pvalue(numbers.astype(int), exact) > 0.001, mean


def test_inversion_keeps_the_digits_of_rare_numbers(dtype: Any) -> None:
    """Uniform numbers down to 1e-11 against the quantiles of scipy."""
    uniform = np.logspace(-11, -0.01, 3001)
    high, low = np.divmod(uniform * 2.0**64, 2.0**32)
    words = jnp.asarray(high, jnp.uint32), jnp.asarray(low, jnp.uint32)
    for mean in (0.001, 0.1, 2.3, 4.0):
        exact = scipy.stats.poisson(float(dtype.type(mean)))
        means = jnp.full(uniform.shape, mean, dtype)
        drawn = np.asarray(_by_inversion(words, means, jnp.exp(-means)))
        error = 2e-6 if dtype == jnp.float32 else 1e-9
        assert np.all(drawn >= exact.isf(uniform * (1 + error)))
        assert np.all(drawn <= exact.isf(uniform * (1 - error)))


def test_a_number_depends_on_no_other_neuron_and_on_no_batch() -> None:
    means = np.geomspace(0.01, 3e4, 37).astype(np.float32)
    keys = jax.random.split(jax.random.key(2), 3)
    alone = np.asarray([draw(key, means) for key in keys])
    np.testing.assert_array_equal(jax.jit(jax.vmap(poisson, (0, None)))(keys, means), alone)
    np.testing.assert_array_equal(draw(keys[0], means[:5]), alone[0, :5])
    others = means.copy()
    others[::2] = 50.0
    np.testing.assert_array_equal(draw(keys[0], others)[1::2], alone[0, 1::2])


def test_means_of_any_size_are_taken() -> None:
    large = [1e7, 1e12, 1e20, 1e30, 3.4e38]
    means = np.array([-np.inf, -1.0, 0.0, 1e-40, np.inf, np.nan, *large], np.float32)
    drawn = np.asarray(draw(jax.random.key(3), means), float)
    np.testing.assert_array_equal(drawn[:6], [0, 0, 0, 0, np.inf, np.nan])
    assert np.all(abs(drawn[6:] - large) <= 6 * np.sqrt(large) + 1e-7 * np.array(large))


def test_no_neurons_draw_no_numbers() -> None:
    assert draw(jax.random.key(0), jnp.zeros(0)).shape == (0,)


def test_keys_of_another_generator_are_taken() -> None:
    numbers = draw(jax.random.key(4, impl="rbg"), jnp.full(EACH, 6.0))
    assert chi_squared_pvalue(np.asarray(numbers, int), scipy.stats.poisson(6)) > 0.001
