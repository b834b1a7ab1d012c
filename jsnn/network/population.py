"""A population: neurons of one model."""

from __future__ import annotations

import dataclasses
from typing import Any

from jsnn._checks import (
    check_type,
    positive_int,
)
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.neurons import NeuronModel
from jsnn.network.values import (
    Given,
    cast_params,
    cast_variables,
    check_shapes,
    check_time_constants,
    complete,
    named,
)


@pytree
class Population:
    """`size` neurons of one `model`.

    Attributes:
      name: unique in the network.
      size: N, the number of neurons.
      model: the neuron model.
      params: values that replace the model's defaults, each a scalar or [N]; traced.
      variables: initial values that replace the model's defaults, each a scalar or [N]; traced.

    Raises ValueError or TypeError where a name is unknown to the model, a shape is neither () nor
    [N], or a number is NaN or infinite.
    """

    name: str = static()
    size: int = static()
    model: NeuronModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    variables: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        what = named(self)
        object.__setattr__(self, "size", positive_int(self.size, f"{what}, size"))
        check_type(self.model, NeuronModel, f"{what}, model")
        complete(self, "params", self.model.params, what)
        complete(self, "variables", self.model.variables, what)
        check_shapes(self.params, self.size, f"{what}, parameter")
        check_shapes(self.variables, self.size, f"{what}, variable")
        check_time_constants(self.params, what)

    def cast(self, dtype: Any) -> Population:
        """The same with every number an array of `dtype`, the model checked in it."""
        what = named(self)
        raise_problems(self.model, dtype, f"{what}: its model")
        return replace(
            self,
            params=cast_params(self.params, dtype, f"{what}, parameter"),
            variables=cast_variables(self.variables, self.model.variables, dtype, what),
        )
