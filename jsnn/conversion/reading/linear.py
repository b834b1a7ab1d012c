"""Equations that are linear in the image: products, convolutions, sums over axes and windows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.reading.affine import Affine, Part, Shape
from jsnn.conversion.reading.equation import Equation
from jsnn.conversion.reading.folding import behind_weights, convolution
from jsnn.conversion.reading.movement import transposed
from jsnn.conversion.reading.windows import windows_of
from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense

_MOST_WEIGHTS = 2**24
"""Weights of a linear map that no connectivity describes, and that becomes a matrix."""

Linear = Callable[[Any, Affine, Sequence[Any], Any], Affine]


def dot_general(equation: Equation, value: Affine, operands: Sequence[Any], dtype: Any) -> Affine:
    """Read a product with constant weights: a dense layer, or one at every place of an image."""
    (contracted, batch) = equation.params["dimension_numbers"]
    on_left = operands[0] is value
    mine, others = (0, 1) if on_left else (1, 0)
    if batch[mine]:
        return as_matrix(equation, value, operands, dtype)
    weights = jnp.asarray(operands[others])
    if not jnp.issubdtype(weights.dtype, jnp.floating):
        weights = weights.astype(dtype)
    free = _free(value.shape, contracted[mine])
    rows = transposed(value, (*free, *contracted[mine]))
    free_of_weights = _free(weights.shape, contracted[others])
    matrix = jnp.transpose(weights, (*contracted[others], *free_of_weights))
    places = tuple(value.shape[axis] for axis in free)
    columns = tuple(weights.shape[axis] for axis in free_of_weights)
    matrix = matrix.reshape(-1, prod(columns))
    image = tuple(size for size in places if size > 1)
    part: Part
    if not image:
        part = Dense(matrix)
    else:
        sides = image if len(image) == 2 else (prod(image), 1)
        part = Conv2D(matrix[None, None], (*sides, len(matrix)))
    found = _behind(rows, part, (*places, *columns), dtype)
    if not on_left:
        found = transposed(found, (*range(len(places), len(found.shape)), *range(len(places))))
    return _with_constant(equation, found, value, operands)


def conv_general_dilated(
    equation: Equation, value: Affine, operands: Sequence[Any], dtype: Any
) -> Affine:
    """Read a convolution of one or two dimensions with any stride, padding, dilation and groups."""
    given = equation.params
    if operands[0] is not value:
        raise equation.refused("its kernel depends on the image", "a kernel of parameters")
    lhs, rhs, out = given["dimension_numbers"]
    dimensions = len(lhs) - 2
    if (
        dimensions not in (1, 2)
        or set(given["lhs_dilation"]) != {1}
        or given["batch_group_count"] != 1
        or min(map(min, given["padding"])) < 0
    ):
        return as_matrix(equation, value, operands, dtype)
    number = value.shape[lhs[0]]
    image = transposed(value, (*lhs[2:], lhs[0], lhs[1]))  # several images are groups of channels
    kernel = jnp.transpose(operands[1], (*rhs[2:], rhs[1], rhs[0]))
    kernel = _dilated(kernel, given["rhs_dilation"])
    if number > 1:
        kernel = jnp.tile(kernel, number)
    stride, padding = given["window_strides"], given["padding"]
    sides = image.shape[:-2]
    if dimensions == 1:
        kernel, sides = kernel[:, None], (*sides, 1)
        stride, padding = (*stride, 1), (*padding, (0, 0))
    part = convolution(kernel, (*sides, prod(image.shape[-2:])), tuple(stride), padding)
    height, width, channels = part.output_shape
    sides = (height,) if dimensions == 1 else (height, width)
    found = _behind(image, part, (*sides, number, channels // number), dtype)
    order = np.argsort([*out[2:], out[0], out[1]]).tolist()
    return _with_constant(equation, transposed(found, order), value, operands)


def reduce_sum(equation: Equation, value: Affine, operands: Sequence[Any], dtype: Any) -> Affine:
    """Read a sum over axes as an average times their number."""
    axes = equation.params["axes"]
    kept = _free(value.shape, axes)
    number = prod(value.shape[axis] for axis in axes)
    shape = tuple(value.shape[axis] for axis in kept)
    if number == 1:
        return value.reshaped(shape)
    rows = transposed(value, (*axes, *kept))
    summed = tuple(value.shape[axis] for axis in axes if value.shape[axis] > 1)
    window = summed if len(summed) == 2 else (number, 1)
    pool = AveragePool2D((*window, prod(shape)), window, dtype=dtype)
    found = _behind(rows, pool, shape, dtype)
    return _with_constant(equation, _times(found, number), value, operands)


def reduce_window_sum(
    equation: Equation, value: Affine, operands: Sequence[Any], dtype: Any
) -> Affine:
    """Read sums of windows as average pooling times their size."""
    windows = windows_of(equation, value, framed=True)
    if windows is None:
        return as_matrix(equation, value, operands, dtype)
    image, layout = windows
    pool = AveragePool2D(layout.framed_shape, layout.window, layout.stride, dtype=dtype)
    found = _behind(image, pool, layout.shape_of(pool.output_shape), dtype)
    found = _times(found, prod(layout.window))
    return _with_constant(equation, transposed(found, layout.back), value, operands)


def _behind(value: Affine, part: Part, shape: Shape, dtype: Any) -> Affine:
    """Return a linear map of a value, without its constant."""
    terms = tuple(behind_weights(term, part, dtype) for term in value.terms)
    return replace(value, shape=tuple(shape), terms=terms, shift=np.zeros(()))


def _with_constant(
    equation: Equation, found: Affine, value: Affine, operands: Sequence[Any]
) -> Affine:
    """Add what the equation makes of the constant of the value."""
    if not value.shift.any():
        return found
    shift = np.broadcast_to(value.shift, (value.size,)).reshape(value.shape)
    constant = [
        shift.astype(equation.dtype) if operand is value else operand for operand in operands
    ]
    (of_shift,) = equation.evaluated(constant)
    each = np.asarray(of_shift, np.float64).ravel()
    return replace(found, shift=each * (value.scale / found.scale))


def _times(value: Affine, number: int) -> Affine:
    return replace(value, scale=value.scale * number)


def as_matrix(equation: Equation, value: Affine, operands: Sequence[Any], dtype: Any) -> Affine:
    """Read a linear equation as a matrix, which is what it makes of each unit vector."""
    shape = equation.shape
    if value.size * prod(shape) > _MOST_WEIGHTS:
        raise equation.refused(
            f"it would be a matrix of {value.size} x {prod(shape)} weights",
            "a convolution with a stride, padding, dilation or groups, or a smaller one",
        )
    others = [None if operand is value else operand for operand in operands]

    def column(unit: jax.Array) -> jax.Array:
        with_unit = [unit.reshape(value.shape) if o is None else o for o in others]
        return equation.evaluated(with_unit)[0].ravel()

    matrix = jax.vmap(column)(jnp.eye(value.size, dtype=dtype))
    found = _behind(value, Dense(matrix), shape, dtype)
    return _with_constant(equation, found, value, operands)


def _dilated(kernel: jax.Array, dilation: Sequence[int]) -> jax.Array:
    """Return a kernel [..., channels in, channels out] with zeros between its weights."""
    if set(dilation) == {1}:
        return kernel
    zero = jnp.zeros((), kernel.dtype)
    between = [(0, 0, step - 1) for step in dilation]
    return jax.lax.pad(kernel, zero, [*between, (0, 0, 0), (0, 0, 0)])


def _free(shape: Shape, taken: Sequence[int]) -> tuple[int, ...]:
    return tuple(axis for axis in range(len(shape)) if axis not in taken)


LINEAR: dict[str, Linear] = {
    "dot_general": dot_general,
    "conv_general_dilated": conv_general_dilated,
    "reduce_sum": reduce_sum,
    "reduce_window_sum": reduce_window_sum,
    "cumsum": as_matrix,
}
"""Readers of equations that are linear in one operand."""
