"""Current sources: currents into the neurons of one population."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_array, check_finite, check_known, check_type
from jsnn._pytree import FrozenDict, pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.current_sources import CurrentSourceModel
from jsnn.models.quantity import check_domains
from jsnn.network.values import (
    Given,
    cast_initial,
    cast_params,
    check_cast,
    check_per_neuron,
    checked_name,
    completed,
)


@pytree
class CurrentSource:
    """A current that is part of the network, into every neuron of one population.

    Attributes:
      name: unique in the network.
      population: the name of the population that it drives.
      model: the model of the current.
      params: values that replace the defaults of the model, each a scalar or [N], or [K, N] if the
        parameter is a table; traced. A presentation may replace them again, through its `drive`.
      initial: initial values of variables that replace the defaults of the model, each a scalar or
        [N]; traced.
      target: the input of the neuron model to which the source adds.

    Raises:
      TypeError: if a field is of another type, or a value is an initializer.
      ValueError: if the model has no such parameter or variable, or a number is outside the domain
        that the model declares.
    """

    name: str = static()
    population: str = static()
    model: CurrentSourceModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    initial: Given = dataclasses.field(default_factory=dict)
    target: str = static(default="current")

    def __post_init__(self) -> None:
        what = self._what
        check_type(self.model, CurrentSourceModel, f"{what}, model")
        params = completed(self.params, self.model.params, what, "parameter")
        initial = completed(self.initial, self.model.variables, what, "variable")
        check_domains(self.model.params, params, f"{what}, parameter")
        for name, value in (("params", params), ("initial", initial)):
            object.__setattr__(self, name, value)

    @property
    def _what(self) -> str:
        return checked_name(self.name, "current source")

    def cast(self, size: int, dtype: Any) -> CurrentSource:
        """Return the source for a population of `size`, with every number an array of `dtype`.

        Raises:
          ValueError: if a shape does not fit, or the model cannot be simulated in `dtype`.
        """
        what = self._what
        raise_problems(self.model, dtype, f"{what}: its model", size)
        variable = f"{what}, variable"
        check_per_neuron(self.initial, self.model.variables, size, variable)
        return replace(
            self,
            params=self.checked_params(self.params, size, dtype, what),
            initial=cast_initial(self.initial, self.model.variables, dtype, variable),
        )

    def checked_params(
        self, given: Given, size: int, dtype: Any, what: str
    ) -> FrozenDict[jax.Array]:
        """Return values for some of the parameters as arrays.

        Raises:
          ValueError: if a name is unknown or a shape does not fit; the message names `what`.
        """
        check_known(given, self.model.params, what, "parameter")
        self._check_shapes(given, size, what)
        return cast_params(given, self.model.params, dtype, f"{what}, parameter")

    def check_cast(self, sizes: Mapping[str, int], dtype: Any) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        what, size, model = self._what, sizes[self.population], self.model
        for name, value in self.params.items():
            check_array(value, dtype, f"{what}, parameter {name!r}")
            check_finite(value, f"{what}, parameter {name!r}")
        self._check_shapes(self.params, size, what)
        check_domains(model.params, self.params, f"{what}, parameter")
        shapes = ((), (size,))
        check_cast(self.initial, model.variables, shapes, dtype, f"{what}, variable")

    def _check_shapes(self, given: Given, size: int, what: str) -> None:
        """Raise ValueError if a parameter has a shape that does not fit."""
        declared = self.model.params
        tables = {name for name in given if declared[name].ndim == 2}
        for name in tables:
            shape = np.shape(given[name])
            if len(shape) != 2 or shape[0] < 1 or shape[1] not in (1, size):
                raise ValueError(
                    f"{what}, parameter {name!r}: given shape {shape}; expected (steps, {size}), "
                    "one row a step"
                )
        scalars = {name: value for name, value in given.items() if name not in tables}
        check_per_neuron(scalars, declared, size, f"{what}, parameter")

    def __repr__(self) -> str:
        model = self.model.name or "a model"
        return f"CurrentSource {self.name!r}: {model} into {self.population!r}"
