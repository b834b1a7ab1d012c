"""Products over time and their derivatives, by every transformation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jsnn._kernels.over_time import product_over_time

F32 = np.float32
SPIKES = (np.random.default_rng(0).random((3, 11, 6)) < 0.3).astype(F32)
WEIGHTS = np.random.default_rng(1).normal(size=(6, 5)).astype(F32)
SLOPES = np.random.default_rng(2).normal(size=(3, 11, 5)).astype(F32)


def matrix(spikes: jax.Array, weights: jax.Array, delay: int) -> jax.Array:
    """Return the product as JAX alone makes it."""
    late = jnp.concatenate([jnp.zeros((delay, spikes.shape[1]), spikes.dtype), spikes])
    return jnp.dot(late[: len(spikes)], weights, precision="highest")


@pytest.mark.parametrize("delay", [0, 2])
def test_the_derivatives_are_those_of_a_matrix_product(delay: int) -> None:
    """In reverse mode of a batch, in a batch of gradients, in forward mode, and of second order."""

    def loss(product, spikes, weights, slopes):
        return jnp.sum(product(spikes, weights) ** 2 * slopes)

    ours = lambda s, w: product_over_time(s, w, "highest", delay)  # noqa: E731
    theirs = lambda s, w: matrix(s, w, delay)  # noqa: E731

    def of_batch(product, spikes, weights):
        each = jax.vmap(lambda s, c: loss(product, s, weights, c))
        return each(spikes, SLOPES).sum()

    def results(product):
        both = (0, 1)
        batch = jax.grad(lambda s, w: of_batch(product, s, w), both)(SPIKES, WEIGHTS)
        each = jax.vmap(
            jax.grad(lambda s, w, c: loss(product, s, w, c), both), in_axes=(0, None, 0)
        )(SPIKES, WEIGHTS, SLOPES)
        many = jnp.stack([WEIGHTS, 2 * WEIGHTS])
        of_weights = jax.vmap(jax.grad(lambda w: of_batch(product, SPIKES, w)))(many)
        forward = jax.jvp(product, (SPIKES[0], WEIGHTS), (SLOPES[0] @ WEIGHTS.T, WEIGHTS**2))
        second = jax.hessian(lambda w: loss(product, SPIKES[0], w, SLOPES[0]))(WEIGHTS[:, :5])
        return batch, each, of_weights, forward, second

    given, expected = jax.jit(results, static_argnums=0)(ours), results(theirs)
    for x, y in zip(jax.tree.leaves(given), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4)


def test_spikes_as_bools_have_a_derivative_with_respect_to_weights_alone() -> None:
    product = lambda w: (product_over_time(SPIKES[0] > 0, w, "highest", 1) * SLOPES[0]).sum()  # noqa: E731
    expected = jax.grad(lambda w: (matrix(SPIKES[0], w, 1) * SLOPES[0]).sum())(WEIGHTS)
    np.testing.assert_allclose(jax.grad(product)(WEIGHTS), expected, rtol=1e-5, atol=1e-6)
