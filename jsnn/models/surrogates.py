"""Spike function: a Heaviside step forwards, a smooth pseudo-derivative backwards."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._primitive import elementwise_primitive

Surrogate = Callable[[jax.Array], jax.Array]


def superspike(margin: jax.Array) -> jax.Array:
    """Return the derivative of a fast sigmoid, σ'(m) = 1 / (1 + 10 |m|)².

    m is in the unit of the threshold margin. Zenke & Ganguli 2018, "SuperSpike", Neural Computation
    30, eq. 17 (normalised to 1 at 0).
    """
    return 1 / (1 + 10 * jnp.abs(margin)) ** 2


def spike(surrogate: Surrogate, margin: jax.Array) -> jax.Array:
    """Return 1 where `margin` >= 0, else 0, in the dtype of `margin`.

    The derivative of the result is `surrogate(margin)`, also within derivatives of higher order.
    """
    return _spike().bind(margin, surrogate=surrogate)


@lru_cache
def _spike() -> Any:
    """Return the operation of a spike; with a `custom_jvp`, gradients would have no derivative."""

    def jvp(primals: Any, tangents: Any, *, surrogate: Surrogate) -> tuple[jax.Array, jax.Array]:
        (margin,), (tangent,) = primals, tangents
        return spike(surrogate, margin), surrogate(margin) * tangent

    return elementwise_primitive("spike", _step, jvp)


def _step(margin: jax.Array, *, surrogate: Surrogate) -> jax.Array:
    return (jnp.asarray(margin) >= 0).astype(margin.dtype)
