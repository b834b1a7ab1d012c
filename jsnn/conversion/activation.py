"""The activations that spiking neurons can take the place of."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


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
    return jnp.asarray(threshold * _rounded(clipped * levels) / levels)


@jax.custom_jvp
def _rounded(x: jax.Array) -> jax.Array:
    return jnp.floor(x + 0.5)


_rounded.defjvp(lambda primals, tangents: (_rounded(*primals), *tangents))


@dataclass(frozen=True)
class Relu:
    """max(x, 0)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.maximum(x, 0)


@dataclass(frozen=True)
class Quantised:
    """`qcfs` with a threshold that training has found."""

    threshold: float
    levels: int

    def __call__(self, x: jax.Array) -> jax.Array:
        return qcfs(x, self.threshold, self.levels)


@dataclass(frozen=True)
class Identity:
    """x: what the last layer has, whose values are the logits."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return x


Activation = Relu | Quantised | Identity
