"""Equations of arithmetic on each number: sums, products, maxima, rounding and comparisons."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jsnn.conversion.reading.activations import Comparison, depends, maximum, minimum, rounded
from jsnn.conversion.reading.equation import Equation
from jsnn.conversion.reading.graph import Graph
from jsnn.conversion.reading.labels import Labels


class Arithmetic:
    """Reader of equations of arithmetic, whose operands have the shape of the result.

    Each method takes an equation and its operands, arrays or `Affine`, of which one at least
    depends on the image.

    Args:
      graph: graph to which activations are added.
      labels: names of parameters.
    """

    def __init__(self, graph: Graph, labels: Labels) -> None:
        self.graph, self.labels = graph, labels
        self.readers: dict[str, Callable[[Equation, list[Any]], Any]] = {
            "mul": self.times,
            "div": self.divided,
            "add": self.added,
            "add_any": self.added,
            "sub": self.subtracted,
            "neg": self.negated,
            "max": self.maximum,
            "min": self.minimum,
            "clamp": self.clamped,
            "abs": self.absolute,
            "floor": self.floored,
            "round": self.rounded,
            "gt": self.compared,
            "ge": self.compared,
            "lt": self.compared,
            "le": self.compared,
        }

    def times(self, equation: Equation, operands: list[Any]) -> Any:
        """Read a product with constants."""
        if all(map(depends, operands)):
            raise equation.refused(
                "both of its factors depend on the image",
                "factors that are parameters (the statistics of LayerNorm and GroupNorm depend on "
                "the image, those of batch normalisation in evaluation mode do not)",
            )
        value, factor = operands if depends(operands[0]) else reversed(operands)
        self.labels.check_finite(factor, equation)
        return value.times(factor)

    def divided(self, equation: Equation, operands: list[Any]) -> Any:
        """Read a division by constants."""
        value, by = operands
        if depends(by):
            raise equation.refused(
                "it divides by what depends on the image",
                "logits (leave out a softmax at the end), or division by parameters",
            )
        self.labels.check_finite(by, equation)
        if not np.all(by):
            raise equation.refused("it divides by 0", "numbers other than 0")
        return value.divided(by)

    def added(self, equation: Equation, operands: list[Any]) -> Any:
        """Read a sum."""
        value, other = operands if depends(operands[0]) else reversed(operands)
        if depends(other):
            return value.added(other)
        self.labels.check_finite(other, equation)
        return value.plus(other)

    def subtracted(self, equation: Equation, operands: list[Any]) -> Any:
        """Read a difference."""
        first, second = operands
        if depends(second):
            return self.added(equation, [first, second.negated()])
        return self.added(equation, [first, -np.asarray(second)])

    def negated(self, equation: Equation, operands: list[Any]) -> Any:
        """Read the other sign."""
        return operands[0].negated()

    def maximum(self, equation: Equation, operands: list[Any]) -> Any:
        """Read the larger one of two values."""
        value, other = operands if depends(operands[0]) else reversed(operands)
        return maximum(self.graph, value, other if depends(other) else np.asarray(other))

    def minimum(self, equation: Equation, operands: list[Any]) -> Any:
        """Read the smaller one of two values."""
        value, other = operands if depends(operands[0]) else reversed(operands)
        return minimum(self.graph, value, other if depends(other) else np.asarray(other))

    def clamped(self, equation: Equation, operands: list[Any]) -> Any:
        """Read clipping between constants."""
        low, value, high = operands
        if depends(low) or depends(high):
            raise equation.refused("its bounds depend on the image", "constant bounds")
        above = maximum(self.graph, value, np.asarray(low))
        return minimum(self.graph, above, np.asarray(high))

    def absolute(self, equation: Equation, operands: list[Any]) -> Any:
        """Read |x|, the larger one of x and -x."""
        return maximum(self.graph, operands[0], operands[0].negated())

    def floored(self, equation: Equation, operands: list[Any]) -> Any:
        """Read rounding down."""
        return rounded(self.graph, equation, operands[0], offset=0.0)

    def rounded(self, equation: Equation, operands: list[Any]) -> Any:
        """Read rounding to the nearest."""
        return rounded(self.graph, equation, operands[0], offset=0.5)

    def compared(self, equation: Equation, operands: list[Any]) -> Any:
        """Read a comparison as the condition that a difference is above 0."""
        difference = self.subtracted(equation, operands)
        if not depends(difference):
            return equation.evaluated([difference, np.zeros(())])[0]
        return Comparison(difference if equation.name in ("gt", "ge") else difference.negated())
