"""Activations of artificial networks that spiking neurons can replace."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


def qcfs(x: jax.Array, threshold: ArrayLike, levels: int) -> jax.Array:
    """Quantise, clip, floor and shift activations.

        qcfs(x; λ, L) = λ clip(⌊x L / λ + 1/2⌋ / L, 0, 1)

    An integrate-and-fire neuron with the constant input x, the threshold λ, the initial potential
    λ / 2 and a soft reset has this value after L steps, as λ times its mean number of spikes (Bu et
    al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural
    networks", ICLR, eq. 15). Gradients ignore the floor: the gradient with respect to x is 1 for
    0 < x < λ.

    Args:
      x: pre-activations, any shape.
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
    """Rectified linear unit, max(x, 0)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.maximum(x, 0)


@dataclass(frozen=True)
class Quantised:
    """`qcfs` with a trained threshold."""

    threshold: float
    levels: int

    def __call__(self, x: jax.Array) -> jax.Array:
        return qcfs(x, self.threshold, self.levels)


@dataclass(frozen=True)
class Clipped:
    """Rectified linear unit that saturates, min(max(x, 0), highest), such as ReLU6."""

    highest: float

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.clip(x, 0, self.highest)


@dataclass(frozen=True)
class Identity:
    """Activation of the last layer, whose values are the logits."""

    def __call__(self, x: jax.Array) -> jax.Array:
        return x


Activation = Relu | Clipped | Quantised | Identity
