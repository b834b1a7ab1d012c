"""Numbers with a tangent of their own."""

from typing import Any

import jax
import jax.numpy as jnp

stop = jax.lax.stop_gradient


def as_it_is(x: jax.Array, *others: jax.Array) -> jax.Array:
    """Return x, which `jax.vmap` takes to depend on other arrays too.

    The result of a `jax.custom_jvp` has to have an axis of the batch if its tangent has one. XLA
    leaves the choice between x and x out.
    """
    for other in others:
        x = jnp.where(other != other, x, x)
    return x


@jax.custom_jvp
def zero_with_tangent(source: jax.Array) -> jax.Array:
    """Return 0 with the tangent of `source`; nothing is computed for it but the tangent."""
    return as_it_is(jnp.zeros_like(source), source)


@zero_with_tangent.defjvp
def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    return zero_with_tangent(*primals), tangents[0]


@jax.custom_jvp
def moved_tangent(x: jax.Array, by: jax.Array) -> jax.Array:
    """Return x, to the bit, with the tangent of x + by."""
    return as_it_is(x, by)


@moved_tangent.defjvp
def _(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    return moved_tangent(*primals), tangents[0] + tangents[1]
