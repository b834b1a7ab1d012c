"""QCFS as a layer of a Flax model."""

import jax
import jax.numpy as jnp
from flax import nnx

from jsnn._checks import finite_number, positive_int
from jsnn.conversion.activation import qcfs


class QCFS(nnx.Module):
    """`qcfs` in place of a ReLU; its threshold λ is trained along.

    Args:
      levels: L, the number of quantisation steps; independent of the number of time steps later.
      threshold: λ at the start, > 0.

    Raises ValueError or TypeError where one of them is not as said.
    """

    def __init__(self, levels: int, threshold: float = 1.0) -> None:
        self.levels = positive_int(levels, "QCFS, levels")
        start = finite_number(threshold, "QCFS, threshold")
        if start <= 0:
            raise ValueError(f"QCFS, threshold: given {start}; expected a number > 0")
        self.threshold = nnx.Param(jnp.asarray(start))

    def __call__(self, x: jax.Array) -> jax.Array:
        return qcfs(x, self.threshold[...], self.levels)
