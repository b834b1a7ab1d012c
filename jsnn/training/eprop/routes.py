"""Routes of a derivative through a step, known by what JAX traces of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jsnn.training.eprop.local_step import AtPlaces, Place, Route

_PROGRAMS = ("pjit", "jit", "closed_call", "core_call", "custom_jvp_call")
"""Operations that run a program once, on arguments as they are."""
_Numbers = frozenset[int]


class Routes(NamedTuple):
    """The derivatives of a step that are not zero for every value.

    Attributes:
      all: (after, before) of each of them.
      that_change: those that may depend on the arguments of the step, so that it is not linear.
    """

    all: frozenset[Route]
    that_change: frozenset[Route]

    def reached_from(self, place: Place) -> tuple[Place, ...]:
        """Return the variables whose later values depend on a place, in order."""
        found: set[Place] = set()
        new = {place}
        while new:
            new = {to for to, of in self.all if of in new} - found
            found |= new
        return tuple(sorted(found))


def routes_of(step: Callable[[AtPlaces], AtPlaces], before: AtPlaces) -> Routes:
    """Find the derivatives of a step that are not zero for every value.

    Args:
      step: the local step of a population.
      before: its arguments.
    """

    def tangents(values: AtPlaces, changes: AtPlaces) -> AtPlaces:
        return jax.jvp(step, (values,), (changes,))[1]

    traced, shapes = jax.make_jaxpr(tangents, return_shape=True)(before, before)
    places, after, n = sorted(before), sorted(shapes), len(before)
    sources = _sources(traced.jaxpr, [frozenset({i}) for i in range(2 * n)])
    routes = {
        (to, of): found
        for to, found in zip(after, sources, strict=True)
        for i, of in enumerate(places)
        if n + i in found
    }
    changing = {route for route, found in routes.items() if any(i < n for i in found)}
    return Routes(frozenset(routes), frozenset(changing))


def _sources(program: Any, given: list[_Numbers]) -> list[_Numbers]:
    """Return the numbers of the arguments that each result of a program may depend on."""
    known = dict(zip(program.invars, given, strict=True))

    def of(variable: Any) -> _Numbers:
        return frozenset() if hasattr(variable, "val") else known.get(variable, frozenset())

    for equation in program.eqns:
        before = [of(variable) for variable in equation.invars]
        inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
        if equation.primitive.name in _PROGRAMS and inner is not None:
            after = _sources(getattr(inner, "jaxpr", inner), before)
        elif _is_guard(equation):
            after = [frozenset()]
        else:
            after = [frozenset().union(*before)] * len(equation.outvars)
        known |= zip(equation.outvars, after, strict=True)
    return [of(variable) for variable in program.outvars]


def _is_guard(equation: Any) -> bool:
    """Return True for the comparison in `jsnn.product`, which is False for every finite number."""
    bounds = [x.val for x in equation.invars if hasattr(x, "val")]
    return equation.primitive.name == "lt" and any(x <= np.finfo(x.dtype).min for x in bounds)
