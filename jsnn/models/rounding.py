"""Products with one rounding of their own, so that every way to run a model gives the same bits."""

import jax
import jax.numpy as jnp


def product(a: jax.Array | float, b: jax.Array | float) -> jax.Array:
    """Multiply, and round before anything is added to the product.

    Where a program says `a * b + c`, XLA's CPU backend may multiply and add in one go, with one
    rounding instead of two, for one shape of the arrays and not for another. With
    `product(a, b) + c` it never does, so a neuron in a batch gets the bits of the same neuron
    alone, and those of NumPy. A product that overflows to -inf is NaN.
    """
    rounded = jnp.multiply(a, b)
    # This changes no finite number, but XLA cannot multiply and add across it.
    return jnp.where(rounded < jnp.finfo(rounded.dtype).min, jnp.nan, rounded)
