"""A current source: a current into the neurons of one population."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np

from jsnn._checks import (
    check_known,
    check_type,
)
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.current_sources import SourceModel
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
class CurrentSource:
    """A current that is part of the network, into every neuron of one population.

    Attributes:
      name: unique in the network.
      population: the name of the population that it drives.
      model: the source model.
      target: which of the `inputs` of the population's neuron model it adds to.
      params: values that replace the model's defaults, each a scalar or [N], or [K, N] where the
        model has a table; traced. A presentation may replace them again, through its `drive`.
      variables: initial values that replace the model's, each a scalar or [N]; traced.
    """

    name: str = static()
    population: str = static()
    model: SourceModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    variables: Given = dataclasses.field(default_factory=dict)
    target: str = static(default="current")

    def __post_init__(self) -> None:
        what = named(self)
        check_type(self.model, SourceModel, f"{what}, model")
        complete(self, "params", self.model.params, what)
        complete(self, "variables", self.model.variables, what)

    def cast(self, size: int, dtype: Any) -> CurrentSource:
        """The same for a population of `size`, with every parameter an array of `dtype`."""
        what = named(self)
        raise_problems(self.model, dtype, f"{what}: its model")
        check_shapes(self.variables, size, f"{what}, variable")
        return replace(
            self,
            params=self.checked_params(self.params, size, dtype, what),
            variables=cast_variables(self.variables, self.model.variables, dtype, what),
        )

    def checked_params(
        self, given: Given, size: int, dtype: Any, what: str
    ) -> dict[str, jax.Array]:
        """The values `given` for some of the parameters as arrays, or an error naming `what`."""
        defaults = self.model.params
        check_known(given, defaults, what, "parameter")
        tables = {name for name in given if np.ndim(defaults[name]) == 2}
        for name in tables:
            shape = np.shape(given[name])
            if len(shape) != 2 or shape[0] < 1 or shape[1] not in (1, size):
                raise ValueError(
                    f"{what}, parameter {name!r}: given shape {shape}; expected (steps, {size}), "
                    "one row a step"
                )
        scalars = {name: value for name, value in given.items() if name not in tables}
        check_shapes(scalars, size, f"{what}, parameter")
        check_time_constants(given, what)
        return cast_params(given, dtype, f"{what}, parameter")
