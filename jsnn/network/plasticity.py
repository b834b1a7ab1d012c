"""Plasticity of a projection: a learning rule with its parameters."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jsnn._checks import check_type, is_concrete
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.plasticity import PlasticityModel
from jsnn.network.connectivity import Divided, Modifiable
from jsnn.network.values import (
    Given,
    cast_initial,
    cast_params,
    check_cast,
    check_values,
    completed,
)


@pytree
class Plasticity:
    """A learning rule with its parameters, for the weights of a projection.

    Attributes:
      model: the learning rule.
      params: values that replace the defaults of the rule, each a scalar; traced.
      initial: initial values of the variables of each synapse that replace the defaults of the
        rule, each a scalar or one value per synapse, in the order of the weights; traced.

    Raises:
      TypeError: if the model is not a `PlasticityModel`, or a value is an initializer.
      ValueError: if the rule has no such parameter or variable, a shape does not fit, a number is
        NaN or infinite or outside the domain that the rule declares.
    """

    model: PlasticityModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    initial: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check_type(self.model, PlasticityModel, "plasticity, model", ", such as jsnn.STDP")
        what = f"plasticity {self.model.name}".rstrip()
        params = completed(self.params, self.model.params, what, "parameter")
        initial = completed(self.initial, self.model.variables, what, "variable")
        check_values(params, self.model.params, ((),), f"{what}, parameter", "")
        for name, value in (("params", params), ("initial", initial)):
            object.__setattr__(self, name, value)

    def check_fits(self, connectivity: Any, what: str) -> None:
        """Raise an error if the rule cannot change the weights of `connectivity`.

        Raises:
          TypeError: if the connectivity does not store a weight for each synapse.
          ValueError: if an initial value has another shape than the weights, or a weight lies
            outside the bounds of the rule.
        """
        if not isinstance(connectivity, (Modifiable, Divided)):
            raise TypeError(
                f"{what}, plasticity: given with {type(connectivity).__name__}, which does not "
                "store a weight for each synapse; expected Dense, Sparse or OneToOne"
            )
        each = tuple(np.shape(connectivity.weights))
        variable, hint = f"{what}, plasticity, variable", ", one value per synapse"
        check_values(self.initial, self.model.variables, ((), each), variable, hint)
        self.check_weights(connectivity.weights, what)

    @property
    def bounds(self) -> tuple[Any, Any]:
        """The lowest and the highest weight; infinite if the rule has no bounds."""
        if self.model.weight_bounds is None:
            return -np.inf, np.inf
        lowest, highest = self.model.weight_bounds
        return self.params[lowest], self.params[highest]

    def check_weights(self, weights: Any, what: str) -> None:
        """Raise ValueError if a weight lies outside the bounds of the rule; skip traced numbers."""
        if self.model.weight_bounds is None or not all(map(is_concrete, (weights, *self.bounds))):
            return
        array = np.asarray(weights)
        low, high = (np.asarray(bound, array.dtype) for bound in self.bounds)
        outside = array[(array < low) | (array > high)]
        if outside.size:
            lowest, highest = self.model.weight_bounds
            raise ValueError(
                f"{what}: given {outside.size} of {array.size} weights outside {lowest} to "
                f"{highest} of its plasticity, such as {outside[0]}; expected {low} to {high}"
            )

    def cast(self, dtype: Any, what: str) -> Plasticity:
        """Return the plasticity with every number an array of `dtype`.

        Raises:
          ValueError: if the rule cannot be simulated in `dtype`.
        """
        raise_problems(self.model, dtype, f"{what}: its plasticity")
        parameter, variable = (f"{what}, plasticity, {kind}" for kind in ("parameter", "variable"))
        return replace(
            self,
            params=cast_params(self.params, self.model.params, dtype, parameter),
            initial=cast_initial(self.initial, self.model.variables, dtype, variable),
        )

    def check_cast(self, connectivity: Any, dtype: Any, what: str) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        model, what_rule = self.model, f"{what}, plasticity"
        check_cast(self.params, model.params, ((),), dtype, f"{what_rule}, parameter")
        each = tuple(np.shape(connectivity.weights))
        check_cast(self.initial, model.variables, ((), each), dtype, f"{what_rule}, variable")
        self.check_weights(connectivity.weights, what)

    def __repr__(self) -> str:
        return f"Plasticity {self.model.name or '(no name)'}"
