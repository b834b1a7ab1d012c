"""Equations that move values and compute none: transpose, slice, pad, concatenate and others."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from jsnn.conversion.reading.affine import Affine, Shape
from jsnn.conversion.reading.equation import Equation

MOVES = (
    *("broadcast_in_dim", "concatenate", "dynamic_slice", "dynamic_update_slice", "gather", "pad"),
    *("reshape", "rev", "scatter", "select_n", "slice", "split", "squeeze", "tile", "transpose"),
)
"""Names of the primitives."""


def moved(equation: Equation, operands: Sequence[Any]) -> list[Affine | np.ndarray]:
    """Return the results of an equation that moves values, some of which depend on the image.

    The equation itself is evaluated on the numbers of the values.
    """
    shapes = [variable.aval.shape for variable in equation.given.outvars]
    if equation.name in ("reshape", "squeeze", "broadcast_in_dim"):
        value = operands[0]
        if value.size == prod(shapes[0]):
            return [value.reshaped(shapes[0])]
    results: list[Affine | np.ndarray | None] = [None] * len(shapes)
    types = [variable.aval.dtype for variable in equation.given.invars]
    constants = equation.evaluated(list(map(_constant, operands, types)))
    outside = {"fill_value": 0} if equation.name == "gather" else {}
    for place, operand in enumerate(operands):
        if not isinstance(operand, Affine):
            continue
        numbers = [_numbers(other, of=i == place) for i, other in enumerate(operands)]
        for i, index in enumerate(equation.evaluated(numbers, **outside)):
            part = _rearranged(operand, np.asarray(index).ravel() - 1, shapes[i])
            results[i] = part if results[i] is None else _sum(results[i], part)
    return [
        np.asarray(constant) if result is None else _plus(result, constant)
        for result, constant in zip(results, constants, strict=True)
    ]


def transposed(value: Affine, axes: Sequence[int]) -> Affine:
    """Return a value with its axes in another order."""
    axes = tuple(axes)
    if axes == tuple(range(len(value.shape))):
        return value
    numbers = np.arange(value.size).reshape(value.shape).transpose(axes)
    return rearranged(value, numbers.ravel(), numbers.shape)


def rearranged(value: Affine, index: np.ndarray, shape: Shape) -> Affine:
    """Return values[index], or 0 where the index is -1, with the constant of each value."""
    shift = value.shift
    if shift.ndim or (index < 0).any():
        each = np.broadcast_to(shift, (value.size,))
        shift = np.where(index < 0, 0.0, each[np.maximum(index, 0)])
    return replace(
        value, shape=shape, shift=shift, terms=tuple(term.moved(index) for term in value.terms)
    )


def _rearranged(value: Affine, index: np.ndarray, shape: Shape) -> Affine | None:
    """Return the values without their constants, or None if none of them is left."""
    if (index < 0).all():
        return None
    return rearranged(replace(value, shift=np.zeros(())), index, shape)


def _sum(first: Any, second: Affine | None) -> Any:
    return first if second is None else first.added(second)


def _plus(value: Any, constant: Any) -> Any:
    constant = np.asarray(constant, np.float64)
    return value.plus(constant) if isinstance(value, Affine) and constant.any() else value


def _constant(operand: Any, dtype: Any) -> Any:
    return operand.constant().astype(dtype) if isinstance(operand, Affine) else operand


def _numbers(operand: Any, *, of: bool) -> Any:
    """Return the numbers 1, 2, ... of a value, 0 for other values, and all else as it is."""
    if isinstance(operand, Affine):
        numbers = np.arange(1, operand.size + 1, dtype=np.int32)
        return numbers.reshape(operand.shape) if of else np.zeros(operand.shape, np.int32)
    given = np.asarray(operand)
    return np.zeros(given.shape, np.int32) if given.dtype.kind == "f" else operand
