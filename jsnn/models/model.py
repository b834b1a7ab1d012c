"""The common part of neuron, synapse, current source and plasticity models."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from jsnn.models.quantity import Quantity, quantities

Values = dict[str, jax.Array]
"""Parameters or variables by name, {name: array}, as the functions of a model see them."""

Sampler = Callable[[jax.Array, tuple[int, ...], Any], jax.Array]
"""A function (key, shape, dtype) -> random numbers, such as `jax.random.uniform`.

The numbers may have another dtype, such as the counts of `jax.random.binomial` or bools.
"""

CLOCK = ("t", "step")
"""The clock, which the functions of a model find among their parameters.

`t` is the time at the start of the step in ms, `step` the number of the step, int32; both ().
"""


@dataclass(frozen=True, repr=False)
class Model:
    """Named parameters and variables, and the functions that use them.

    Two models with the same functions and names are equal, even if their default values differ:
    the values go into the network and are traced. Keep a model at module level; functions made
    anew are a new model, for which everything is compiled again.

    `help(model)`, `model.__doc__` and `print(model)` show its description and quantities.

    The functions find among the parameters a clock as well: "t", the time at the start of the step
    in ms, and "step", the number of the step, int32; both ().

    Attributes:
      params: parameters, {name: default or `jsnn.Quantity`}. A default with one axis is a table
        that all neurons share, [K]; one of shape [K, 1] is a table with a column for each neuron,
        [K, N]. Tables may have any length.
      variables: variables with their initial values, {name: default or `jsnn.Quantity`}. A float
        becomes the dtype of the network, an int int32, a bool bool.
      name: for messages and summaries.
      description: equations, units and source.
      signature: each name with its static part: the rank of a parameter, the kind of a variable.
    """

    params: Mapping[str, Any] = field(compare=False)
    variables: Mapping[str, Any] = field(compare=False)
    name: str = field(default="", compare=False, kw_only=True)
    description: str = field(default="", compare=False, kw_only=True)
    signature: tuple[tuple[str, Any], ...] = field(init=False)

    def __post_init__(self) -> None:
        kind = type(self).__name__
        params = quantities(self.params, f"{kind}, parameter")
        variables = quantities(self.variables, f"{kind}, variable")
        check_not_reserved(params, CLOCK, f"{kind}, parameter", "the clock of a model")
        object.__setattr__(self, "params", params)
        object.__setattr__(self, "variables", variables)
        ranks = sorted((name, quantity.ndim) for name, quantity in params.items())
        kinds = sorted((name, quantity.kind) for name, quantity in variables.items())
        object.__setattr__(self, "signature", (*ranks, *kinds))
        self._document()

    def _document(self) -> None:
        """Set the docstring of this model."""
        parts = [inspect.cleandoc(self.description), *self._tables()]
        object.__setattr__(self, "__doc__", "\n\n".join(part for part in parts if part))

    def _tables(self) -> list[str]:
        """Return lists of the declared quantities, one text for each kind."""
        return [listed("Parameters", self.params), listed("Variables", self.variables)]

    def __repr__(self) -> str:
        title = f"{type(self).__name__} {self.name or '(no name)'}"
        return f"{title}\n\n{self.__doc__}" if self.__doc__ else title


def check_not_reserved(
    names: Iterable[str], reserved: Collection[str], what: str, meaning: str
) -> None:
    """Raise ValueError if one of the names is reserved.

    Args:
      names: the names that were given.
      reserved: the names that have a meaning.
      what: the part, for messages.
      meaning: their meaning, for messages.
    """
    for name in names:
        if name in reserved:
            raise ValueError(
                f"{what} {name!r}: this is also {meaning}; expected another name, since the "
                "functions of the model find both in one place"
            )


def checked_draws(
    given: Any, params: Mapping[str, Any], what: str
) -> tuple[tuple[str, Sampler], ...]:
    """Return the random draws of a model.

    Args:
      given: a sequence of (name, sampler).
      params: the parameters of the model.
      what: the model, for messages.

    Raises:
      TypeError: if an entry is no such pair.
      ValueError: if a name is that of a parameter.
    """
    what = f"{what}, draws"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{what}: given {given!r}; expected a sequence of (name, sampler)")
    for draw in given:
        if not isinstance(draw, tuple) or len(draw) != 2 or not callable(draw[1]):
            raise TypeError(
                f"{what}: given {draw!r}; expected (name, sampler), for example "
                '("uniform", jax.random.uniform)'
            )
    names = names_of([name for name, _ in given], what)
    for name in names:
        if name in params:
            raise ValueError(
                f"{what}: {name!r} is also a parameter; expected another name, since `update` "
                "finds both among its parameters"
            )
    check_not_reserved(names, CLOCK, what, "the clock of a model")
    return tuple(given)


def listed(title: str, declared: Mapping[str, Quantity]) -> str:
    """Return a list of quantities with their defaults, units and bounds; "" if there are none."""
    if not declared:
        return ""
    width = max(map(len, declared))
    lines = [f"{title}:"]
    for name, quantity in declared.items():
        default = quantity.default if quantity.ndim == 0 else "table"
        domain = f"({quantity.domain})" if quantity.domain else ""
        words = (name.ljust(width), str(default), quantity.unit, domain)
        lines.append("  " + " ".join(word for word in words if word))
    return "\n".join(lines)


def names_of(given: Any, what: str) -> tuple[str, ...]:
    """Return a sequence of names as a tuple.

    Raises:
      TypeError: if `given` is not a sequence of non-empty strings.
      ValueError: if a name is given twice.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{what}: given {given!r}; expected a sequence of names")
    for name in given:
        if not isinstance(name, str) or not name:
            raise TypeError(f"{what}: given {name!r}; expected a non-empty string")
        if list(given).count(name) > 1:
            raise ValueError(f"{what}: {name!r} is given more than once; expected unique names")
    return tuple(given)
