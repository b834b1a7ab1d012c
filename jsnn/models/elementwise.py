"""Programs that work on each neuron by itself, known by what JAX traces of a function."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

_SIZES = (3, 257)
"""Numbers of neurons at which a function has to be the same program."""

_PLACE_BY_PLACE = """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e
    bitcast_convert_type broadcast_in_dim cbrt ceil clamp convert_element_type copy cos cosh
    digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt igamma igammac integer_pow
    is_finite le lgamma log log1p logistic lt max min mul ne neg nextafter not or pow
    reduce_precision regularized_incomplete_beta rem round rsqrt select_n shift_left
    shift_right_arithmetic shift_right_logical sign sin sinh spike sqrt square stop_gradient sub
    tan tanh xor
"""
_OF_PROGRAMS = """
    checkpoint closed_call cond core_call custom_jvp_call custom_vjp_call jit pjit remat2 scan
    while
"""
_OPERATIONS = frozenset(_PLACE_BY_PLACE.split() + _OF_PROGRAMS.split())
"""Operations that work place by place if arrays are () or [N], and those that run programs."""


class _NotElementwiseError(Exception):
    """Some operation may look at several neurons, or at the index of a neuron."""


def is_elementwise(function: Callable[..., Any], arguments: Callable[[int], Any]) -> bool:
    """Return True if number i of each result depends on number i of the arguments alone.

    This is so if the function is one program for any number of neurons, without constants that
    have one number per neuron, made of operations that work place by place.

    Args:
      function: a function of arrays.
      arguments: a function from N to the shapes and dtypes of the arguments, each () or [N].
    """
    try:
        one, other = (
            _described(jax.make_jaxpr(function)(*arguments(size)), size) for size in _SIZES
        )
    except Exception:  # also if the function can be traced for one number of neurons only
        return False
    return one == other


def _described(program: Any, size: int) -> tuple[Any, ...]:
    """Return a program as nested tuples, which are equal for equal programs of other sizes.

    Raises:
      _NotElementwiseError: if the program is not made of operations that work place by place.
    """
    inner = _inner(program)
    numbers: dict[Any, int] = {}

    def array(variable: Any) -> tuple[Any, ...]:
        kind = (_is_per_neuron(variable.aval.shape, size), variable.aval.dtype)
        if hasattr(variable, "val"):
            return (*kind, np.asarray(variable.val).tobytes())
        return (*kind, numbers.setdefault(variable, len(numbers)))

    def operation(equation: Any) -> tuple[Any, ...]:
        name, params = equation.primitive.name, equation.params
        if name not in _OPERATIONS:
            raise _NotElementwiseError(name)
        if name == "scan" and params["num_consts"] + params["num_carry"] < len(equation.invars):
            raise _NotElementwiseError("a scan over neurons")
        before = [array(variable) for variable in equation.invars]
        settings = [_setting(key, value, size) for key, value in sorted(params.items())]
        return (name, *before, *settings, *map(array, equation.outvars))

    return (
        *(_constant(value) for value in getattr(program, "consts", ())),
        *map(array, (*inner.constvars, *inner.invars)),
        *map(operation, inner.eqns),
        *map(array, inner.outvars),
    )


def _is_per_neuron(shape: tuple[int, ...], size: int) -> bool:
    if shape not in ((), (size,)):
        raise _NotElementwiseError(f"an array of shape {shape}")
    return bool(shape)


def _constant(value: Any) -> bytes:
    if np.ndim(value):
        raise _NotElementwiseError("a constant for each neuron")
    return np.asarray(value).tobytes()


def _setting(name: str, value: Any, size: int) -> tuple[Any, ...]:
    """Return a parameter of an operation: a number, a name, a dtype or programs; () for others."""
    if isinstance(value, (bool, int, float, str, np.dtype)):
        return name, value
    parts = value if isinstance(value, tuple) else (value,)
    return name, *(_described(part, size) for part in parts if hasattr(_inner(part), "eqns"))


def _inner(program: Any) -> Any:
    """Return the operations of a program, which may come with its constants."""
    return getattr(program, "jaxpr", program)
