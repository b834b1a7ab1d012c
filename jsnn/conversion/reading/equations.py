"""Reader of the equations of a model: evaluate what does not depend on the image, read the rest.

Equations come from `jax.make_jaxpr`. A value that does not depend on the image is an array; one
that does is an `Affine`, and on the way to it a `Comparison` or `Maxima`.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.extend.core as jex
import numpy as np

from jsnn.conversion.layers import IMAGE
from jsnn.conversion.reading.activations import (
    Comparison,
    Maxima,
    chosen,
    depends,
    max_pooled,
    maximum_over_axes,
    rectified_maxima,
)
from jsnn.conversion.reading.advice import advice_about
from jsnn.conversion.reading.affine import Affine
from jsnn.conversion.reading.arithmetic import Arithmetic
from jsnn.conversion.reading.equation import Equation, place_of
from jsnn.conversion.reading.graph import Graph
from jsnn.conversion.reading.labels import Labels
from jsnn.conversion.reading.linear import LINEAR
from jsnn.conversion.reading.movement import MOVES, moved, rearranged

Value = Any
"""An array, `Affine`, `Comparison` or `Maxima`."""

_CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
    "remat",
    "remat2",
    "checkpoint",
    "custom_lin",
)

_IDENTITIES = (
    "copy",
    "copy_p",
    "optimization_barrier",
    "sharding_constraint",
    "stop_gradient",
    "reduce_precision",
    "pvary",
)


class Reader:
    """Reader of equations, which adds nodes to a graph.

    Args:
      graph: the graph.
      labels: names of parameters.
      dtype: data type of the network.
    """

    def __init__(self, graph: Graph, labels: Labels, dtype: Any) -> None:
        self.graph, self.labels, self.dtype = graph, labels, dtype
        self.arithmetic = Arithmetic(graph, labels).readers
        self._library: Equation | None = None  # call of a library's function, which is being read
        self._outer = ""  # line of the call of a function, in place of one that is not known

    def read(self, jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Value]) -> list[Value]:
        """Return the results of a jaxpr, given its constants and arguments."""
        known: dict[Any, Value] = dict(zip(jaxpr.constvars, consts, strict=True))
        known |= zip(jaxpr.invars, arguments, strict=True)

        def value(atom: Any) -> Value:
            return atom.val if isinstance(atom, jex.Literal) else known[atom]

        for given in jaxpr.eqns:
            operands = [value(atom) for atom in given.invars]
            results = self._results(self._equation(given), operands)
            known |= zip(given.outvars, results, strict=True)
        return [value(atom) for atom in jaxpr.outvars]

    def _equation(self, given: Any) -> Equation:
        if self._library is not None:
            return Equation(given, self._library.line, self._library.called)
        line, function = place_of(given)
        return Equation(given, line or self._outer, function)

    def _results(self, equation: Equation, operands: list[Value]) -> list[Value]:
        name = equation.name
        if name in _CALLS:
            return self._called(equation, operands)
        if not any(map(depends, operands)):
            results = equation.evaluated(operands)
            self.labels.inherit(operands, results)
            return results
        if name == "cond" and not depends(operands[0]):
            branch = equation.params["branches"][int(operands[0])]
            return self.read(branch.jaxpr, branch.consts, operands[1:])
        if name == "scan":
            return self._unrolled(equation, operands)
        if name in ("cond", "while"):
            raise equation.refused(
                "its control flow has values that depend on the image",
                "a model without such conditions",
            )
        if name in MOVES and not isinstance(operands[0], Comparison):
            operands = [self._plain(equation, operand) for operand in operands]
            return list(moved(equation, operands))
        result = self._result(name, equation, operands)
        if isinstance(result, Affine):
            result = result.reshaped(tuple(equation.shape))
        return [result]

    def _called(self, equation: Equation, operands: list[Value]) -> list[Value]:
        before = self._library, self._outer
        self._outer = equation.line
        if self._library is None and equation.called:
            self._library = equation
        inner, consts = _function(equation)
        results = self.read(inner, consts, operands)
        self._library, self._outer = before
        return results

    def _result(self, name: str, equation: Equation, operands: list[Value]) -> Value:
        first = operands[0]
        if name == "max" and any(isinstance(operand, Maxima) for operand in operands):
            return self._of_maxima(equation, operands)
        if name == "select_n" and isinstance(first, Comparison):
            return self._selected(equation, first, operands[1:])
        if name == "mul" and any(isinstance(operand, Comparison) for operand in operands):
            return self._gated(equation, operands)
        if name == "not" and isinstance(first, Comparison):
            return Comparison(first.value.negated())
        if name == "convert_element_type":
            return self._converted(equation, first)
        plain = [self._plain(equation, operand) for operand in operands]
        if name in _IDENTITIES:
            return plain[0]
        if name in self.arithmetic:
            return self.arithmetic[name](equation, [_broadcast(x, equation.shape) for x in plain])
        if name in LINEAR:
            return self._linear(name, equation, plain)
        if name in ("reduce_window_max", "reduce_max"):
            read = max_pooled if name == "reduce_window_max" else maximum_over_axes
            return read(self.graph, equation, plain[0])
        raise equation.refused("it is not linear and no ReLU", advice_about(name))

    def _linear(self, name: str, equation: Equation, operands: list[Value]) -> Value:
        dependent = [operand for operand in operands if isinstance(operand, Affine)]
        if len(dependent) > 1:
            raise equation.refused(
                "both of its factors depend on the image",
                "a product with parameters (attention cannot be converted)",
            )
        (value,) = dependent
        for operand in operands:
            if operand is not value:
                self.labels.check_finite(operand, equation)
        found = LINEAR[name](equation, value, operands, self.dtype)
        if name in ("dot_general", "conv_general_dilated"):
            weights = next(operand for operand in operands if operand is not value)
            found = found.labelled(self.labels.of(weights) or equation.title)
        return found

    def _plain(self, equation: Equation, operand: Value) -> Value:
        """Return an operand that is an array or an `Affine`, which others are not yet."""
        if isinstance(operand, Maxima):
            raise equation.refused(
                f"{operand.label} is of a value without an activation",
                "ReLU or QCFS before or directly after max pooling, and logits without a softmax",
            )
        if isinstance(operand, Comparison):
            raise equation.refused("a condition depends on the image", "ReLU, or no such condition")
        return operand

    def _of_maxima(self, equation: Equation, operands: list[Value]) -> Value:
        maxima, other = operands if isinstance(operands[0], Maxima) else reversed(operands)
        if depends(other) or np.any(other):
            raise equation.refused(
                "it joins a maximum over several values with other values",
                "ReLU after max pooling, and logits without a softmax",
            )
        return rectified_maxima(self.graph, maxima)

    def _selected(self, equation: Equation, condition: Comparison, cases: list[Value]) -> Value:
        on_false, on_true = (self._plain(equation, case) for case in cases)
        found = chosen(self.graph, condition, on_true, on_false)
        if found is None:
            raise equation.refused(
                "its two cases do not meet, or not in a straight line",
                "ReLU, jnp.maximum, jnp.minimum or jnp.clip",
            )
        return found

    def _gated(self, equation: Equation, operands: list[Value]) -> Value:
        gate, value = operands if isinstance(operands[0], Comparison) else reversed(operands)
        on_true = self._plain(equation, value)
        found = chosen(self.graph, gate, on_true, np.zeros(equation.shape))
        if found is None:
            raise equation.refused("it is no ReLU", "x * (x > 0), or jax.nn.relu")
        return found

    def _unrolled(self, equation: Equation, operands: list[Value]) -> list[Value]:
        """Return the results of a scan over constants, step by step."""
        given = equation.params
        first, end = given["num_consts"], given["num_consts"] + given["num_carry"]
        constants, carry, over = operands[:first], operands[first:end], operands[end:]
        if len(equation.given.outvars) > len(carry) or any(map(depends, over)):
            raise equation.refused(
                "it is over values of the image, or stacks some", "a loop in Python"
            )
        steps = range(given["length"])
        for step in reversed(steps) if given["reverse"] else steps:
            of_step = [value[step] for value in over]
            for value, taken in zip(over, of_step, strict=True):
                self.labels.inherit([value], [taken])
            jaxpr = given["jaxpr"]
            carry = self.read(jaxpr.jaxpr, jaxpr.consts, [*constants, *carry, *of_step])
        return carry

    def _converted(self, equation: Equation, value: Value) -> Value:
        new = np.dtype(equation.params["new_dtype"])
        if isinstance(value, Comparison) and new.kind == "f":
            return value
        value = self._plain(equation, value)
        if new.kind != "f" and new != jax.dtypes.bfloat16:
            raise equation.refused("it rounds to integers", "floating point numbers")
        if new not in (np.float32, np.float64):
            raise TypeError(
                f"model: {equation} computes in {new}; expected "
                f"{np.dtype(self.dtype)}, in which the network computes"
            )
        old = equation.given.invars[0].aval.dtype
        if new != old and not _is_image(value):
            raise TypeError(
                f"model: {equation} goes on in {new} with what was computed in {old}; expected one "
                "data type for all parameters"
            )
        return value


def _broadcast(value: Value, shape: tuple[int, ...]) -> Value:
    """Return an operand in the shape of the result; axes of size 1 are repeated."""
    if not isinstance(value, Affine) or value.shape == shape:
        return value
    numbers = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape)
    return rearranged(value, numbers.ravel(), shape)


def _is_image(value: Affine) -> bool:
    return all(term.source == IMAGE and not term.has_weights for term in value.terms)


def _function(equation: Equation) -> tuple[Any, Sequence[Any]]:
    """Return the jaxpr that an equation calls, and its constants."""
    for name in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        inner = equation.params.get(name)
        if inner is not None:
            closed = hasattr(inner, "consts")
            return (inner.jaxpr, inner.consts) if closed else (inner, ())
    raise equation.refused("it hides what it calls", "a plain function")
