"""Current sources: currents into the neurons of one population."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jsnn._checks import check_population_name, check_type
from jsnn._pytree import pytree, replace, static
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
      params: values that replace the defaults of the model, each a scalar or [N], or a table of
        any length if the model declares one; traced. A presentation may replace them again,
        through its `drive`.
      initial: initial values of variables that replace the defaults of the model, each a scalar or
        [N]; traced.
      target: the input of the neuron model to which the source adds, or one of its variables, to
        which it adds before the neurons are updated.

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
        check_population_name(self.population, f"{what}, population")
        hint = ", such as jsnn.GAUSSIAN_NOISE"
        check_type(self.model, CurrentSourceModel, f"{what}, model", hint)
        params = completed(self.params, self.model.params, what, "parameter", self.model.variables)
        initial = completed(self.initial, self.model.variables, what, "variable", self.model.params)
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
        parameter, variable = f"{what}, parameter", f"{what}, variable"
        check_per_neuron(self.params, self.model.params, size, parameter)
        check_per_neuron(self.initial, self.model.variables, size, variable)
        return replace(
            self,
            params=cast_params(self.params, self.model.params, dtype, parameter),
            initial=cast_initial(self.initial, self.model.variables, dtype, variable),
        )

    def check_cast(self, sizes: Mapping[str, int], dtype: Any) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        what, model, each = self._what, self.model, (sizes[self.population],)
        check_cast(self.params, model.params, each, dtype, f"{what}, parameter")
        check_cast(self.initial, model.variables, each, dtype, f"{what}, variable")

    def __repr__(self) -> str:
        model = self.model.name or "a model"
        return f"CurrentSource {self.name!r}: {model} into {self.population!r}"
