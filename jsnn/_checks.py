"""What is asked of everything that comes from outside, and the words in which it is refused."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def is_concrete(value: Any) -> bool:
    """Whether the numbers in `value` can be looked at, that is, it is not being traced."""
    return not isinstance(value, jax.core.Tracer)


def check_type(value: Any, kind: type, what: str, hint: str = "") -> None:
    """Raise TypeError if `value` is not a `kind`."""
    if not isinstance(value, kind):
        name = "dict" if kind is Mapping else kind.__name__
        raise TypeError(f"{what}: given {type(value).__name__}; expected a {name}{hint}")


def check_finite(value: Any, what: str) -> None:
    """Raise ValueError if a concrete `value` holds a NaN or an infinity; say where."""
    if not is_concrete(value):
        return
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        return
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f" at index {first}" if array.ndim else ""
        raise ValueError(
            f"{what}: {int(bad.sum())} of {array.size} values are NaN or infinite, "
            f"the first is {array[first]}{where}; expected finite numbers"
        )


def real_array(value: Any, dtype: Any, what: str) -> jax.Array:
    """`value` as an array of the network's `dtype`, never weak-typed.

    A single number takes the dtype. An array must have it already: nothing is cast in silence.
    """
    if isinstance(value, (list, tuple)):
        value = np.asarray(value)
        if value.dtype == np.float64 or np.issubdtype(value.dtype, np.integer):
            value = value.astype(dtype)  # Python numbers have no precision of their own
    given = getattr(value, "dtype", None)
    if given is None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(
                f"{what}: given {type(value).__name__} {value!r}; expected a number or an array"
            )
    elif np.ndim(value) > 0:
        check_dtype(value, dtype, what)
    elif not jnp.issubdtype(given, jnp.number) or jnp.issubdtype(given, jnp.complexfloating):
        raise TypeError(f"{what}: given {given}; expected a real number")
    array = jnp.asarray(value, dtype)
    check_finite(array, what)  # after the cast, in which a large number may overflow
    return array


def check_dtype(array: Any, dtype: Any, what: str) -> None:
    """Raise TypeError if an array is not of the network's `dtype`."""
    if array.dtype != dtype:
        raise TypeError(
            f"{what}: given an array of {array.dtype}; expected {np.dtype(dtype)}, "
            f"the network's dtype (cast it, for example with .astype(np.{np.dtype(dtype)}))"
        )


def check_known(names: Iterable[str], known: Collection[str], what: str, kind: str) -> None:
    """Raise ValueError for the first of `names` that is not among the `known`, with a guess."""
    for name in names:
        if name not in known:
            near = get_close_matches(str(name), [str(k) for k in known], n=1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            choices = ", ".join(repr(k) for k in known) or "none"
            raise ValueError(f"{what}: unknown {kind} {name!r}{guess} (known: {choices})")


def positive_int(value: Any, what: str, *, least: int = 1) -> int:
    """`value` as an int >= `least`, or an error that names `what`."""
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"{what}: given a traced value; expected a static integer (static_argnames)"
        )
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{what}: given {value!r}; expected an integer >= {least}")
    if value < least:
        raise ValueError(f"{what}: given {int(value)}; expected an integer >= {least}")
    return int(value)
