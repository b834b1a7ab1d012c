"""QCFS: an activation that a spiking neuron can take the place of without loss."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import ArrayLike

from jsnn._checks import finite_number, positive_int


def qcfs(x: jax.Array, threshold: ArrayLike, levels: int) -> jax.Array:
    """λ clip(⌊x L / λ + 1/2⌋ / L, 0, 1): quantisation, clip, floor and shift.

    With a constant input x, an integrate-and-fire neuron that starts at half of its threshold λ and
    is reset by subtraction emits exactly this, λ times its mean number of spikes, in L steps (Bu et
    al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural
    networks", ICLR, eq. 15). The floor is passed by gradients as if it were not there, so that x
    gets one where 0 < x < λ.

    Args:
      x: activations before, any shape.
      threshold: λ, of a shape that broadcasts to x.
      levels: L >= 1.
    """
    clipped = jnp.clip(x / threshold, 0, 1)
    return threshold * _rounded(clipped * levels) / levels


@jax.custom_jvp
def _rounded(x: jax.Array) -> jax.Array:
    return jnp.floor(x + 0.5)


_rounded.defjvp(lambda primals, tangents: (_rounded(*primals), *tangents))


class QCFS(nnx.Module):
    """`qcfs` as a layer, in place of a ReLU; its threshold λ is trained along.

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
