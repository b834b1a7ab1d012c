"""Windows that slide over two axes of a value."""

from collections.abc import Sequence
from math import prod

import numpy as np

from jsnn.conversion.reading.affine import Affine, Shape
from jsnn.conversion.reading.equation import Equation
from jsnn.conversion.reading.movement import rearranged, transposed


class Windows:
    """Windows over one or two axes of a value, as over an image (height, width, channels).

    Attributes:
      window: (height, width).
      stride: (down, across).
      frame: what is around the image, ((top, bottom), (left, right)).
      image_shape: (height, width, channels) without the frame.
      framed_shape: with the frame.
      front: axes of the value in the order of the image.
      back: axes of the image in the order of the value.
    """

    def __init__(
        self,
        shape: Shape,
        axes: Sequence[int],
        sizes: Sequence[int],
        strides: Sequence[int],
        padding: Sequence[tuple[int, int]],
    ) -> None:
        rest = [axis for axis in range(len(shape)) if axis not in axes]
        self.front = (*axes, *rest)
        self.back = tuple(int(axis) for axis in np.argsort(self.front))
        self._rest, self._dimensions = tuple(shape[axis] for axis in rest), len(axes)
        fill = 2 - len(axes)
        height, width = (*(shape[axis] for axis in axes), *[1] * fill)
        self.window, self.stride = _pair(sizes, fill), _pair(strides, fill)
        (top, bottom), (left, right) = (*padding, *[(0, 0)] * fill)
        self.frame = ((int(top), int(bottom)), (int(left), int(right)))
        channels = prod(self._rest)
        self.image_shape = (height, width, channels)
        self.framed_shape = (height + top + bottom, width + left + right, channels)

    def shape_of(self, image_shape: Shape) -> Shape:
        """Return the shape of a value whose axes are in the order of the image."""
        return (*image_shape[: self._dimensions], *self._rest)


def _pair(sizes: Sequence[int], fill: int) -> tuple[int, int]:
    height, width = (*map(int, sizes), *[1] * fill)
    return height, width


def windows_of(equation: Equation, value: Affine, *, framed: bool) -> tuple[Affine, Windows] | None:
    """Return a value as an image, and the windows that an equation slides over it.

    None if the windows have gaps or more than two dimensions.

    Args:
      equation: sums or maxima of windows.
      value: its operand.
      framed: put zeros around the image, where the equation has padding.
    """
    given = equation.params
    if {*given["base_dilation"], *given["window_dilation"]} != {1}:
        return None
    each = list(
        zip(given["window_dimensions"], given["window_strides"], given["padding"], strict=True)
    )
    axes = [i for i, (size, stride, pad) in enumerate(each) if (size, stride, *pad) != (1, 1, 0, 0)]
    if len(axes) not in (1, 2):
        return None
    windows = Windows(value.shape, axes, *zip(*(each[axis] for axis in axes), strict=True))
    image = transposed(value, windows.front)
    if framed and any(map(any, windows.frame)):
        numbers = np.arange(image.size).reshape(windows.image_shape)
        numbers = np.pad(numbers, (*windows.frame, (0, 0)), constant_values=-1)
        image = rearranged(image, numbers.ravel(), windows.framed_shape)
    return image, windows
