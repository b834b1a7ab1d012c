"""Initializers: their distributions, bounds and reproducibility."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats

import jsnn
from jsnn.network import initializers
from tests.networks import F32
from tests.statistics import chi_squared_pvalue

SIZE = 20_000
# name, how it is made, SciPy's distribution
CONTINUOUS: dict[str, tuple[Callable[[], Any], Any]] = {
    "uniform": (lambda: initializers.uniform(-1, 3), scipy.stats.uniform(-1, 4)),
    "normal": (lambda: initializers.normal(0.5, 2), scipy.stats.norm(0.5, 2)),
    "exponential": (lambda: initializers.exponential(0.3), scipy.stats.expon(scale=0.3)),
    "gamma": (lambda: initializers.gamma(2.5, 0.4), scipy.stats.gamma(2.5, scale=0.4)),
    "flat gamma": (lambda: initializers.gamma(0.5, 2), scipy.stats.gamma(0.5, scale=2)),
    "clipped": (
        lambda: initializers.clipped_normal(1, 2, 0, 4),
        scipy.stats.truncnorm(-0.5, 1.5, 1, 2),
    ),
    "clipped on one side": (
        lambda: initializers.clipped_normal(1, 2, 0, np.inf),
        scipy.stats.truncnorm(-0.5, np.inf, 1, 2),
    ),
    "an upper tail": (
        lambda: initializers.clipped_normal(0, 1, 6, np.inf),
        scipy.stats.truncnorm(6, np.inf),
    ),
    "a lower tail": (
        lambda: initializers.clipped_normal(0, 1, -9, -8),
        scipy.stats.truncnorm(-9, -8),
    ),
    "hardly clipped": (lambda: initializers.clipped_normal(0, 1, -50, 50), scipy.stats.norm()),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_numbers_have_the_distribution_that_was_asked_for(name: str) -> None:
    make, distribution = CONTINUOUS[name]
    drawn = make()(jax.random.key(1), (SIZE,), F32)
    assert drawn.dtype == F32
    numbers = np.asarray(drawn).astype(np.float64)
    assert scipy.stats.kstest(numbers, distribution.cdf).pvalue > 0.001
    limit = 4 / np.sqrt(SIZE)
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < limit


@pytest.mark.parametrize("name", CONTINUOUS)
def test_builders_draw_the_same_distribution(name: str) -> None:
    make, distribution = CONTINUOUS[name]
    drawn = jsnn.fixed_total(jax.random.key(2), 40, 50, SIZE, make(), replace=True).weights
    assert drawn.dtype == F32
    numbers = np.asarray(drawn).astype(np.float64)
    assert scipy.stats.kstest(numbers, distribution.cdf).pvalue > 0.001
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 4 / np.sqrt(SIZE)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (12, 0.5), (12, 0.97), (5000, 0.001), (2**24, 0.5)])
def test_binomial_numbers_have_their_distribution(n: int, p: float) -> None:
    drawn = initializers.binomial(n, p)
    of_builder = jsnn.fixed_total(jax.random.key(2), 40, 50, SIZE, drawn, replace=True).weights
    for numbers in (drawn(jax.random.key(1), (SIZE,), F32), of_builder):
        assert numbers.dtype == F32
        counts = np.asarray(numbers).astype(int)
        np.testing.assert_array_equal(counts, numbers)
        expected = scipy.stats.binom(n, p)
        if n < 100:
            assert chi_squared_pvalue(counts, expected) > 0.001
        error = np.sqrt(expected.var() / SIZE)
        assert abs(counts.mean() - expected.mean()) < 4 * error
        fourth = (expected.stats("k") + 2) * expected.var() ** 2  # of (x - mean)^2 about its mean
        assert abs(((counts - n * p) ** 2).mean() - expected.var()) < 4 * np.sqrt(fourth / SIZE)


@pytest.mark.parametrize(("n", "p", "always"), [(7, 0.0, 0), (7, 1.0, 7), (0, 0.5, 0)])
def test_binomial_numbers_without_chance(n: int, p: float, always: int) -> None:
    drawn = initializers.binomial(n, p)(jax.random.key(0), (2, 3))
    np.testing.assert_array_equal(drawn, np.full((2, 3), always))


def test_builders_compile_nothing_for_distributions_that_numpy_draws(compilations: Any) -> None:
    def draw(size: int, mean: float) -> jsnn.Sparse:
        weight = initializers.clipped_normal(mean, 0.1, 0, np.inf)
        given = {"replace": True, "delay": initializers.uniform(1, 9)}
        return jsnn.fixed_total(jax.random.key(2), 40, 50, size, weight, **given)

    draw(30, 1.0)
    with compilations() as names:
        draw(30, 0.9)
    assert names == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_of_builders_are_below_their_upper_bound(dtype: Any) -> None:
    low, high = 1e6, 1e6 + 0.1  # float32 resolves 1/16 here, and rounds to both bounds
    with jax.enable_x64(True):
        drawn = initializers.draw_on_host(
            initializers.uniform(low, high), np.random.default_rng(0), SIZE, np.dtype(dtype)
        )
    assert drawn is not None
    assert drawn.dtype == dtype
    assert drawn.min() >= dtype(low)
    assert drawn.max() < dtype(high)


def test_a_constant_is_constant() -> None:
    np.testing.assert_array_equal(
        initializers.constant(0.3)(jax.random.key(0), (2, 3), F32), np.full((2, 3), F32(0.3))
    )


@pytest.mark.parametrize(
    ("low", "high"), [(0.1, 0.3), (-np.inf, -2), (0.29999999, 0.3), (2, 2.5), (-3, np.inf)]
)
def test_clipped_numbers_stay_within_their_bounds(low: float, high: float) -> None:
    bounded = initializers.clipped_normal(0, 1, low, high)
    of_builder = jsnn.fixed_total(jax.random.key(0), 9, 9, SIZE, bounded, replace=True)
    for drawn in (bounded(jax.random.key(0), (SIZE,), F32), of_builder.weights):
        assert np.isfinite(drawn).all()
        assert F32(low) <= drawn.min() <= drawn.max() <= F32(high)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_key_draws_the_same_numbers_and_another_key_others(name: str) -> None:
    make, _ = CONTINUOUS[name]
    draw = lambda seed: np.asarray(make()(jax.random.key(seed), (SIZE,), F32))  # noqa: E731
    np.testing.assert_array_equal(draw(0), draw(0))
    assert np.mean(draw(0) != draw(1)) > 0.99


@pytest.mark.parametrize("name", CONTINUOUS)
def test_initializers_are_hashable_and_equal_where_they_draw_alike(name: str) -> None:
    make, _ = CONTINUOUS[name]
    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != initializers.constant(1)


def test_initial_values_of_variables_can_be_drawn() -> None:
    v = initializers.uniform(-70, -50)(jax.random.key(0), (30,), F32)
    network = jsnn.Network([jsnn.Population("a", 30, jsnn.LIF, initial={"v": v})])
    np.testing.assert_array_equal(jsnn.init(network).populations["a"]["v"], v)


def test_numbers_of_float64() -> None:
    with jax.enable_x64(True):
        drawn = initializers.clipped_normal(0, 1, 7, 9)(jax.random.key(0), (5000,), np.float64)
    assert drawn.dtype == np.float64
    assert scipy.stats.kstest(drawn, scipy.stats.truncnorm(7, 9).cdf).pvalue > 0.001
