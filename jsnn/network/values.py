"""Parameters and initial values: completed from the model, checked and cast."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_array, check_finite, check_known, check_type, numbers, real_array
from jsnn._pytree import FrozenDict
from jsnn.models.quantity import Quantity, check_domains, defaults

Given = Mapping[str, Any]
"""Values by name as a user gives them, {name: value}, each a scalar or one number per neuron."""

Declared = Mapping[str, Quantity]
"""Quantities of a model by name, {name: quantity}."""


def completed(
    given: Given, declared: Declared, what: str, kind: str, others: Declared | None = None
) -> FrozenDict[Any]:
    """Return the values that are given, with the defaults of the model for the others.

    Args:
      given: {name: value}.
      declared: the quantities of the model.
      what: the part that they belong to, for messages.
      kind: "parameter" or "variable".
      others: the quantities of the other kind, which a user may have taken for these.

    Raises:
      TypeError: if `given` is not a mapping, or a value is no number and no array of numbers.
      ValueError: if a name is unknown.
    """
    check_type(given, Mapping, f"{what}, {_FIELDS[kind]}", " by name")
    for name in given:
        if name in (others or {}) and name not in declared:
            other = "variable" if kind == "parameter" else "parameter"
            raise ValueError(
                f"{what}, {_FIELDS[kind]}: given {name!r}, which is a {other} of the model; "
                f"expected it in {_FIELDS[other]}="
            )
    check_known(given, declared, what, kind)

    values = {
        name: numbers(value, f"{what}, {kind} {name!r}", bools=declared[name].kind == "b")
        for name, value in given.items()
    }
    return FrozenDict({**defaults(declared), **values})


_FIELDS = {
    "parameter": "params",
    "variable": "initial",
    "presynaptic trace": "initial_pre",
    "postsynaptic trace": "initial_post",
}
"""The fields in which a user gives each kind of value."""


def fits(shape: tuple[int, ...], quantity: Quantity, each: tuple[int, ...]) -> bool:
    """Return True if a value of a quantity may have a shape.

    Args:
      shape: of the value.
      quantity: its declaration.
      each: the shape of one number for each neuron or synapse.
    """
    if quantity.shared:
        return shape == ()
    if quantity.ndim == 0:
        return shape in ((), each)
    is_table = len(shape) == quantity.ndim and shape[0] > 0
    return is_table and (quantity.ndim == 1 or shape[1] in (1, *each))


def expected_shape(quantity: Quantity, each: tuple[int, ...], num_steps: int | None = None) -> str:
    """Return the shapes that a value of a quantity may have, in words.

    Args:
      quantity: the declaration.
      each: the shape of one number for each neuron or synapse.
      num_steps: the length of an axis of time in front, or None.
    """
    if quantity.shared:
        return "a scalar, since all neurons share it"
    time = () if num_steps is None else (num_steps,)
    if quantity.ndim:
        return _tuple(*time, "rows", *each) if quantity.ndim == 2 else _tuple(*time, "entries")
    one = "a scalar" if num_steps is None else str(time)
    return f"{one} or {(*time, *each)}" if each else one


def _tuple(*names: Any) -> str:
    return str(names).replace("'", "")


def check_values(
    values: Given, declared: Declared, each: tuple[int, ...], what: str, hint: str = ""
) -> None:
    """Raise ValueError if a value has another shape, is not finite or lies outside its domain.

    Args:
      values: {name: value}.
      declared: the quantities of the model.
      each: the shape of one number for each neuron or synapse.
      what: the part and "parameter" or "variable", for messages.
      hint: the meaning of this shape.
    """
    for name, value in values.items():
        if not fits(np.shape(value), declared[name], each):
            meaning = ", a table" if declared[name].ndim else hint
            raise ValueError(
                f"{what} {name!r}: given shape {np.shape(value)}; expected "
                f"{expected_shape(declared[name], each)}{meaning}"
            )
        check_finite(value, f"{what} {name!r}")
    check_domains(declared, values, what)


def check_per_neuron(values: Given, declared: Declared, size: int, what: str) -> None:
    """Raise ValueError if a value is neither a scalar nor one number per neuron, or not allowed."""
    check_values(values, declared, (size,), what, ", one value per neuron")


def check_cast(
    values: Given, declared: Declared, each: tuple[int, ...], dtype: Any, what: str
) -> None:
    """Check values that were arrays of `dtype` before `jax.tree.map` changed them.

    Raises:
      TypeError: if a value is no array, or of another dtype.
      ValueError: if it has another shape, is not finite or lies outside its domain.
    """
    for name, value in values.items():
        check_array(value, dtype, f"{what} {name!r}")
    check_values(values, declared, each, what)


def cast_params(values: Given, declared: Declared, dtype: Any, what: str) -> FrozenDict[jax.Array]:
    """Return parameters as arrays of one floating dtype.

    Raises:
      ValueError: if the cast moves a value out of the domain that the model declares.
    """
    arrays = {name: real_array(value, dtype, f"{what} {name!r}") for name, value in values.items()}
    check_domains(declared, arrays, what, dtype)
    return FrozenDict(arrays)


def cast_initial(values: Given, declared: Declared, dtype: Any, what: str) -> FrozenDict[jax.Array]:
    """Return initial values as arrays of one floating dtype, so that `jax.grad` takes a network.

    `jsnn.init` turns the values of integer and bool variables back into integers and bools.

    Raises:
      ValueError: if an integer variable is given a number that is not whole, a bool variable one
        that is neither 0 nor 1, a number that `dtype` cannot hold exactly, or if the cast moves a
        value out of the domain that the model declares.
    """

    def leaf(name: str, value: Any) -> jax.Array:
        kind = declared[name].kind
        if kind == "f" or isinstance(value, jax.core.Tracer):
            return real_array(value, dtype, f"{what} {name!r}")
        array = np.asarray(value)
        whole = np.round(array).astype(dtype)
        if not np.array_equal(whole, array) or (kind == "b" and not np.isin(whole, (0, 1)).all()):
            raise ValueError(
                f"{what} {name!r}: given {value!r}; expected "
                f"{'a bool' if kind == 'b' else 'a whole number'} as its default is, exact in "
                f"{np.dtype(dtype)}"
            )
        return jnp.asarray(whole)

    arrays = {name: leaf(name, value) for name, value in values.items()}
    check_domains(declared, arrays, what, dtype)
    return FrozenDict(arrays)


def checked_name(name: Any, kind: str) -> str:
    """Return the kind and the name of a part, for messages.

    Raises:
      TypeError: if the name is not a non-empty string.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"{kind}, name: given {name!r}; expected a non-empty string")
    return f"{kind} {name!r}"
