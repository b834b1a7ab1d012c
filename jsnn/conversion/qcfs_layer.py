"""QCFS as a layer of a Flax model."""

import jax
import jax.numpy as jnp
from flax import nnx

from jsnn._checks import finite_number, positive_int
from jsnn.conversion.activation import qcfs


class QCFS(nnx.Module):
    """Layer that computes `jsnn.conversion.qcfs`, in place of a ReLU, with a trained threshold λ.

    Args:
      levels: L, the number of quantisation steps. The spiking network may run for another number
        of time steps.
      threshold: initial value of λ, > 0.

    Raises:
      ValueError: if `levels` is below 1, or `threshold` is not a finite number > 0.
      TypeError: if `levels` is not an integer, or `threshold` not a number.
    """

    def __init__(self, levels: int, threshold: float = 1.0) -> None:
        self.levels = positive_int(levels, "QCFS, levels")
        start = finite_number(threshold, "QCFS, threshold")
        if start <= 0:
            raise ValueError(f"QCFS, threshold: given {start}; expected a number > 0")
        self.threshold = nnx.Param(jnp.asarray(start))

    def __call__(self, x: jax.Array) -> jax.Array:
        return qcfs(x, self.threshold[...], self.levels)
