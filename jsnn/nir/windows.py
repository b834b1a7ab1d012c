"""Windows that slide over a signal: convolution and pooling of NIR."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import weight_array
from jsnn._kernels.dense import ordered_product
from jsnn._pytree import pytree, replace, static
from jsnn.nir.connectivity import Shape

Frame = tuple[tuple[int, int], ...]


@pytree
class Convolution:
    """Conv1d and Conv2d of NIR, which are not mirrored, and those of PyTorch.

        out[o, y] = Σ weights[o, i, k] image[i, stride y + dilation k - frame]

    Here y and k have one axis or two. Channels are in groups: an output channel sees the input
    channels of its own group.

    Attributes:
      weights: [channels out, channels in of a group, *kernel].
      input_shape: (channels, *axes) of the presynaptic neurons.
      stride: for each axis.
      padding: zeros on both sides of each axis; or "same", as many as keep the size, with an uneven
        one at the end; or "valid", none.
      dilation: for each axis.
      groups: the number of groups.
    """

    weights: Any
    input_shape: Shape = static()
    stride: Shape = static()
    padding: Shape | str = static()
    dilation: Shape = static()
    groups: int = static()

    def __post_init__(self) -> None:
        axes = ("channels out", "channels in", *("height", "width")[-len(self.stride) :])
        object.__setattr__(self, "weights", weight_array(self.weights, axes, "weights"))

    @property
    def num_pre(self) -> int:
        return prod(self.input_shape)

    @property
    def num_post(self) -> int:
        return prod(self.output_shape)

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def output_shape(self) -> Shape:
        """The (channels, *axes) of the postsynaptic neurons."""
        framed = self._framed_shape
        places = places_of(framed, self.weights.shape[2:], self.stride, self.dilation)
        return (int(self.weights.shape[0]), *places)

    def with_weights(self, weights: jax.Array) -> "Convolution":
        """Return the convolution with other weights of the same shape."""
        return replace(self, weights=weights)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn signals [pre] into sums [post]."""
        kernel = self.weights.shape[2:]
        image = jnp.pad(spikes.reshape(self.input_shape), ((0, 0), *self._frame))
        seen = jnp.stack(list(_windows(image, kernel, self.stride, self.dilation)), axis=1)
        of_group = seen.reshape(self.groups, prod(self.weights.shape[1:]), -1)
        matrix = self.weights.reshape(self.groups, -1, of_group.shape[1])
        product = partial(ordered_product, precision="highest")
        of_places = jax.vmap(product, in_axes=(1, None), out_axes=1)
        return jax.vmap(of_places)(of_group, jnp.swapaxes(matrix, 1, 2)).ravel()

    @property
    def _frame(self) -> Frame:
        return frame(self.padding, self.weights.shape[2:], self.dilation)

    @property
    def _framed_shape(self) -> Shape:
        axes = zip(self.input_shape[1:], self._frame, strict=True)
        return tuple(size + sum(sides) for size, sides in axes)


@pytree
class Pooling:
    """AvgPool2d and SumPool2d of NIR: a window in each channel, over an image framed with zeros.

    An average divides by the area of the window, at the borders too, as PyTorch does by default.
    Places where the window does not fit as a whole are left out.

    Attributes:
      input_shape: (channels, height, width) of the presynaptic neurons.
      kernel: (height, width) of the window.
      stride: (down, across).
      padding: zeros (above and below, on the left and on the right).
      is_average: True for an average, False for a sum.
      dtype: float32 or float64.
    """

    input_shape: Shape = static()
    kernel: Shape = static()
    stride: Shape = static()
    padding: Shape = static()
    is_average: bool = static()
    dtype: Any = static()

    @property
    def num_pre(self) -> int:
        return prod(self.input_shape)

    @property
    def num_post(self) -> int:
        return prod(self.output_shape)

    @property
    def output_shape(self) -> Shape:
        """The (channels, height, width) of the postsynaptic neurons."""
        axes = zip(self.input_shape[1:], self.padding, strict=True)
        framed = tuple(size + 2 * side for size, side in axes)
        return (self.input_shape[0], *places_of(framed, self.kernel, self.stride, (1, 1)))

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn signals [pre] into sums [post]."""
        sides = tuple((side, side) for side in self.padding)
        image = jnp.pad(spikes.reshape(self.input_shape), ((0, 0), *sides))
        weight = np.asarray(1 / prod(self.kernel) if self.is_average else 1, self.dtype)
        return sum(_windows(image * weight, self.kernel, self.stride, (1, 1))).ravel()


def frame(padding: Shape | str, kernel: Shape, dilation: Shape) -> Frame:
    """Return the zeros before and after each axis of an image."""
    if padding == "valid":
        return tuple((0, 0) for _ in kernel)
    if padding == "same":
        total = [step * (size - 1) for size, step in zip(kernel, dilation, strict=True)]
        return tuple((zeros // 2, zeros - zeros // 2) for zeros in total)
    return tuple((int(side), int(side)) for side in padding)


def places_of(framed: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    """Return the number of places of the window along each axis."""
    axes = zip(framed, kernel, stride, dilation, strict=True)
    return tuple((size - gap * (extent - 1) - 1) // step + 1 for size, extent, step, gap in axes)


def _windows(image: jax.Array, kernel: Shape, stride: Shape, dilation: Shape) -> Sequence[Any]:
    """Return the pixels under each pixel of the window, row by row: [channels, *places] each."""
    places = places_of(image.shape[1:], kernel, stride, dilation)

    def under(pixel: Shape) -> jax.Array:
        axes = zip(pixel, places, stride, dilation, strict=True)
        along = (
            slice(at * gap, at * gap + (number - 1) * step + 1, step)
            for at, number, step, gap in axes
        )
        return image[(slice(None), *along)]

    return [under(pixel) for pixel in np.ndindex(*kernel)]
