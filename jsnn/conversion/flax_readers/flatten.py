"""Flattening of images, a step of convertible models."""

import jax


def flatten(x: jax.Array) -> jax.Array:
    """Flatten images, [..., height, width, channels] -> [..., features].

    Convertible models use this function; `convert` cannot see what another function computes.
    """
    return x.reshape(*x.shape[:-3], -1)
