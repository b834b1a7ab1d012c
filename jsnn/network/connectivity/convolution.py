"""Convolution and average pooling: a window slides over an image of neurons.

Images are flattened row by row, channels last: neuron (y * width + x) * channels + c is that at
row y, column x, channel c. Weights are added up in the order of the presynaptic neurons, as with an
equivalent dense matrix; `lax.conv` adds them in an order that depends on the batch.
"""

from collections.abc import Sequence
from functools import partial, reduce
from math import prod
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import float_dtype, positive_int, weight_array
from jsnn._kernels.dense import delayed, ordered_product
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.indices import check_number, on_host
from jsnn.network.connectivity.sparse import Sparse

Pair = tuple[int, int]
"""A pair (down, across)."""


@pytree
class Conv2D:
    """A 2D convolution, as in neural networks (not mirrored).

        out[y, x, o] = sum over dy, dx, i of
            kernel[dy, dx, i, o] * image[y * down + dy - top, x * across + dx - left, first + i]

        first = (o // (channels out / groups)) * (channels in / groups)

    Attributes:
      kernel: [kernel height, kernel width, channels in / groups, channels out], in nA; float32 or
        float64, which becomes the dtype of the network.
      image_shape: (height, width, channels) of the presynaptic neurons.
      stride: of the window, (down, across), or one number for both.
      padding: "VALID", the window stays within the image (top = left = 0), or "SAME", the image is
        framed with silence so that there are ceil(height / down) x ceil(width / across) places
        (an uneven frame is wider below and on the right); or the rows and columns of silence
        themselves, ((top, bottom), (left, right)).
      precision: of the products, as `jax.lax.Precision` names it; see `Dense`.
      groups: number of equal parts of the channels, in their order; the channels out of a part
        read the channels in of the same part alone. As many groups as channels in make a depthwise
        convolution.

    Raises:
      TypeError: if the kernel is of another dtype.
      ValueError: if the kernel has other channels than the image, does not fit into the image with
        its frame, or the groups do not divide the channels.
    """

    kernel: Any
    image_shape: tuple[int, int, int] = static()
    stride: Any = static(default=1)
    padding: Any = static(default="VALID")
    precision: str = static(default="highest")
    groups: int = static(default=1)

    def __post_init__(self) -> None:
        axes = ("height", "width", "channels in", "channels out")
        object.__setattr__(self, "kernel", weight_array(self.kernel, axes, "Conv2D kernel"))
        object.__setattr__(self, "image_shape", _image_shape(self.image_shape, "Conv2D"))
        object.__setattr__(self, "stride", _pair(self.stride, "Conv2D, stride"))
        object.__setattr__(self, "padding", _padding(self.padding))
        object.__setattr__(self, "groups", positive_int(self.groups, "Conv2D, groups"))
        _check_channels(self.kernel.shape, self.image_shape[2], self.groups)
        _check_fits(self.kernel.shape[:2], self._framed, "Conv2D kernel")

    @property
    def num_pre(self) -> int:
        return prod(self.image_shape)

    @property
    def num_post(self) -> int:
        return prod(self.output_shape)

    @property
    def dtype(self) -> Any:
        return self.kernel.dtype

    @property
    def weights(self) -> Any:
        """The kernel."""
        return self.kernel

    def with_weights(self, weights: jax.Array) -> "Conv2D":
        """Return the convolution with another kernel of the same shape."""
        return replace(self, kernel=weights)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """The (height, width, channels) of the postsynaptic neurons."""
        places = windows_in(self._framed, self.kernel.shape[:2], self.stride)
        return (*places, int(self.kernel.shape[3]))

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post]: the weights of the spiking neurons in each window."""
        return self._deliver(spikes, event_driven=False)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], by a kernel that visits the spiking neurons alone.

        Without a C++ compiler the sums are those of `deliver`.
        """
        return self._deliver(spikes, event_driven=True)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post]."""
        return jax.lax.map(self.deliver_events, delayed(spikes, delay).astype(self.dtype))

    def stored(self) -> Sparse:
        """Return the synapses as a stored list, each with a weight of its own, which may learn.

        They are sorted by presynaptic, then by postsynaptic neuron.
        """
        (down, across, channels_out), (_, width) = self.output_shape, self.kernel.shape[:2]
        check_number(down * across * self.kernel.size, "Conv2D")
        (top, _), (left, _) = self._frame
        rows, columns, channels = self.image_shape
        in_group, out_group = self.kernel.shape[2], channels_out // self.groups
        y, x, dy, dx, i, o = np.indices((down, across, *self.kernel.shape), sparse=True)
        row, column = y * self.stride[0] + dy - top, x * self.stride[1] + dx - left
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        pre = (row * columns + column) * channels + o // out_group * in_group + i
        post = (y * across + x) * channels_out + o
        place = ((dy * width + dx) * in_group + i) * channels_out + o
        inside, pre, post, place = np.broadcast_arrays(inside, pre, post, place)
        pre, post, place = pre[inside], post[inside], place[inside]
        order = np.lexsort((post, pre))
        weights = on_host(self.kernel).ravel()[place[order]]
        return Sparse(pre[order], post[order], weights, self.num_pre, self.num_post)

    def _deliver(self, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
        image = jnp.pad(spikes.reshape(self.image_shape), (*self._frame, (0, 0)))
        height, width, in_group, channels_out = self.kernel.shape
        seen = jnp.stack(windows(image, (height, width), self.stride), axis=2)
        product = partial(ordered_product, precision=self.precision, event_driven=event_driven)
        of_patches = jax.vmap(product, (0, None))
        if self.groups == 1:
            patches = seen.reshape(-1, height * width * in_group)
            return of_patches(patches, self.kernel.reshape(-1, channels_out)).ravel()
        by_group = seen.reshape(-1, height * width, self.groups, in_group).transpose(2, 0, 1, 3)
        patches = by_group.reshape(self.groups, -1, height * width * in_group)
        matrices = self.kernel.reshape(height * width * in_group, self.groups, -1)
        sums = jax.vmap(of_patches, (0, 1), 1)(patches, matrices)  # [places, groups, channels]
        return sums.ravel()

    @property
    def _framed(self) -> Pair:
        """The (height, width) of the image with its frame."""
        (height, width, _), (rows, columns) = self.image_shape, self._frame
        return height + sum(rows), width + sum(columns)

    @property
    def _frame(self) -> Sequence[Pair]:
        """The silence around the image: (top, bottom), (left, right)."""
        if not isinstance(self.padding, str):
            frame: tuple[Pair, Pair] = self.padding
            return frame
        return jax.lax.padtype_to_pads(
            self.image_shape[:2], self.kernel.shape[:2], self.stride, self.padding
        )


@pytree
class AveragePool2D:
    """Average over a window, channel by channel; every weight is 1 / the window's area, in nA.

    Attributes:
      image_shape: (height, width, channels) of the presynaptic neurons.
      window: (height, width), or one number for both.
      stride: of the window, (down, across), or one number for both; `window` unless given. Pixels
        that are left over below and on the right are not averaged.
      dtype: float32 or float64, the dtype of the network.

    Raises:
      ValueError: if the window does not fit into the image.
    """

    image_shape: tuple[int, int, int] = static()
    window: Any = static()
    stride: Any = static(default=None)
    dtype: Any = static(default=np.float32)

    def __post_init__(self) -> None:
        window = _pair(self.window, "AveragePool2D, window")
        stride = window if self.stride is None else _pair(self.stride, "AveragePool2D, stride")
        object.__setattr__(self, "image_shape", _image_shape(self.image_shape, "AveragePool2D"))
        object.__setattr__(self, "window", window)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "dtype", float_dtype(self.dtype, "AveragePool2D, dtype"))
        _check_fits(window, self.image_shape, "AveragePool2D, window")

    @property
    def num_pre(self) -> int:
        return prod(self.image_shape)

    @property
    def num_post(self) -> int:
        return prod(self.output_shape)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """The (height, width, channels) of the postsynaptic neurons."""
        return (*windows_in(self.image_shape, self.window, self.stride), self.image_shape[2])

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], adding the weight once for each spike in a window."""
        weight = np.asarray(1 / prod(self.window), self.dtype)
        image = spikes.reshape(self.image_shape) * weight
        return reduce(add, windows(image, self.window, self.stride)).ravel()


def windows_in(image: Sequence[int], window: Pair, stride: Pair) -> Pair:
    """Return the number of places of the window within the image, (down, across)."""
    down, across = (
        (size - extent) // step + 1
        for size, extent, step in zip(image[:2], window, stride, strict=True)
    )
    return down, across


def windows(image: jax.Array, window: Pair, stride: Pair) -> list[jax.Array]:
    """Return the pixels under each pixel of the window, row by row: [down, across, c] each."""
    down, across = windows_in(image.shape, window, stride)
    rows, columns = (down - 1) * stride[0] + 1, (across - 1) * stride[1] + 1
    return [
        image[y : y + rows : stride[0], x : x + columns : stride[1]] for y, x in np.ndindex(window)
    ]


def _image_shape(given: Any, what: str) -> tuple[int, int, int]:
    if not isinstance(given, Sequence) or len(given) != 3:
        raise ValueError(
            f"{what}, image_shape: given {given!r}; expected (height, width, channels)"
        )
    height, width, channels = (positive_int(size, f"{what}, image_shape") for size in given)
    return height, width, channels


def _pair(given: Any, what: str) -> Pair:
    sizes = given if isinstance(given, Sequence) else (given, given)
    if len(sizes) != 2:
        raise ValueError(f"{what}: given {given!r}; expected (down, across) or one integer")
    return positive_int(sizes[0], what), positive_int(sizes[1], what)


def _padding(given: Any) -> str | tuple[Pair, Pair]:
    if isinstance(given, str) and given in ("VALID", "SAME"):
        return given
    sides = np.array(given, object)
    if isinstance(given, str) or sides.shape != (2, 2):
        raise ValueError(
            f"Conv2D, padding: given {given!r}; expected 'VALID', 'SAME' or ((top, bottom), (left, "
            "right))"
        )
    (top, bottom), (left, right) = (
        [positive_int(side, "Conv2D, padding", least=0) for side in pair] for pair in sides
    )
    return (top, bottom), (left, right)


def _check_channels(kernel: Sequence[int], channels_in: int, groups: int) -> None:
    """Raise ValueError if the groups do not divide the channels, or others enter the kernel."""
    for number, of in ((channels_in, "channels of the image"), (kernel[3], "channels out")):
        if number % groups:
            raise ValueError(
                f"Conv2D, groups: given {groups} for {number} {of}; expected a divisor of {number}"
            )
    if kernel[2] * groups != channels_in:
        of_a_group = f", divided by {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"Conv2D kernel: given shape {tuple(kernel)}; expected (height, width, "
            f"{channels_in // groups}, channels out), as many channels in as the image has"
            f"{of_a_group}"
        )


def _check_fits(window: Pair, image_shape: Sequence[int], what: str) -> None:
    if window[0] > image_shape[0] or window[1] > image_shape[1]:
        raise ValueError(
            f"{what}: given {window[0]} x {window[1]}; expected it to fit into the image, "
            f"{image_shape[0]} x {image_shape[1]}"
        )
