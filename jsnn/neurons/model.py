"""What a neuron model is, and what it has in common with synapse and source models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_type
from jsnn.surrogate import Surrogate, superspike

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


def _unchanged(params: Values, variables: Values) -> Values:
    return variables


@dataclass(frozen=True)
class NeuronModel(Model):
    """A neuron as plain functions over a whole population of N, each neuron for itself.

    In every step, with I the input current,

        x <- update(p, x, I, dt);    spike where threshold(p, x) >= 0;    there x <- reset(p, x)

    Attributes:
      params: default parameters, real numbers. A population may give each a scalar or one value
        per neuron; the functions see `[N]` in the network's dtype. A name that begins with "tau"
        is a time constant in ms, > 0; only "tau_refrac" may be 0.
      variables: initial values. A float becomes the network's dtype, an int int32, a bool bool;
        a population may give each a scalar or one value per neuron; the functions see `[N]`.
      update: (params, variables, current [N] in nA, dt in ms) -> all variables, new. A model with
        `inputs` is given {input: [N]} in place of the current.
      threshold: (params, variables) -> margin [N], a float: the neuron spikes where it is >= 0;
        -inf where it cannot.
      reset: (params, variables) -> all variables, for the neurons that spiked.
      surrogate: margin -> pseudo-derivative of the spike, for gradients.
      inputs: names of the inputs, such as ("g_e", "g_i"), of a model that has several, each with
        a unit of its own; empty for a model with one input, its current.
      draws: (name, sampler) for random numbers [N] that are new in every step. `update`,
        `threshold` and `reset` find them among the parameters, the same ones within a step.
      max_dt: params -> the longest step in ms, () or [N], for which `update` is stable.
    """

    update: Callable[[Values, Values, Any, jax.Array], Values]
    threshold: Callable[[Values, Values], jax.Array]
    reset: Callable[[Values, Values], Values] = _unchanged
    surrogate: Surrogate = superspike
    inputs: Sequence[str] = ()
    draws: Sequence[tuple[str, Sampler]] = ()
    max_dt: Callable[[Values], jax.Array] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "inputs", names_of(self.inputs, "NeuronModel, inputs"))
        object.__setattr__(self, "draws", _draws(self.draws, self.params))
        if self.max_dt is not None and not callable(self.max_dt):
            raise TypeError(
                f"NeuronModel, max_dt: given {self.max_dt!r}; expected a function of the parameters"
            )


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


def _draws(given: Any, params: Mapping[str, Any]) -> tuple[tuple[str, Sampler], ...]:
    what = "NeuronModel, draws"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{what}: given {given!r}; expected a sequence of (name, sampler)")
    for draw in given:
        if not isinstance(draw, tuple) or len(draw) != 2 or not callable(draw[1]):
            raise TypeError(
                f"{what}: given {draw!r}; expected (name, sampler), for example "
                '("uniform", jax.random.uniform)'
            )
    for name in names_of([name for name, _ in given], what):
        if name in params:
            raise ValueError(
                f"{what}: {name!r} is also a parameter; expected another name, since `update` "
                "finds both among its parameters"
            )
    return tuple(given)
