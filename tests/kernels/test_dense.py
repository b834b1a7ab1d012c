"""spikes @ weights equals the sequential float32 sum, whatever batch a presentation is in."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jsnn._kernels.dense import ordered_product
from tests import reference
from tests.networks import F32

BATCH_SIZES = (1, 2, 3, 8, 19, 20, 33, 63, 64, 65, 200)
SHAPES = [(784, 128), (128, 10), (784, 10), (5, 3)]
# Where the CPU's matrix kernel has columns left over, which it sums in another order.
AWKWARD_SHAPES = [(784, 1), (784, 100), (100, 20), (64, 129)]


def product(spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return ordered_product(spikes, weights, "highest")


over_rows = jax.vmap(product, (0, None))


def trial(seed: int, pre: int, post: int, *batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes [*batch, pre] and weights [pre, post] whose sums depend on the order."""
    rng = np.random.default_rng(seed)
    spikes = (rng.random((*batch, pre)) < 0.4).astype(F32)
    return spikes, (rng.normal(size=(pre, post)) * 10.0 ** rng.integers(-3, 3, (pre, 1))).astype(
        F32
    )


def many_weights(seed: int, count: int, pre: int, post: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, pre, post)).astype(F32)


def sums(spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sequential sum for every row of `spikes`."""
    rows = spikes.reshape(-1, spikes.shape[-1])
    total = np.array([reference.sequential_sum(row, weights) for row in rows])
    return total.reshape(*spikes.shape[:-1], weights.shape[1])


@pytest.mark.parametrize("shape", SHAPES[:3] + AWKWARD_SHAPES, ids=str)
def test_the_order_of_summation_matters_in_these_trials(shape: tuple[int, int]) -> None:
    spikes, weights = trial(0, *shape, 8)
    backwards = sums(spikes[:, ::-1], weights[::-1])
    assert np.any(backwards != sums(spikes, weights))


@pytest.mark.parametrize("shape", SHAPES + AWKWARD_SHAPES, ids=str)
def test_one_row_equals_the_sequential_sum(shape: tuple[int, int]) -> None:
    spikes, weights = trial(1, *shape, 5)
    for row in spikes:
        np.testing.assert_array_equal(jax.jit(product)(row, weights), sums(row, weights))


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        *itertools.product(SHAPES[:2], BATCH_SIZES),
        *itertools.product(SHAPES[2:] + AWKWARD_SHAPES, (3, 20, 64, 200)),
    ],
    ids=str,
)
def test_a_batch_equals_the_sequential_sum(shape: tuple[int, int], rows: int) -> None:
    spikes, weights = trial(2, *shape, rows)
    np.testing.assert_array_equal(jax.jit(over_rows)(spikes, weights), sums(spikes, weights))


@pytest.mark.parametrize("count", [2, 70])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_row_through_many_networks(shape: tuple[int, int], count: int) -> None:
    spikes, _ = trial(3, *shape)
    weights = many_weights(3, count, *shape)
    got = jax.jit(jax.vmap(product, (None, 0)))(spikes, weights)
    np.testing.assert_array_equal(got, [sums(spikes, w) for w in weights])


@pytest.mark.parametrize("count", [2, 70])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_row_for_each_network(shape: tuple[int, int], count: int) -> None:
    spikes, _ = trial(4, *shape, count)
    weights = many_weights(4, count, *shape)
    got = jax.jit(jax.vmap(product))(spikes, weights)
    np.testing.assert_array_equal(got, [sums(s, w) for s, w in zip(spikes, weights, strict=True)])


NESTED: dict[str, tuple[Callable[..., jax.Array], str]] = {
    "networks of images": (jax.vmap(over_rows, (None, 0)), "shared"),
    "images of networks": (jax.vmap(jax.vmap(product, (None, 0)), (0, None), 1), "shared"),
    "networks of images of their own": (jax.vmap(over_rows, (0, 0)), "own"),
    "images of networks, their own": (jax.vmap(jax.vmap(product, (0, 0)), (1, None), 1), "own"),
}


@pytest.mark.parametrize("rows", [2, 65])
@pytest.mark.parametrize("shape", [(784, 128), (128, 10)], ids=str)
@pytest.mark.parametrize("nesting", NESTED)
def test_networks_times_images(nesting: str, shape: tuple[int, int], rows: int) -> None:
    function, spikes_are = NESTED[nesting]
    weights = many_weights(5, 3, *shape)
    own, _ = trial(5, *shape, 3, rows)
    if spikes_are == "shared":
        got, expected = function(own[0], weights), [sums(own[0], w) for w in weights]
    else:
        got = function(own, weights)
        expected = [sums(s, w) for s, w in zip(own, weights, strict=True)]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("rows", [1, 7, 65])
@pytest.mark.parametrize("shape", [(784, 128), (128, 10)], ids=str)
def test_batches_in_batches(shape: tuple[int, int], rows: int) -> None:
    spikes, weights = trial(6, *shape, 3, rows)
    got = jax.jit(jax.vmap(over_rows, (0, None)))(spikes, weights)
    np.testing.assert_array_equal(got, sums(spikes, weights))


def test_a_fan_in_too_long_for_one_go_agrees_across_batch_sizes() -> None:
    spikes, weights = trial(7, 5000, 12, 200)
    whole = np.asarray(jax.jit(over_rows)(spikes, weights))
    np.testing.assert_allclose(whole, spikes.astype(float) @ weights, rtol=1e-3, atol=1e-2)
    for rows in (1, 2, 19, 20, 64, 65):
        np.testing.assert_array_equal(jax.jit(over_rows)(spikes[:rows], weights), whole[:rows])


def test_float64_agrees_across_batch_sizes() -> None:
    with jax.enable_x64(True):
        rng = np.random.default_rng(8)
        spikes, weights = (rng.random((200, 784)) < 0.4).astype(float), rng.normal(size=(784, 100))
        expected = sums(spikes, weights)
        for rows in (1, 19, 64, 200):
            got = jax.jit(over_rows)(spikes[:rows], weights)
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, expected[:rows])


def loss_of(
    function: Callable[[jax.Array, jax.Array], jax.Array],
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    return lambda spikes, weights: jnp.sum(jnp.sin(function(spikes, weights)))


def dot(spikes: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.dot(spikes, weights, precision="highest")


@pytest.mark.parametrize("shape", [(12, 5), (3000, 4)], ids=str)
def test_the_gradient_is_that_of_a_dot_product(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    spikes = rng.normal(size=shape[0]).astype(F32) / 50
    weights = rng.normal(size=shape).astype(F32)
    got = jax.grad(loss_of(product), (0, 1))(spikes, weights)
    expected = jax.grad(loss_of(dot), (0, 1))(spikes, weights)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_jvp_is_that_of_a_dot_product() -> None:
    rng = np.random.default_rng(10)
    primals = rng.normal(size=7).astype(F32), rng.normal(size=(7, 3)).astype(F32)
    tangents = rng.normal(size=7).astype(F32), rng.normal(size=(7, 3)).astype(F32)
    got, expected = jax.jvp(product, primals, tangents), jax.jvp(dot, primals, tangents)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("rows", [2, 30, 70])
def test_gradients_work_within_scan_vmap_and_jit(rows: int) -> None:
    rng = np.random.default_rng(11)
    inputs = rng.normal(size=(rows, 6)).astype(F32)
    weights = (rng.normal(size=(4, 6, 6)) / 3).astype(F32)

    def loss(
        function: Callable[[jax.Array, jax.Array], jax.Array], w: jax.Array, x: jax.Array
    ) -> jax.Array:
        x, _ = jax.lax.scan(lambda x, _: (jnp.tanh(function(x, w)), None), x, length=5)
        return jnp.sum(x)

    def gradients(function: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
        one = jax.grad(lambda w, x: loss(function, w, x))
        return jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(weights, inputs)

    np.testing.assert_allclose(gradients(product), gradients(dot), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["highest", "default"])
def test_the_precision_asked_for_reaches_the_product(precision: str) -> None:
    jaxpr = jax.make_jaxpr(lambda s, w: ordered_product(s, w, precision))(*trial(0, 4, 3))
    assert precision.upper() in str(jaxpr)
