"""A projection: the synapses from one population to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jsnn._checks import (
    check_type,
    is_concrete,
    positive_int,
)
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.synapses import DELTA, SynapseModel
from jsnn.network.connectivity import Connectivity, DelayedEach, Modifiable
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
class Projection:
    """The synapses from population `pre` to population `post`.

    Attributes:
      pre: the name of the presynaptic population.
      post: the name of the postsynaptic population.
      connectivity: which neuron reaches which, with what weight.
      synapse: what arriving spikes do to the postsynaptic current.
      params: values that replace the defaults of the synapse model, each a scalar or [post], or of
        the plasticity, each a scalar; traced.
      variables: initial values that replace the synapse model's, each a scalar or [post], or the
        plasticity's, each a scalar or one value per synapse, in the order in which the connectivity
        keeps them; traced.
      delay: whole steps, >= 0: a spike of step n arrives in step n + delay. 1 (the default) is
        what GeNN calls no delay. 0 is within the same step, where the graph allows an order. Not
        given where the connectivity has a delay for each synapse, and then the longest of them.
      plasticity: how the weights change with the spikes, or None.
      target: which of the `inputs` of the postsynaptic neuron model it adds to.
      name: unique in the network; "pre_to_post" unless given.

    Raises ValueError or TypeError where a name is unknown to the models, a shape or a delay does
    not fit, or the connectivity cannot carry a plasticity.
    """

    pre: str = static()
    post: str = static()
    connectivity: Connectivity
    synapse: SynapseModel = static(default=DELTA)
    params: Given = dataclasses.field(default_factory=dict)
    variables: Given = dataclasses.field(default_factory=dict)
    delay: int = static(default=None)
    plasticity: PlasticityModel | None = static(default=None)
    target: str = static(default="current")
    name: str = static(default="")

    def __post_init__(self) -> None:
        for side in ("pre", "post"):
            check_type(getattr(self, side), str, f"projection, {side}", ", a population's name")
        if not self.name:
            object.__setattr__(self, "name", f"{self.pre}_to_{self.post}")
        what = named(self)
        if not isinstance(self.connectivity, Connectivity):
            raise TypeError(
                f"{what}, connectivity: given {type(self.connectivity).__name__}; expected a "
                "connectivity such as jsnn.Dense(weights)"
            )
        object.__setattr__(self, "delay", self._checked_delay(what))
        check_type(self.synapse, SynapseModel, f"{what}, synapse")
        models: list[Any] = [self.synapse]
        if self.plasticity is not None:
            check_type(self.plasticity, PlasticityModel, f"{what}, plasticity")
            if not isinstance(self.connectivity, Modifiable):
                raise TypeError(
                    f"{what}, plasticity: given with {type(self.connectivity).__name__}, whose "
                    "weights are not each a synapse's own; expected Dense or Sparse, say"
                )
            models.append(self.plasticity)
        for field in ("params", "variables"):
            twice = set.intersection(*({*getattr(model, field)} for model in models))
            if len(models) > 1 and twice:
                raise ValueError(
                    f"{what}: {min(twice)!r} is among the {field} of both its synapse model and "
                    "its plasticity; expected different names"
                )
            defaults = {k: v for model in models for k, v in getattr(model, field).items()}
            complete(self, field, defaults, what)
        num_post = self.connectivity.num_post
        check_shapes(self.of_synapse(self.params), num_post, f"{what}, parameter")
        check_shapes(self.of_synapse(self.variables), num_post, f"{what}, variable")
        check_time_constants(self.params, what)
        for name, value in self.of_rule(self.params).items():
            if np.ndim(value):
                raise ValueError(
                    f"{what}, parameter {name!r} of its plasticity: given shape {np.shape(value)}; "
                    "expected a scalar"
                )
        self._check_bounds(what)
        for name, value in self.of_rule(self.variables).items():
            each = np.shape(self.connectivity.weights)  # type: ignore[attr-defined]
            if np.shape(value) not in ((), each):
                raise ValueError(
                    f"{what}, variable {name!r} of its plasticity: given shape {np.shape(value)}; "
                    f"expected a scalar or {each}, one value per synapse"
                )

    def _check_bounds(self, what: str) -> None:
        """Raise ValueError where a plasticity's bounds are no interval or leave a weight out."""
        if self.plasticity is None:
            return
        bounds = self.of_rule(self.params)
        low, high = bounds.get("w_min", -np.inf), bounds.get("w_max", np.inf)
        if not (is_concrete(low) and is_concrete(high)):
            return
        if low > high:
            raise ValueError(f"{what}: given w_min {low} and w_max {high}; expected w_min <= w_max")
        weights = self.connectivity.weights  # type: ignore[attr-defined]
        if is_concrete(weights):
            array = np.asarray(weights)
            outside = array[(array < low) | (array > high)]
            if outside.size:
                raise ValueError(
                    f"{what}: given {outside.size} of {array.size} weights outside w_min to w_max "
                    f"of its plasticity, such as {outside[0]}; expected {low} to {high}"
                )

    def _checked_delay(self, what: str) -> int:
        longest = self.connectivity.max_delay if isinstance(self.connectivity, DelayedEach) else 0
        if longest and self.delay not in (None, longest):
            raise ValueError(
                f"{what}, delay: given {self.delay} with a connectivity that has a delay for each "
                "synapse; expected one of them"
            )
        return longest or positive_int(
            1 if self.delay is None else self.delay, f"{what}, delay", least=0
        )

    @property
    def delayed_each(self) -> bool:
        """Whether each synapse has a delay of its own."""
        return isinstance(self.connectivity, DelayedEach) and self.connectivity.max_delay > 0

    def of_synapse(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `values` that belong to the synapse model."""
        known = (self.synapse.params, self.synapse.variables)
        return {k: v for k, v in values.items() if any(k in names for names in known)}

    def of_rule(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `values` that belong to the plasticity."""
        own = self.of_synapse(values)
        return {k: v for k, v in values.items() if k not in own}

    def cast(self, dtype: Any) -> Projection:
        """The same with every parameter an array of `dtype`, the synapse model checked in it."""
        what = named(self)
        raise_problems(self.synapse, dtype, f"{what}: its synapse model")
        defaults = dict(self.synapse.variables)
        if self.plasticity is not None:
            raise_problems(self.plasticity, dtype, f"{what}: its plasticity")
            defaults |= self.plasticity.variables
        return replace(
            self,
            params=cast_params(self.params, dtype, f"{what}, parameter"),
            variables=cast_variables(self.variables, defaults, dtype, what),
        )
