"""Equations of activations: maxima and minima, rounding, max pooling and gates."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from jsnn.conversion.activation import Clipped, Quantised, Relu
from jsnn.conversion.layers import IMAGE
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.conversion.reading.affine import Affine, uniform
from jsnn.conversion.reading.equation import Equation
from jsnn.conversion.reading.graph import Floored, Graph
from jsnn.conversion.reading.movement import transposed
from jsnn.conversion.reading.windows import Windows, windows_of

_WHOLE = 1e-4
"""Error that the number of levels of a rounded activation may have."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Condition that a value is above 0; `value` is that which depends on the image."""

    value: Affine


@dataclass(frozen=True, eq=False)
class Maxima:
    """Max pooling of a value that no activation was taken of yet.

    A maximum of activations is the activation of a maximum, so that the activation comes first.

    Attributes:
      value: value in the order of the image that the windows slide over.
      windows: the windows.
      label: name of the pooling.
      shape: shape of the result in the model.
    """

    value: Affine
    windows: Windows
    label: str
    shape: tuple[int, ...]


def depends(value: Any) -> bool:
    """Return True if a value depends on the image."""
    return isinstance(value, Affine | Comparison | Maxima)


def maximum(graph: Graph, value: Affine, other: Affine | np.ndarray) -> Affine:
    """Return max(x, y) = y + ReLU(x - y)."""
    if isinstance(other, Affine):
        difference = value.added(other.negated())
        if isinstance(difference, np.ndarray):
            return other.plus(np.maximum(difference, 0))
        return _certain(rectified(graph, difference).added(other))
    lowest = np.asarray(other, np.float64)
    if not lowest.any():
        return rectified(graph, value)
    return rectified(graph, value.plus(-lowest)).plus(lowest)


def minimum(graph: Graph, value: Affine, other: Affine | np.ndarray) -> Affine:
    """Return min(x, y), as saturation of an activation or as y - ReLU(y - x)."""
    if isinstance(other, np.ndarray):
        clipped = _saturated(graph, value, np.asarray(other, np.float64))
        if clipped is not None:
            return clipped
    negated = other.negated() if isinstance(other, Affine) else -np.asarray(other, np.float64)
    return maximum(graph, value.negated(), negated).negated()


def rectified(graph: Graph, value: Affine) -> Affine:
    """Return max(x, 0)."""
    node = graph.node_of(value)
    if node is not None and node.activation == Floored(rectified=False) and not value.shift.any():
        return _again(graph, value, node.base, Floored(rectified=True))
    if graph.is_nonnegative(value):
        return value
    return graph.activated(value, Relu())


def rectified_maxima(graph: Graph, maxima: Maxima) -> Affine:
    """Return max(x, 0) of max pooling."""
    activated = graph.activated(maxima.value, Relu(), in_order=True)
    return _pooled(graph, activated, maxima)


def max_pooled(graph: Graph, equation: Equation, value: Affine) -> Affine | Maxima:
    """Read max pooling of a value."""
    found = windows_of(equation, value, framed=False)
    if found is None:
        raise equation.refused(
            "its windows have gaps or three dimensions", "windows of two dimensions"
        )
    return _maxima(graph, equation, *found)


def maximum_over_axes(graph: Graph, equation: Equation, value: Affine) -> Affine | Maxima:
    """Read the maximum over whole axes, which is max pooling with one window."""
    axes = [axis for axis in equation.params["axes"] if value.shape[axis] > 1]
    if not axes:
        return value.reshaped(equation.shape)
    sizes = [value.shape[axis] for axis in axes]
    kept = [axis for axis in range(len(value.shape)) if axis not in axes]
    value = transposed(value, (*axes, *kept))
    if len(axes) > 2:
        sizes = [prod(sizes)]
        value = value.reshaped((*sizes, *value.shape[len(axes) :]))
    number = len(sizes)
    windows = Windows(value.shape, range(number), sizes, [1] * number, [(0, 0)] * number)
    return _maxima(graph, equation, value, windows)


def _maxima(graph: Graph, equation: Equation, value: Affine, windows: Windows) -> Affine | Maxima:
    maxima = Maxima(value, windows, equation.title, equation.shape)
    if all(term.source == IMAGE and not term.has_weights for term in value.terms):
        raise equation.refused(
            "it is of the image itself", "max pooling of activations (pool images before)"
        )
    node = graph.node_of(value)
    if node is not None and not value.terms[0].parts and not isinstance(node.activation, Floored):
        return _pooled(graph, value, maxima)
    if graph.is_nonnegative(value):
        return _pooled(graph, graph.activated(value, Relu(), in_order=True), maxima)
    return maxima


def _pooled(graph: Graph, value: Affine, maxima: Maxima) -> Affine:
    """Return maxima of the activation of a node, which a value is a multiple of."""
    windows = maxima.windows
    pool = MaxPool2D(windows.image_shape, windows.window, windows.stride, np.float32, windows.frame)
    found = graph.pooled(_source(value), pool, maxima.label)
    result = replace(
        found,
        shape=windows.shape_of(found.shape),
        scale=value.factor,
        shift=np.asarray(value.shift.flat[0] / value.terms[0].gain.flat[0]),
    )
    return transposed(result, windows.back).reshaped(maxima.shape)


def _source(value: Affine) -> Affine:
    """Return the activation of a node itself, without a factor and a constant."""
    term = replace(value.terms[0], gain=np.ones(()))
    return Affine(value.shape, (term,))


def _saturated(graph: Graph, value: Affine, highest: np.ndarray) -> Affine | None:
    """Return min(x, highest) of a multiple of an activation, if it is one."""
    node = graph.node_of(value)
    if node is None or not uniform(highest):
        return None
    bound = (float(highest.flat[0]) / value.scale - float(value.shift.flat[0])) / float(
        value.terms[0].gain.flat[0]
    )
    if bound <= 0:
        return None
    if isinstance(node.activation, Floored) and node.activation.rectified:
        if abs(bound - round(bound)) > _WHOLE * bound or value.shift.any():
            return None
        return _quantised(graph, value, node.base, bound, round(bound), value.factor)
    if isinstance(node.activation, Relu):
        return _again(graph, value, node.base, Clipped(bound))
    if isinstance(node.activation, Clipped):
        return _again(graph, value, node.base, Clipped(min(bound, node.activation.highest)))
    if isinstance(node.activation, Quantised) and bound >= node.activation.threshold:
        return value
    return None


def rounded(graph: Graph, equation: Equation, value: Affine, *, offset: float) -> Affine:
    """Read ⌊x + offset⌋ of x, with an offset of 1/2 - offset in the value: levels of a QCFS.

    Args:
      graph: the graph.
      equation: for messages.
      value: x.
      offset: 0 for floor, 1/2 for rounding to the nearest.
    """
    node = graph.node_of(value)
    half = offset + value.scale * float(value.shift.flat[0])
    if node is not None and isinstance(node.activation, Quantised):
        level = value.factor * node.activation.threshold / node.activation.levels
        if abs(level - round(level)) < _WHOLE * level and abs(half - 0.5) < _WHOLE:
            return replace(value, shift=np.zeros(()))
    if node is not None and isinstance(node.activation, Clipped):
        levels = value.factor * node.activation.highest
        if abs(half - 0.5) < _WHOLE and abs(levels - round(levels)) < _WHOLE * levels:
            return _quantised(graph, value, node.base, node.activation.highest, round(levels), 1.0)
        raise equation.refused(
            f"it rounds {levels:.6g} levels with an offset of {half:g}",
            "a whole number of levels, rounded to the nearest, as jsnn.conversion.qcfs does",
        )
    if any(term.has_weights for term in value.terms) or graph.is_nonnegative(value):
        centred = value.plus(np.asarray(offset - 0.5))
        return graph.activated(centred, Floored(rectified=False))
    raise equation.refused("it is not of an activation", "jsnn.conversion.qcfs of a layer")


def _quantised(
    graph: Graph, value: Affine, base: Affine, highest: float, levels: int, level: float
) -> Affine:
    """Return a value of k levels, k = ⌊levels x / highest + 1/2⌋ clipped to 0 ... levels.

    A factor > 0 that all of x has is taken out of the layer, so that its threshold is the one that
    the model has.

    Args:
      graph: the graph.
      value: value of the node in whose place the new one is.
      base: x.
      highest: x of the last level.
      levels: number of levels.
      level: value of one level.
    """
    factor = base.scale if base.scale > 0 else 1.0
    threshold = float(np.float32(highest / factor))
    base = replace(base, scale=base.scale / factor)
    found = _again(graph, value, base, Quantised(threshold, levels))
    term = replace(found.terms[0], gain=np.ones(()))
    return Affine(value.shape, (term,), scale=level * levels / threshold)


def _again(graph: Graph, value: Affine, base: Affine, activation: Any) -> Affine:
    """Return a value with another activation of the same base in place of that of its node."""
    term = value.terms[0]
    found = graph.activated(base, activation, in_order=True)
    return replace(value, terms=(replace(term, source=found.terms[0].source),))


def chosen(graph: Graph, condition: Comparison, on_true: Any, on_false: Any) -> Affine | None:
    """Return one of two values, by the condition d > 0; None if it is not continuous.

    If on_true - on_false = k d, with constants k, this is on_false + k ReLU(d), which is also
    on_true + k ReLU(-d), such as ReLU itself, a leaky ReLU, a maximum or a minimum.
    """
    d = condition.value
    difference = _difference(on_true, on_false)
    if not isinstance(difference, Affine):
        return None
    factor = d.factor_of(difference)
    if factor is None:
        return None
    if isinstance(on_true, Affine):
        return _certain(_added(rectified(graph, d).times(factor), on_false))
    return _certain(_added(rectified(graph, d.negated()).times(factor), on_true))


def _difference(first: Affine | np.ndarray, second: Affine | np.ndarray) -> Any:
    if isinstance(second, Affine):
        return _added(second.negated(), first)
    return _added(first, -np.asarray(second, np.float64))


def _added(value: Any, other: Any) -> Any:
    if not isinstance(value, Affine):
        return value
    return value.added(other) if isinstance(other, Affine) else value.plus(np.asarray(other))


def _certain(value: Affine | np.ndarray) -> Affine:
    assert isinstance(value, Affine)
    return value
