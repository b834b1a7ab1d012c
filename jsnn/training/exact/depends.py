"""Dependence of what a function returns on its arguments, by what JAX traces of the function."""

from collections.abc import Callable
from typing import Any

import jax


def depends_on(function: Callable[..., Any], arguments: tuple[Any, ...], *, on: int) -> list[bool]:
    """Return for each leaf of the result whether it may depend on an argument.

    Args:
      function: a function of arrays.
      arguments: the shapes and dtypes of its arguments.
      on: the position of the argument.
    """
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    sizes = [len(jax.tree.leaves(argument)) for argument in arguments]
    first = sum(sizes[:on])
    reached = {id(v) for v in traced.invars[first : first + sizes[on]]}
    for equation in traced.eqns:
        if any(id(v) in reached for v in equation.invars):
            reached |= {id(v) for v in equation.outvars}
    return [id(v) in reached for v in traced.outvars]
