"""Numbers with a tangent of their own."""

from typing import Any

import jax
import jax.numpy as jnp

stop = jax.lax.stop_gradient


@jax.custom_jvp
def zero_with_tangent(source: jax.Array) -> jax.Array:
    """Return 0 with the tangent of `source`; nothing is computed for it but the tangent."""
    return jnp.zeros_like(source)


@zero_with_tangent.defjvp
def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    return jnp.zeros_like(primals[0]), tangents[0]


@jax.custom_jvp
def moved_tangent(x: jax.Array, by: jax.Array) -> jax.Array:
    """Return x, to the bit, with the tangent of x + by."""
    del by
    return x


@moved_tangent.defjvp
def _(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    return primals[0], tangents[0] + tangents[1]
