"""A trained network as conversion sees it: linear maps with a bias, an activation after each.

A layer is one of two. `Weighted` is everything linear between two activations, however many
layers of the model that were (a convolution with its batch normalisation folded in, the average
pooling before it); its activation becomes a population of spiking neurons. `MaxPool` takes maxima.
Activations are flat, [N], channels last.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import pytree, static
from jsnn.conversion.activation import Activation
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.network.connectivity import Chain, OneToOne


@pytree
class Weighted:
    """activation(W x + b).

    Attributes:
      name: what the model's layers are called in messages and reports.
      parts: connectivities that make up W, in the order in which x passes them.
      bias: [post].
      shape: of the output: (features,) or (height, width, channels).
      activation: what is done to each value.
    """

    name: str = static()
    parts: tuple[Any, ...]
    bias: Any
    shape: tuple[int, ...] = static()
    activation: Activation = static()

    @property
    def size(self) -> int:
        """The number of outputs."""
        return prod(self.shape)

    @property
    def weights(self) -> Any:
        """W, one connectivity."""
        return self.parts[0] if len(self.parts) == 1 else Chain(self.parts)

    def before(self, x: jax.Array) -> jax.Array:
        """[pre] -> [post]: W x + b."""
        for part in self.parts:
            x = part.deliver(x)
        return x + self.bias

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.activation(self.before(x))


@pytree
class MaxPool:
    """The largest value in each window, channel by channel."""

    name: str = static()
    pool: MaxPool2D

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the output."""
        return self.pool.output_shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.pool.deliver(x)


Layer = Weighted | MaxPool
Layers = Sequence[Layer]


def activations(layers: Layers, images: np.ndarray) -> list[np.ndarray]:
    """What each layer gives, [n, N_l], for images [n, N_0]; the last are the logits."""
    return [np.asarray(a) for a in _activations(tuple(layers), jnp.asarray(images))]


@jax.jit
def _activations(layers: tuple[Layer, ...], images: jax.Array) -> list[jax.Array]:
    return jax.lax.map(lambda image: forward(layers, image), images, batch_size=_BATCH)


_BATCH = 250
"""Images that are passed through a network at once: enough for whole products, little memory."""


def forward(layers: Layers, image: jax.Array) -> list[jax.Array]:
    """What each layer gives for one image [N_0]."""
    found = []
    for layer in layers:
        image = layer(image)
        found.append(image)
    return found


def channels(layer: Layer) -> int:
    """The number of features that have a scale of their own."""
    return layer.shape[-1]


def each_neuron(values: Any, size: int) -> np.ndarray:
    """A value a channel, [C], as one a neuron, [size]; channels are last."""
    return np.tile(np.asarray(values), size // len(np.asarray(values)))


def rescaled(layer: Weighted, before: np.ndarray, after: np.ndarray) -> tuple[Any, ...]:
    """The parts of W with weights from channel i to channel j times before_i / after_j.

    Pooling has no weights to scale and keeps channels apart, so the factors pass through it to the
    first and to the last part that has some.
    """
    one = np.ones(1)
    if len(before) == len(after) == 1:
        before, after = before / after, one  # equal scales leave the weights as they are
    parts = list(layer.parts)
    weighted = with_weights(parts)
    first, last = weighted[0], weighted[-1]
    parts[first] = scaled(parts[first], before, one)
    parts[last] = scaled(parts[last], one, 1 / after)
    return tuple(parts)


def has_weights(part: Any) -> bool:
    """Whether a connectivity has weights of its own; average pooling has none."""
    return bool(jax.tree.leaves(part))


def with_weights(parts: Sequence[Any]) -> list[int]:
    """Which of the connectivities have weights of their own."""
    return [i for i, part in enumerate(parts) if has_weights(part)]


def scaled(part: Any, before: Any, after: Any) -> Any:
    """A connectivity with its weights times before_i after_j; one number, or one a channel."""
    weights = jax.tree.leaves(part)[0]
    factors = each_neuron(after, weights.shape[-1])
    if isinstance(part, OneToOne):
        factors = each_neuron(before, weights.shape[-1]) * factors
    else:
        factors = each_neuron(before, weights.shape[-2])[:, None] * factors[None, :]
    changed = jnp.asarray(np.asarray(weights, np.float64) * factors, weights.dtype)
    return jax.tree.map(lambda _: changed, part)
