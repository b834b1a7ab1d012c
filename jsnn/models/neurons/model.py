"""Neuron models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from jsnn._checks import check_flag, check_known, check_type
from jsnn.models.model import (
    Model,
    Sampler,
    Values,
    check_not_reserved,
    checked_draws,
    names_of,
)
from jsnn.models.surrogates import Surrogate, check_surrogate, superspike

_SUPERSPIKE = superspike()


def _no_reset(params: Values, variables: Values) -> Values:
    return variables


class Refractory(NamedTuple):
    """Refractory time of a neuron model, as a time that is left.

    Attributes:
      left: the variable that holds the time that is left, in ms; `reset` sets it, and `update`
        counts it down to 0.
      holds: the variables that stay as they are meanwhile, such as ("v",).
    """

    left: str
    holds: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class NeuronModel(Model):
    """A neuron as plain functions over a whole population of N.

    In every step, with I the input current,

        x <- update(p, x, I, dt);    spike where threshold(p, x) >= 0;    there x <- reset(p, x)

    Attributes:
      params: parameters, {name: default or `jsnn.Quantity`}. A population may give each a scalar
        or one value per neuron; the functions see `[N]` in the dtype of the network.
      variables: variables with their initial values, {name: default or `jsnn.Quantity`}. A float
        becomes the dtype of the network, an int int32, a bool bool. A population may give each a
        scalar or one value per neuron; the functions see `[N]`.
      update: (params, variables, current [N] in nA, dt in ms) -> all variables, new. A model with
        `inputs` is given {input: [N]} in place of the current.
      threshold: (params, variables) -> margin [N], a float: the neuron spikes where the margin is
        >= 0; -inf where the neuron cannot spike.
      reset: (params, variables) -> all variables, for the neurons that spiked.
      surrogate: the derivative of a spike for gradients, such as `jsnn.surrogates.arctan()`: a
        function of the margin in its unit.
      margin_unit: params -> the unit of the margin for the surrogate, () or [N], such as the
        distance from rest to threshold; None for 1.
      reset_gradient: differentiate through the reset too, x <- x + s (reset(p, x) - x) for a spike
        s. By default the derivative of s stops there.
      inputs: names of the inputs, such as ("g_e", "g_i"), of a model that has several, each with
        a unit of its own; empty for a model with one input, its current.
      draws: (name, sampler) for random numbers [N] that are new in every step. `update`,
        `threshold` and `reset` find them among the parameters, the same numbers within a step.
      derived: (params, dt in ms) -> {name: value}, numbers that follow from the parameters, such as
        the decay of a step. They are made once in a run; `update`, `threshold` and `reset` find
        them among the parameters. The function works elementwise, on parameters () or [N].
      impulses: names of those inputs that `update` adds to a variable at the start of a step; the
        others are constant within the step. For `jsnn.exact`.
      refractory: the refractory time, or None; for `jsnn.exact`.
      max_dt: params -> the longest step in ms, () or [N], for which `update` is stable.
      name: for messages and summaries.
      description: equations, units and source.
    """

    update: Callable[[Values, Values, Any, jax.Array], Values]
    threshold: Callable[[Values, Values], jax.Array]
    reset: Callable[[Values, Values], Values] = _no_reset
    surrogate: Surrogate = _SUPERSPIKE
    margin_unit: Callable[[Values], jax.Array] | None = None
    reset_gradient: bool = False
    inputs: Sequence[str] = ()
    draws: Sequence[tuple[str, Sampler]] = ()
    max_dt: Callable[[Values], jax.Array] | None = None
    derived: Callable[[Values, jax.Array], Values] | None = None
    impulses: Sequence[str] = ()
    refractory: Refractory | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "inputs", names_of(self.inputs, "NeuronModel, inputs"))
        impulses = names_of(self.impulses, "NeuronModel, impulses")
        check_known(impulses, self.targets, "NeuronModel, impulses", "input")
        object.__setattr__(self, "impulses", impulses)
        if self.refractory is not None:
            check_type(self.refractory, Refractory, "NeuronModel, refractory")
            named = [self.refractory.left, *self.refractory.holds]
            check_known(named, self.variables, "NeuronModel, refractory", "variable")
        check_not_reserved(self.params, self.targets, "NeuronModel, parameter", "an input")
        object.__setattr__(self, "draws", checked_draws(self.draws, self.params, "NeuronModel"))
        check_flag(self.reset_gradient, "NeuronModel, reset_gradient")
        check_surrogate(self.surrogate, "NeuronModel, surrogate")
        for name in ("max_dt", "derived", "margin_unit"):
            function = getattr(self, name)
            if function is not None and not callable(function):
                raise TypeError(
                    f"NeuronModel, {name}: given {function!r}; expected a function of the "
                    "parameters"
                )

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the inputs; ("current",) for a model with one."""
        return tuple(self.inputs) or ("current",)

    def complete_params(self, params: Mapping[str, Any], dt: jax.Array) -> Values:
        """Return the parameters and those that are derived from them."""
        return {**params, **({} if self.derived is None else self.derived(dict(params), dt))}
