"""Max pooling as a connectivity."""

from functools import reduce
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._pytree import pytree, static
from jsnn.network.connectivity.convolution import Pair, windows, windows_in


@pytree
class MaxPool2D:
    """Maximum over each window, channel by channel.

    The maximum is not linear: it is taken of activations, or of the sums of what neurons have
    emitted so far, never of the spikes of one step.

    Attributes:
      image_shape: (height, width, channels) of the presynaptic neurons.
      window: (height, width).
      stride: distance between windows, (down, across).
      dtype: float32 or float64, that of the network.
      frame: rows and columns of zeros around the image, ((top, bottom), (left, right)). Activations
        are not below 0, so that zeros change no maximum.
    """

    image_shape: tuple[int, int, int] = static()
    window: tuple[int, int] = static()
    stride: tuple[int, int] = static()
    dtype: Any = static()
    frame: tuple[Pair, Pair] = static(default=((0, 0), (0, 0)))

    @property
    def num_pre(self) -> int:
        return prod(self.image_shape)

    @property
    def num_post(self) -> int:
        return prod(self.output_shape)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape of the postsynaptic neurons, (height, width, channels)."""
        (height, width, channels), (rows, columns) = self.image_shape, self.frame
        framed = (height + sum(rows), width + sum(columns))
        return (*windows_in(framed, self.window, self.stride), channels)

    def deliver(self, values: jax.Array) -> jax.Array:
        """Take the maximum in each window, [pre] -> [post]."""
        image = jnp.pad(values.reshape(self.image_shape), (*self.frame, (0, 0)))
        return reduce(jnp.maximum, windows(image, self.window, self.stride)).ravel()
