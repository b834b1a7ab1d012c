"""Checks of values that come from outside, with error messages in one form."""

import sys
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def is_concrete(value: Any) -> bool:
    """Return True if the numbers in `value` can be read, False if it is being traced."""
    return not isinstance(value, jax.core.Tracer)


def check_untraced(values: Any, what: str, way_out: str) -> None:
    """Raise TypeError inside `jax.jit`, or if a leaf of `values` is traced.

    Args:
      values: a pytree.
      what: the function that is called, for messages.
      way_out: the thing to do instead, for messages.
    """
    in_jit = not is_concrete(jax.device_put(np.int32(0)))
    if in_jit or not all(map(is_concrete, jax.tree.leaves(values))):
        raise TypeError(
            f"{what}: called inside jax.jit, vmap or grad, with traced values; expected a call "
            f"outside them, since it reads numbers ({way_out})"
        )


def check_type(value: Any, kind: type, what: str, hint: str = "") -> None:
    """Raise TypeError if `value` is not a `kind`."""
    if not isinstance(value, kind):
        name = "dict" if kind is Mapping else kind.__name__
        article = "an" if name[0] in "AEIOaeio" else "a"
        raise TypeError(f"{what}: given {type(value).__name__}; expected {article} {name}{hint}")


def check_population_name(given: Any, what: str) -> None:
    """Raise TypeError if `given`, such as a population itself, is not the name of one."""
    if not isinstance(given, str):
        example = f", {given.name!r}" if hasattr(given, "size") and hasattr(given, "name") else ""
        raise TypeError(
            f"{what}: given {type(given).__name__}; expected a str, a population's name{example}"
        )


def check_finite(value: Any, what: str) -> None:
    """Raise ValueError if a concrete `value` holds a NaN or an infinity; name the first one."""
    given = value if hasattr(value, "dtype") else np.asarray(value)
    if not is_concrete(given) or not jnp.issubdtype(given.dtype, jnp.floating):
        return
    array = np.asarray(given)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f" at index {first}" if array.ndim else ""
        raise ValueError(
            f"{what}: {int(bad.sum())} of {array.size} values are NaN or infinite, "
            f"the first is {array[first]}{where}; expected finite numbers"
        )


def real_array(value: Any, dtype: Any, what: str) -> jax.Array:
    """Return `value` as an array of the network's `dtype`, never weak-typed.

    Args:
      value: a number, which takes the dtype, a sequence of numbers, or an array of that dtype.
      dtype: the network's dtype.
      what: the part, for messages.

    Raises:
      TypeError: if `value` is no number and no array, or an array of another dtype.
      ValueError: if a number is NaN or infinite, or an integer that `dtype` cannot hold exactly.
    """
    value = numbers(value, what)
    if isinstance(value, (list, tuple)):
        value = np.asarray(value)
        if value.dtype == np.float64 or np.issubdtype(value.dtype, np.integer):
            _check_exact(value, dtype, what)
            value = value.astype(dtype)  # Python numbers have no precision of their own
    if np.ndim(value) > 0:
        check_dtype(value, dtype, what)
    if not isinstance(value, float):
        _check_exact(value, dtype, what)
    with np.errstate(over="ignore"):
        array = own_array(value, dtype)
    check_finite(array, what)  # after the cast, in which a large number may overflow
    return array


def _check_exact(value: Any, dtype: Any, what: str) -> None:
    """Raise ValueError if an integer is one that a floating dtype rounds."""
    is_integer = isinstance(value, int) or np.issubdtype(value.dtype, np.integer)
    if not is_integer or not is_concrete(value):
        return
    array = np.asarray(value)
    rounded = array.astype(dtype)
    changed = rounded.astype(object) != array.astype(object)
    if np.any(changed):
        given, got = array[changed].flat[0], rounded[changed].flat[0]
        raise ValueError(
            f"{what}: given {given}, which {np.dtype(dtype)} rounds to {got:.0f}; expected an "
            "integer that it holds exactly (or a float, if it may be rounded)"
        )


def numbers(value: Any, what: str, *, bools: bool = False) -> Any:
    """Return a real number, a sequence of them or an array as it is given.

    An array of another library is returned as one of JAX or NumPy, if they can convert it.

    Args:
      value: the number, sequence or array.
      what: the part, for messages.
      bools: if True, bools may stand for numbers.

    Raises:
      TypeError: if `value` is anything else, such as text, a complex number, a masked array or an
        initializer.
      ValueError: if it is an integer beyond every float.
    """
    foreign = not isinstance(value, (np.ndarray, np.generic, jax.Array))
    if foreign and (hasattr(value, "__array__") or hasattr(value, "__jax_array__")):
        value = _converted(value, what)
    if isinstance(value, jax.ShapeDtypeStruct):
        raise TypeError(f"{what}: given the shape of an array; expected an array with numbers")
    if callable(value):
        raise TypeError(
            f"{what}: given a function or an initializer; expected numbers (draw them: "
            "initializer(key, shape)) or, of a function of time, jsnn.over_time(f(times))"
        )
    _check_unmasked(value, what)
    if hasattr(value, "dtype") and not isinstance(value, (np.ndarray, np.generic, jax.Array)):
        raise TypeError(f"{what}: given {type(value).__name__}; expected a number or an array")
    array = _converted(value, what) if isinstance(value, (list, tuple)) else value
    dtype = getattr(array, "dtype", None)
    if dtype is None:
        if not isinstance(value, (int, float)) or (isinstance(value, bool) and not bools):
            first_line = repr(value).split("\n")[0]
            raise TypeError(
                f"{what}: given {type(value).__name__} {first_line}; expected a number or an array"
            )
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise ValueError(f"{what}: given a number too large for a float; expected a finite one")
    elif jnp.issubdtype(dtype, np.timedelta64) or not any(  # NumPy counts times as integers
        jnp.issubdtype(dtype, kind) for kind in (*_REAL, *([np.bool_] if bools else []))
    ):
        kind = f"an array of {dtype}" if np.ndim(array) else dtype
        raise TypeError(f"{what}: given {kind}; expected a real number or an array of them")
    return value


_REAL = (jnp.integer, jnp.floating)


def host_array(value: Any, what: str) -> np.ndarray:
    """Return a sequence or an array, of another library too, as an array of NumPy.

    Raises:
      TypeError: if it is masked, traced or no array.
    """
    _check_unmasked(value, what)
    if not is_concrete(value):
        raise TypeError(f"{what}: given a traced value; expected numbers, made outside jax.jit")
    return np.asarray(_converted(value, what))


def _check_unmasked(value: Any, what: str) -> None:
    if np.ma.isMaskedArray(value):
        raise TypeError(
            f"{what}: given a masked array; expected numbers (fill it: array.filled(value))"
        )


def _converted(value: Any, what: str) -> Any:
    """Return a sequence, or an array of another library, as an array of JAX or NumPy."""
    try:
        return jnp.asarray(value) if hasattr(value, "__jax_array__") else np.asarray(value)
    except Exception as error:  # whatever a library may raise
        kind, reason = type(value).__name__, str(error).strip().split("\n")[0]
        of_torch = type(value).__module__.startswith("torch")
        hint = ", such as tensor.detach().cpu().numpy()" if of_torch else ""
        raise TypeError(
            f"{what}: given a {kind} that is no array of numbers ({reason}); expected a number or "
            f"an array{hint}"
        ) from error


def check_flag(value: Any, what: str) -> None:
    """Raise TypeError if `value` is neither True nor False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what}: given {value!r}; expected True or False")


def check_dtype(array: Any, dtype: Any, what: str) -> None:
    """Raise TypeError if an array is not of the network's `dtype`."""
    if array.dtype != dtype:
        raise TypeError(
            f"{what}: given an array of {array.dtype}; expected {np.dtype(dtype)}, "
            f"the network's dtype (cast it: x.astype(np.{np.dtype(dtype)})"
            f"{_OR_X64 if array.dtype == np.float64 else ''})"
        )


_OR_X64 = (
    '; for float64 everywhere, jax.config.update("jax_enable_x64", True) and weights of float64'
)


def check_array(value: Any, dtype: Any, what: str) -> None:
    """Raise TypeError if `value` is anything but an array of `dtype`."""
    if not isinstance(value, (np.ndarray, np.generic, jax.Array)) or np.ma.isMaskedArray(value):
        raise TypeError(
            f"{what}: given {type(value).__name__}; expected an array of "
            f"{np.dtype(dtype)} (jax.tree.map may have changed it)"
        )
    check_dtype(value, dtype, what)


def weight_array(value: Any, axes: tuple[str, ...], what: str) -> jax.Array:
    """Return `value` as the weights of a connectivity.

    Args:
      value: a finite array of float32, or of float64 if `jax_enable_x64` is on.
      axes: the names of its axes.
      what: the part, for messages.

    Raises:
      TypeError: if `value` has another dtype.
      ValueError: if its number of axes differs, or a number is NaN or infinite.
    """
    if not isinstance(value, (list, tuple)):
        value = numbers(value, what)
    given = getattr(value, "dtype", None)
    if given not in (np.float32, np.float64):
        kind = type(value).__name__ if given is None else f"an array of {given}"
        raise TypeError(
            f"{what}: given {kind}; expected {'an array' if axes else 'a number'} of float32 or "
            f"float64 ({_as_float32(np.ndim(value), axes)})"
        )
    if np.ndim(value) != len(axes):
        expected = str(axes).replace("'", "")
        raise ValueError(f"{what}: given shape {np.shape(value)}; expected {expected}")
    if given == np.float64 and not jax.config.read("jax_enable_x64"):
        raise TypeError(
            f"{what}: given an array of float64 while jax_enable_x64 is off; expected "
            "float32 (cast it: x.astype(np.float32); or enable x64 before any array is made: "
            'jax.config.update("jax_enable_x64", True))'
        )
    check_finite(value, f"{what} of shape {np.shape(value)}")
    return own_array(value, given)


def _as_float32(ndim: int, axes: tuple[str, ...]) -> str:
    """Return the line that makes weights with the names `axes` of numbers `x`."""
    if ndim == 0:
        return "np.full(shape, x, np.float32)" if axes else "np.float32(x)"
    return "np.asarray(x, np.float32)"


def own_array(value: Any, dtype: Any) -> jax.Array:
    """Return `value` as a JAX array that shares no memory with a NumPy array.

    `jnp.asarray` takes over the memory of an aligned array, which its owner may change, and
    `jnp.array` compiles a program for each shape.
    """
    return jnp.asarray(value if isinstance(value, jax.Array) else np.array(value, dtype), dtype)


def float_dtype(dtype: Any, what: str) -> np.dtype[Any]:
    """Return `dtype` as a NumPy dtype: float32, or float64 if x64 is on.

    Raises:
      TypeError: if `dtype` is another one.
    """
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{what}: given {dtype!r}; expected float32 or float64")
    if dtype == np.float64 and not jax.config.read("jax_enable_x64"):
        raise TypeError(
            f"{what}: given float64 while jax_enable_x64 is off; expected float32 (or enable x64)"
        )
    return np.dtype(dtype)


def check_key(key: Any, what: str) -> None:
    """Raise TypeError or ValueError if `key` is not one typed PRNG key of threefry2x32.

    The numbers that other kinds of key give depend on the batch size and on the device.
    """
    dtype = getattr(key, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        kind = type(key).__name__ if dtype is None else f"an array of {dtype}"
        old = ", not PRNGKey(seed)" if dtype == np.uint32 else ""
        seed = key if isinstance(key, int) else "seed"
        raise TypeError(f"{what}: given {kind}; expected jax.random.key({seed}){old}")
    if np.shape(key):
        raise ValueError(
            f"{what}: given keys of shape {np.shape(key)}; expected one (jax.vmap takes many)"
        )
    kind = str(jax.random.key_impl(key))
    if kind != "threefry2x32":
        raise ValueError(
            f"{what}: given a key of {kind}; expected one of threefry2x32, whose numbers no vmap "
            'changes: jax.random.key(seed, impl="threefry2x32")'
        )


def finite_number(value: Any, what: str, *, least: float = -np.inf) -> float:
    """Return `value` as a finite float >= `least`.

    Raises:
      TypeError: if `value` is not a number, or is traced.
      ValueError: if it is NaN, infinite or below `least`.
    """
    number = real_number(value, what)
    if not np.isfinite(number) or number < least:
        bound = "" if least == -np.inf else f" >= {least:g}"
        raise ValueError(f"{what}: given {number}; expected a finite number{bound}")
    return number


def probability(value: Any, what: str) -> float:
    """Return `value` as a float in [0, 1].

    Raises:
      TypeError: if `value` is not a number, or is traced.
      ValueError: if it is NaN or outside [0, 1].
    """
    number = real_number(value, what)
    if not 0 <= number <= 1:
        raise ValueError(f"{what}: given {number}; expected a probability in [0, 1]")
    return number


def real_number(value: Any, what: str) -> float:
    """Return `value` as a float that is not NaN.

    Raises:
      TypeError: if `value` is not a number, or is traced.
      ValueError: if it is NaN.
    """
    if isinstance(value, jax.core.Tracer):
        raise TypeError(f"{what}: given a traced value; expected a number")
    if isinstance(value, jax.Array) and value.ndim == 0:
        value = np.asarray(value)[()]  # such as the dt of a network
    kinds = (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{what}: given {type(value).__name__} {value!r}; expected a number")
    if np.isnan(value):
        raise ValueError(f"{what}: given nan; expected a number")
    return float(value)


def positive_number(value: Any, what: str) -> float:
    """Return `value` as a float > 0.

    Raises:
      TypeError: if it is no number.
      ValueError: if it is not finite, or not above 0.
    """
    number = finite_number(value, what)
    if number <= 0:
        raise ValueError(f"{what}: given {number:g}; expected a number > 0")
    return number


def check_known(names: Iterable[str], known: Collection[str], what: str, kind: str) -> None:
    """Raise ValueError for the first name that is not `known`, and suggest one that resembles it.

    A name that is no string, such as a part of a network in place of its name, is a TypeError.

    Args:
      names: the names that were given.
      known: the names that exist.
      what: the part, for messages.
      kind: the kind of thing that the names stand for, for messages.
    """
    for name in names:
        if not isinstance(name, str):
            example = getattr(name, "name", next(iter(known), "name"))
            kind_of_name = type(name).__name__
            raise TypeError(f"{what}: given {kind_of_name}; expected a name, such as {example!r}")
        if name not in known:
            near = get_close_matches(name, known, n=1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            choices = ", ".join(repr(k) for k in known) or "none"
            raise ValueError(f"{what}: unknown {kind} {name!r}{guess} (known: {choices})")


def number_of_steps(value: Any, what: str) -> int:
    """Return a number of steps as an int >= 1.

    Raises:
      TypeError: if `value` is not an integer, or is traced.
      ValueError: if it is below 1, or above what an int32 can count.
    """
    return positive_int(value, what, hint="; jsnn.steps(ms, dt) turns a time into steps")


def positive_int(
    value: Any, what: str, *, least: int = 1, most: int = 2**31 - 1, hint: str = ""
) -> int:
    """Return `value` as an int from `least` to `most`, by default what an int32 can count.

    Args:
      value: the number.
      what: the part, for messages.
      least: the smallest number.
      most: the largest number.
      hint: what else to do if a float was given, for messages.

    Raises:
      TypeError: if `value` is not an integer, or is traced.
      ValueError: if it is below `least` or above `most`.
    """
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"{what}: given a traced value; expected a static integer (name it in "
            "jax.jit(function, static_argnames=...))"
        )
    if isinstance(value, float | np.floating) and np.isfinite(value):
        whole = f"write {value:.0f}" if value == round(value) else "round it: int(round(x))"
        raise TypeError(f"{what}: given {value}; expected an integer >= {least} ({whole}{hint})")
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{what}: given {_shown(value)}; expected an integer >= {least}")
    if value < least:
        raise ValueError(f"{what}: given {int(value)}; expected an integer >= {least}")
    if value > most:
        raise ValueError(f"{what}: given {int(value)}; expected an integer <= {most}")
    return int(value)


def _shown(value: Any) -> str:
    """Return a value for a message, or its type if it is long, as a model is."""
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else type(value).__name__
