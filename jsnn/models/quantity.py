"""Quantities: the parameters and variables that a model declares."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from jsnn._checks import check_finite, check_type, is_concrete, numbers
from jsnn._pytree import FrozenDict

Bound = float | str | None
"""A number, the name of another parameter of the model, or None for no bound."""


@dataclass(frozen=True)
class Quantity:
    """A parameter or variable of a model: its default, its unit and the values it may have.

        jsnn.Quantity(20.0, "ms", above=0)         # a time constant
        jsnn.Quantity(0.0, at_most="w_max")        # no larger than the parameter w_max

    Attributes:
      default: the value if a user gives none: a finite real number, or nested sequences of them
        for a table.
      unit: such as "ms" or "mV"; "" if dimensionless.
      above: the value is larger than this number or parameter.
      at_least: the value is no smaller.
      below: the value is smaller.
      at_most: the value is no larger.
      note: advice for the message if a value is outside these bounds.
      shared: True for a variable of which all neurons of a population have one in common, ().
    """

    default: Any
    unit: str = ""
    above: Bound = None
    at_least: Bound = None
    below: Bound = None
    at_most: Bound = None
    note: str = ""
    shared: bool = False

    @property
    def domain(self) -> str:
        """The bounds in words, such as "> 0"; "" without bounds."""
        found = ((symbol, getattr(self, name)) for name, (symbol, _) in _BOUNDS.items())
        return " and ".join(f"{symbol} {bound}" for symbol, bound in found if bound is not None)

    @property
    def kind(self) -> str:
        """The kind of number, as `numpy.dtype.kind` has it: "f", "i", "u" or "b"."""
        return np.asarray(self.default).dtype.kind

    @property
    def ndim(self) -> int:
        """The number of axes: 0, or 1 or 2 for a table."""
        return np.ndim(self.default)

    def __repr__(self) -> str:
        given = [repr(self.default), *([repr(self.unit)] if self.unit else [])]
        given += [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)[2:]
            if getattr(self, field.name) not in (None, "", False)
        ]
        return f"Quantity({', '.join(given)})"


_BOUNDS = {
    "above": (">", operator.gt),
    "at_least": (">=", operator.ge),
    "below": ("<", operator.lt),
    "at_most": ("<=", operator.le),
}


def quantities(given: Any, what: str) -> FrozenDict[Quantity]:
    """Return declared quantities by name; a bare number has no unit and no bounds.

    Raises:
      TypeError: if a default is not a real number, or `given` is not a mapping.
      ValueError: if a default is NaN or infinite, or outside its own bounds.
    """
    check_type(given, Mapping, f"{what}s", " by name")
    declared = FrozenDict(
        {name: x if isinstance(x, Quantity) else Quantity(x) for name, x in given.items()}
    )
    for name, quantity in declared.items():
        numbers(quantity.default, f"{what} {name!r}", bools=True)
        check_finite(quantity.default, f"{what} {name!r}")
        for bound in bounds_of(quantity).values():
            if isinstance(bound, str) and bound not in declared:
                raise ValueError(
                    f"{what} {name!r}: bounded by {bound!r}, which is not declared beside it; "
                    f"expected a number or one of {', '.join(map(repr, declared))}"
                )
    check_domains(declared, defaults(declared), what)
    return declared


def bounds_of(quantity: Quantity) -> dict[str, float | str]:
    """Return {"above", "at_least", "below" or "at_most": bound} of the bounds that are set."""
    found = {name: getattr(quantity, name) for name in _BOUNDS}
    return {name: bound for name, bound in found.items() if bound is not None}


def defaults(declared: Mapping[str, Quantity]) -> dict[str, Any]:
    """Return {name: default value}."""
    return {name: quantity.default for name, quantity in declared.items()}


def check_domains(
    declared: Mapping[str, Quantity], values: Mapping[str, Any], what: str, dtype: Any = None
) -> None:
    """Raise ValueError if a value lies outside the bounds that its model declares.

    Args:
      declared: {name: quantity}.
      values: {name: value} for some or all of the names; values that are traced are not checked.
      what: the part and the kind of quantity, for messages.
      dtype: the dtype to which the values were cast, if they were. A number that is too small for
        it counts as 0, as XLA may take it.
    """
    if dtype is not None:
        values = {name: _without_denormals(value) for name, value in values.items()}
    for name, value in values.items():
        for kind, bound in bounds_of(declared[name]).items():
            limit = values.get(bound) if isinstance(bound, str) else bound
            if limit is not None and is_concrete(value) and is_concrete(limit):
                cast = "" if dtype is None else f" as {np.dtype(dtype)}"
                _check_bound(declared[name], kind, bound, value, limit, f"{what} {name!r}", cast)


def _without_denormals(value: Any) -> Any:
    if not is_concrete(value):
        return value
    array = np.asarray(value)
    return np.where(np.abs(array) < np.finfo(array.dtype).tiny, 0, array)


def _check_bound(
    quantity: Quantity,
    kind: str,
    bound: float | str,
    value: Any,
    limit: Any,
    what: str,
    cast: str,
) -> None:
    symbol, holds = _BOUNDS[kind]
    array, limits = np.asarray(value), np.asarray(limit)
    if np.all(holds(array, limits)):
        return
    outside = ~np.broadcast_to(holds(array, limits), np.broadcast_shapes(array.shape, limits.shape))
    given = np.broadcast_to(array, outside.shape)[outside].flat[0]
    of_bound = f" ({bound} is {limits.flat[0]:g})" if isinstance(bound, str) else ""
    unit = f", in {quantity.unit}" if quantity.unit else ""
    note = f" ({quantity.note})" if quantity.note else ""
    raise ValueError(
        f"{what}: given {given}{cast}; expected a number {symbol} {bound}{of_bound}{unit}{note}"
    )
