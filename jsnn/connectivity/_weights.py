"""What is asked of all weights."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_finite


def checked_weights(weights: Any, axes: tuple[str, ...], what: str) -> jax.Array:
    """Weights as an array with these `axes`, or a ValueError or TypeError that names `what`."""
    given = getattr(weights, "dtype", None)
    if given not in (np.float32, np.float64):
        kind = type(weights).__name__ if given is None else f"an array of {given}"
        raise TypeError(f"{what} weights: given {kind}; expected an array of float32 or float64")
    if np.ndim(weights) != len(axes):
        shape = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        raise ValueError(f"{what} weights: given shape {np.shape(weights)}; expected {shape}")
    if given == np.float64 and not jax.config.read("jax_enable_x64"):
        raise TypeError(
            f"{what} weights: given an array of float64 while jax_enable_x64 is off; expected "
            "float32 (cast it with .astype(np.float32), or enable x64)"
        )
    check_finite(weights, f"{what} weights of shape {np.shape(weights)}")
    return jnp.asarray(weights)
