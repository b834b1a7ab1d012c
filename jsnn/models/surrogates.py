"""Spike function: a Heaviside step forwards, a smooth pseudo-derivative backwards."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

Surrogate = Callable[[jax.Array], jax.Array]


def superspike(margin: jax.Array) -> jax.Array:
    """Return the derivative of a fast sigmoid, σ'(m) = 1 / (1 + 10 |m|)².

    m is in the unit of the threshold margin. Zenke & Ganguli 2018, "SuperSpike", Neural Computation
    30, eq. 17 (normalised to 1 at 0).
    """
    return 1 / (1 + 10 * jnp.abs(margin)) ** 2


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def spike(surrogate: Surrogate, margin: jax.Array) -> jax.Array:
    """Return 1 where `margin` >= 0, else 0, in the dtype of `margin`.

    The derivative of the result is `surrogate(margin)`.
    """
    return (margin >= 0).astype(margin.dtype)


@spike.defjvp
def _spike_jvp(
    surrogate: Surrogate, primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (margin,), (tangent,) = primals, tangents
    return spike(surrogate, margin), surrogate(margin) * tangent
