"""Artificial network: a graph of linear maps, each with a bias and an activation, and of maxima.

A `Weighted` layer is everything linear between activations, even if the model computes it in
several layers (a convolution, the batch normalisation behind it, the average pooling in front of
it). It adds up a `Branch` for each layer whose activations enter: a residual connection has two,
and so has a layer behind a concatenation. A `MaxPool` takes maxima. Each layer comes after those
whose activations enter it, and the last one computes the logits. Activations are flat, [N],
channels last.
"""

from collections.abc import Sequence
from functools import reduce
from math import prod
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import pytree, replace, static
from jsnn.conversion.activation import Activation
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.network.connectivity import Chain

IMAGE = -1
"""Source of what the image itself enters."""


@pytree
class Branch:
    """Linear map from the activations of one layer, or the image, into another layer.

    Attributes:
      source: index of the layer whose activations enter, or `IMAGE`.
      parts: connectivities that make up W, in the order in which x passes them; at least one has
        weights.
    """

    source: int = static()
    parts: tuple[Any, ...]

    @property
    def num_inputs(self) -> int:
        """Number of inputs."""
        return int(self.parts[0].num_pre)

    def deliver(self, x: jax.Array) -> jax.Array:
        """Compute W x, [pre] -> [post]."""
        return reduce(lambda values, part: part.deliver(values), self.parts, x)


@pytree
class Weighted:
    """Sum of linear maps with an activation, activation(sum of W_k x_k + b).

    Attributes:
      name: name of the model's layers, for messages and reports.
      branches: the linear maps, at least one, no two of which have the same source and parts.
      bias: b, [post].
      shape: shape of the output, (features,) or (height, width, channels).
      activation: function of each output.
    """

    name: str = static()
    branches: tuple[Branch, ...]
    bias: Any
    shape: tuple[int, ...] = static()
    activation: Activation = static()

    @property
    def sources(self) -> tuple[int, ...]:
        """The source of each branch."""
        return tuple(branch.source for branch in self.branches)

    @property
    def size(self) -> int:
        """Number of outputs."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the weights."""
        return np.dtype(self.branches[0].parts[0].dtype)

    def linear(self, *entering: jax.Array) -> jax.Array:
        """Compute the sum of W_k x_k, and b, [post], from what enters each branch."""
        sums = [b.deliver(x) for b, x in zip(self.branches, entering, strict=True)]
        return reduce(add, sums) + self.bias

    def with_bias(self, bias: np.ndarray) -> "Weighted":
        """Return the layer with another bias, [post], in the data type of the old one."""
        return replace(self, bias=jnp.asarray(bias, self.bias.dtype))

    def __call__(self, *entering: jax.Array) -> jax.Array:
        return self.activation(self.linear(*entering))


@pytree
class MaxPool:
    """Max pooling: the largest value in each window, channel by channel.

    Attributes:
      name: name of the model's layer, for messages and reports.
      source: index of the layer whose activations enter.
      pool: the windows.
    """

    name: str = static()
    source: int = static()
    pool: MaxPool2D

    @property
    def sources(self) -> tuple[int, ...]:
        """The source of its only input."""
        return (self.source,)

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


def entering(layer: Layer, image: Any, of_layers: Sequence[Any]) -> list[Any]:
    """Return what enters each branch of a layer, given something of the image and of each layer."""
    return [image if source == IMAGE else of_layers[source] for source in layer.sources]


def depths(layers: Layers) -> list[int]:
    """Return the largest number of weighted layers on a way from the image through each layer."""
    found: list[int] = []
    for layer in layers:
        found.append(max(entering(layer, 0, found)) + isinstance(layer, Weighted))
    return found


def activations(layers: Layers, images: np.ndarray) -> list[np.ndarray]:
    """Compute the activations of each layer, [n, N_l], for images [n, N_0]; the last are logits."""
    return [np.asarray(a) for a in _activations(tuple(layers), jnp.asarray(images))]


@jax.jit
def _activations(layers: tuple[Layer, ...], images: jax.Array) -> list[jax.Array]:
    return jax.lax.map(lambda image: _forward(layers, image), images, batch_size=_BATCH)


_BATCH = 250
"""Images per batch: products are large enough to be fast, and memory stays small."""


def _forward(layers: Layers, image: jax.Array) -> list[jax.Array]:
    found: list[jax.Array] = []
    for layer in layers:
        found.append(layer(*entering(layer, image, found)))
    return found
