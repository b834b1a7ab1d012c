"""Parameters and initial values of the parts of a network: completed, checked and cast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import (
    check_finite,
    check_known,
    check_type,
    is_concrete,
    real_array,
)

Given = Mapping[str, Any]
"""{name: value} as a user gives it, each value a scalar or one number per neuron."""


def named(part: Any) -> str:
    """Return the kind and name of a part, as error messages have them."""
    kind = {"CurrentSource": "current source"}.get(type(part).__name__, type(part).__name__.lower())
    if not isinstance(part.name, str) or not part.name:
        raise TypeError(f"{kind}, name: given {part.name!r}; expected a non-empty string")
    return f"{kind} {part.name!r}"


def complete(part: Any, field: str, defaults: Given, what: str) -> None:
    """Put the model's defaults under the values given for `field`."""
    given = getattr(part, field)
    check_type(given, Mapping, f"{what}, {field}")
    check_known(given, defaults, what, {"params": "parameter", "variables": "variable"}[field])
    object.__setattr__(part, field, {**defaults, **given})


def check_shapes(values: Given, size: int, what: str) -> None:
    """Raise ValueError if a value is neither a scalar nor one number per neuron, or not finite."""
    for name, value in values.items():
        if np.shape(value) not in ((), (size,)):
            raise ValueError(
                f"{what} {name!r}: given shape {np.shape(value)}; expected a scalar or ({size},), "
                "one value per neuron"
            )
        check_finite(value, f"{what} {name!r}")


def check_time_constants(params: Given, what: str) -> None:
    """Raise ValueError where a parameter that is a time constant by its name is not > 0."""
    for name, value in params.items():
        if name.startswith("tau") and is_concrete(value):
            array, may_be_zero = np.asarray(value), name == "tau_refrac"
            if not np.all(array >= 0 if may_be_zero else array > 0):
                raise ValueError(
                    f"{what}, parameter {name!r}: given {array.min()}; expected a time in ms "
                    f"{'>=' if may_be_zero else '>'} 0"
                )


def cast_params(values: Given, dtype: Any, what: str) -> dict[str, jax.Array]:
    """Return parameters as arrays of one floating dtype."""
    return {name: real_array(value, dtype, f"{what} {name!r}") for name, value in values.items()}


def cast_variables(
    values: Given, defaults: Mapping[str, ArrayLike], dtype: Any, what: str
) -> dict[str, jax.Array]:
    """Initial values as leaves of one floating dtype, so that `jax.grad` takes a whole network.

    `init` gives an integer variable its integers back.
    """

    def leaf(name: str, value: Any) -> jax.Array:
        kind = np.asarray(defaults[name]).dtype.kind
        if kind == "f" or isinstance(value, jax.core.Tracer):
            return real_array(value, dtype, f"{what}, variable {name!r}")
        array = np.asarray(value)
        whole = np.round(array).astype(dtype)
        if not np.array_equal(whole, array) or (kind == "b" and not np.isin(whole, (0, 1)).all()):
            raise ValueError(
                f"{what}, variable {name!r}: given {value!r}; expected what its default is, "
                f"{'a bool' if kind == 'b' else 'a whole number'}, exact in {np.dtype(dtype)}"
            )
        return jnp.asarray(whole)

    return {name: leaf(name, value) for name, value in values.items()}
