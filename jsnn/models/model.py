"""What a neuron model is, and what it has in common with synapse and source models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_type

Values = dict[str, jax.Array]
"""{name: array}: parameters or variables, as a model's functions see them."""

Sampler = Callable[[jax.Array, tuple[int, ...], Any], jax.Array]
"""(key, shape, dtype) -> random numbers of that shape and dtype, such as `jax.random.uniform`."""


@dataclass(frozen=True)
class Model:
    """What neuron, synapse and source models have in common.

    Two models with the same functions and names are equal, whatever their default values: the
    values go into the network and are traced. Keep a model at module level; functions made anew
    are a new model, for which everything is compiled again.

    Attributes:
      params: default parameters, real and finite.
      variables: initial values, real and finite. A float becomes the network's dtype, an int
        int32, a bool bool.
      signature: each name with what is static about it: a parameter's rank, a variable's kind.
    """

    params: Mapping[str, Any] = field(compare=False)
    variables: Mapping[str, ArrayLike] = field(compare=False)
    signature: tuple[tuple[str, Any], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        what = type(self).__name__
        params = defaults(self.params, f"{what}, parameter")
        variables = defaults(self.variables, f"{what}, variable")
        ranks = sorted((name, array.ndim) for name, array in params.items())
        kinds = sorted((name, array.dtype.kind) for name, array in variables.items())
        object.__setattr__(self, "signature", (*ranks, *kinds))


def defaults(values: Any, what: str) -> dict[str, np.ndarray]:
    """Default values as arrays, or a TypeError or ValueError that names `what`."""
    check_type(values, Mapping, f"{what}s", " by name")
    arrays = {name: np.asarray(value) for name, value in values.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{what} {name!r}: given {values[name]!r}; expected a real number")
        check_finite(array, f"{what} {name!r}")
    return arrays


def names_of(given: Any, what: str) -> tuple[str, ...]:
    """A sequence of names as a tuple, or a TypeError or ValueError that names `what`."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{what}: given {given!r}; expected a sequence of names")
    for name in given:
        if not isinstance(name, str) or not name:
            raise TypeError(f"{what}: given {name!r}; expected a non-empty string")
        if list(given).count(name) > 1:
            raise ValueError(f"{what}: {name!r} is given more than once; expected unique names")
    return tuple(given)
