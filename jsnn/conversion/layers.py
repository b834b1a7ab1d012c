"""Layers of the artificial network: linear maps, each with a bias and an activation, and maxima.

A `Weighted` layer is everything linear between two activations, even if the model computes it in
several layers (a convolution, the batch normalisation behind it, the average pooling in front of
it). A `MaxPool` takes maxima. Activations are flat, [N], channels last.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import pytree, replace, static
from jsnn.conversion.activation import Activation
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.network.connectivity import Chain


@pytree
class Weighted:
    """Linear map with an activation, activation(W x + b).

    Attributes:
      name: name of the model's layers, for messages and reports.
      parts: connectivities that make up W, in the order in which x passes them.
      bias: b, [post].
      shape: shape of the output, (features,) or (height, width, channels).
      activation: function of each output.
    """

    name: str = static()
    parts: tuple[Any, ...]
    bias: Any
    shape: tuple[int, ...] = static()
    activation: Activation = static()

    @property
    def size(self) -> int:
        """Number of outputs."""
        return prod(self.shape)

    @property
    def num_inputs(self) -> int:
        """Number of inputs."""
        return int(self.parts[0].num_pre)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the weights."""
        return np.dtype(self.parts[0].dtype)

    def linear(self, x: jax.Array) -> jax.Array:
        """Compute W x + b, [pre] -> [post]."""
        for part in self.parts:
            x = part.deliver(x)
        return x + self.bias

    def with_bias(self, bias: np.ndarray) -> "Weighted":
        """Return the layer with another bias, [post], in the data type of the old one."""
        return replace(self, bias=jnp.asarray(bias, self.bias.dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.activation(self.linear(x))


@pytree
class MaxPool:
    """Max pooling: the largest value in each window, channel by channel.

    Attributes:
      name: name of the model's layer, for messages and reports.
      pool: the windows.
    """

    name: str = static()
    pool: MaxPool2D

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the output, (height, width, channels)."""
        return self.pool.output_shape

    @property
    def size(self) -> int:
        """Number of outputs."""
        return prod(self.shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.pool.deliver(x)


Layer = Weighted | MaxPool
Layers = Sequence[Layer]


def num_channels(layer: Layer) -> int:
    """Return the number of output channels, each of which may have a scale of its own."""
    return layer.shape[-1]


def chained(parts: tuple[Any, ...]) -> Any:
    """Join connectivities that follow each other into one."""
    return parts[0] if len(parts) == 1 else Chain(parts)


def activations(layers: Layers, images: np.ndarray) -> list[np.ndarray]:
    """Compute the activations of each layer, [n, N_l], for images [n, N_0]; the last are logits."""
    return [np.asarray(a) for a in _activations(tuple(layers), jnp.asarray(images))]


@jax.jit
def _activations(layers: tuple[Layer, ...], images: jax.Array) -> list[jax.Array]:
    return jax.lax.map(lambda image: _forward(layers, image), images, batch_size=_BATCH)


_BATCH = 250
"""Images per batch: products are large enough to be fast, and memory stays small."""


def _forward(layers: Layers, image: jax.Array) -> list[jax.Array]:
    found = []
    for layer in layers:
        image = layer(image)
        found.append(image)
    return found
