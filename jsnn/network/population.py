"""Populations of neurons."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jsnn._checks import check_type, positive_int
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.neurons import NeuronModel
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
class Population:
    """Neurons of one model.

    Attributes:
      name: unique in the network.
      size: N, the number of neurons.
      model: the neuron model.
      params: values that replace the defaults of the model, each a scalar or [N], or a table of
        any length if the model declares one; traced.
      initial: initial values of variables that replace the defaults of the model, each a scalar or
        [N]; traced.

    Raises:
      TypeError: if a field is of another type, or a value is an initializer.
      ValueError: if the model has no such parameter or variable, a shape is neither () nor [N], a
        number is NaN or infinite or outside the domain that the model declares.
    """

    name: str = static()
    size: int = static()
    model: NeuronModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    initial: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        what = self._what
        if isinstance(self.size, tuple | list):
            raise TypeError(
                f"{what}, size: given {self.size}; expected the number of neurons, an integer "
                "(math.prod(size) of a shape)"
            )
        size = positive_int(self.size, f"{what}, size")
        check_type(self.model, NeuronModel, f"{what}, model", ", such as jsnn.LIF")
        params = completed(self.params, self.model.params, what, "parameter", self.model.variables)
        initial = completed(self.initial, self.model.variables, what, "variable", self.model.params)
        check_per_neuron(params, self.model.params, size, f"{what}, parameter")
        check_per_neuron(initial, self.model.variables, size, f"{what}, variable")
        for name, value in (("size", size), ("params", params), ("initial", initial)):
            object.__setattr__(self, name, value)

    @property
    def _what(self) -> str:
        return checked_name(self.name, "population")

    def cast(self, dtype: Any) -> Population:
        """Return the population with every number an array of `dtype`.

        Raises:
          ValueError: if the model cannot be simulated in `dtype`.
        """
        raise_problems(self.model, dtype, f"{self._what}: its model", self.size)
        return replace(
            self,
            params=cast_params(self.params, self.model.params, dtype, f"{self._what}, parameter"),
            initial=cast_initial(
                self.initial, self.model.variables, dtype, f"{self._what}, variable"
            ),
        )

    def check_cast(self, sizes: Mapping[str, int], dtype: Any) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        each = (self.size,)
        check_cast(self.params, self.model.params, each, dtype, f"{self._what}, parameter")
        check_cast(self.initial, self.model.variables, each, dtype, f"{self._what}, variable")

    def __repr__(self) -> str:
        return f"Population {self.name!r}: {self.size:,} neurons of {self.model.name or 'a model'}"
