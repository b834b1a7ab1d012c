"""Dependence of what a function returns on its arguments, by what JAX traces of the function."""

from collections.abc import Callable
from typing import Any

import jax

_ROUNDING = {"round", "floor", "ceil"}
"""Names of operations whose result is whole."""


def depends_on(function: Callable[..., Any], arguments: tuple[Any, ...], *, on: int) -> list[bool]:
    """Return for each leaf of the result whether it may depend on an argument.

    Args:
      function: a function of arrays.
      arguments: the shapes and dtypes of its arguments.
      on: the position of the argument.
    """
    traced, leaves = _traced(function, arguments, on)
    reached = _reached(traced, leaves)
    return [id(v) in reached for v in traced.outvars]


def is_rounded(function: Callable[..., Any], arguments: tuple[Any, ...], *, on: int) -> list[bool]:
    """Return for each leaf of an argument whether the function rounds what depends on it.

    Args:
      function: a function of arrays.
      arguments: the shapes and dtypes of its arguments.
      on: the position of the argument.
    """
    traced, leaves = _traced(function, arguments, on)
    rounded = [v for e in traced.eqns if _name(e) in _ROUNDING for v in e.invars]

    def is_lost(variable: Any) -> bool:
        reached = _reached(traced, [variable])
        return any(id(v) in reached for v in rounded)

    return [is_lost(v) for v in leaves]


def _traced(
    function: Callable[..., Any], arguments: tuple[Any, ...], on: int
) -> tuple[Any, list[Any]]:
    """Return the operations of a function, and its variables for the leaves of an argument."""
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    sizes = [len(jax.tree.leaves(argument)) for argument in arguments]
    first = sum(sizes[:on])
    return traced, traced.invars[first : first + sizes[on]]


def _reached(traced: Any, sources: list[Any]) -> set[int]:
    """Return the numbers of the variables that may depend on sources."""
    reached = {id(v) for v in sources}
    for equation in traced.eqns:
        if any(id(v) in reached for v in equation.invars):
            reached |= {id(v) for v in equation.outvars}
    return reached


def _name(equation: Any) -> str:
    """Return the name of an operation, or of the function that it calls."""
    return str(equation.params.get("name", equation.primitive.name))
