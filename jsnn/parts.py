"""The parts of a network: populations, projections and current sources, each checked by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import (
    check_finite,
    check_known,
    check_type,
    is_concrete,
    positive_int,
    real_array,
)
from jsnn._pytree import pytree, replace, static
from jsnn.check import raise_problems
from jsnn.connectivity import Connectivity, DelayedEach, Modifiable
from jsnn.neurons import NeuronModel
from jsnn.plasticity import PlasticityModel
from jsnn.sources import SourceModel
from jsnn.synapses import DELTA, SynapseModel

Given = Mapping[str, Any]
"""{name: value} as a user gives it, each value a scalar or one number per neuron."""


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
        what = _named(self)
        object.__setattr__(self, "size", positive_int(self.size, f"{what}, size"))
        check_type(self.model, NeuronModel, f"{what}, model")
        _complete(self, "params", self.model.params, what)
        _complete(self, "variables", self.model.variables, what)
        _check_shapes(self.params, self.size, f"{what}, parameter")
        _check_shapes(self.variables, self.size, f"{what}, variable")
        check_time_constants(self.params, what)

    def cast(self, dtype: Any) -> Population:
        """The same with every number an array of `dtype`, the model checked in it."""
        what = _named(self)
        raise_problems(self.model, dtype, f"{what}: its model")
        return replace(
            self,
            params=_cast(self.params, dtype, f"{what}, parameter"),
            variables=_cast_variables(self.variables, self.model.variables, dtype, what),
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
        what = _named(self)
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
            _complete(self, field, defaults, what)
        num_post = self.connectivity.num_post
        _check_shapes(self.of_synapse(self.params), num_post, f"{what}, parameter")
        _check_shapes(self.of_synapse(self.variables), num_post, f"{what}, variable")
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
        what = _named(self)
        raise_problems(self.synapse, dtype, f"{what}: its synapse model")
        defaults = dict(self.synapse.variables)
        if self.plasticity is not None:
            raise_problems(self.plasticity, dtype, f"{what}: its plasticity")
            defaults |= self.plasticity.variables
        return replace(
            self,
            params=_cast(self.params, dtype, f"{what}, parameter"),
            variables=_cast_variables(self.variables, defaults, dtype, what),
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
        what = _named(self)
        check_type(self.model, SourceModel, f"{what}, model")
        _complete(self, "params", self.model.params, what)
        _complete(self, "variables", self.model.variables, what)

    def cast(self, size: int, dtype: Any) -> CurrentSource:
        """The same for a population of `size`, with every parameter an array of `dtype`."""
        what = _named(self)
        raise_problems(self.model, dtype, f"{what}: its model")
        _check_shapes(self.variables, size, f"{what}, variable")
        return replace(
            self,
            params=self.checked_params(self.params, size, dtype, what),
            variables=_cast_variables(self.variables, self.model.variables, dtype, what),
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
        _check_shapes(scalars, size, f"{what}, parameter")
        check_time_constants(given, what)
        return _cast(given, dtype, f"{what}, parameter")


_KINDS = {Population: "population", Projection: "projection", CurrentSource: "current source"}


def _named(part: Any) -> str:
    kind = _KINDS[type(part)]
    if not isinstance(part.name, str) or not part.name:
        raise TypeError(f"{kind}, name: given {part.name!r}; expected a non-empty string")
    return f"{kind} {part.name!r}"


def _complete(part: Any, field: str, defaults: Given, what: str) -> None:
    """Put the model's defaults under the values given for `field`."""
    given = getattr(part, field)
    check_type(given, Mapping, f"{what}, {field}")
    check_known(given, defaults, what, {"params": "parameter", "variables": "variable"}[field])
    object.__setattr__(part, field, {**defaults, **given})


def _check_shapes(values: Given, size: int, what: str) -> None:
    for name, value in values.items():
        if np.shape(value) not in ((), (size,)):
            raise ValueError(
                f"{what} {name!r}: given shape {np.shape(value)}; expected a scalar or ({size},), "
                "one value per neuron"
            )
        check_finite(value, f"{what} {name!r}")


def check_time_constants(params: Given, what: str) -> None:
    """Raise ValueError where a parameter that is a time constant by its name is not > 0."""
    for name, value in params.items():
        if name.startswith("tau") and is_concrete(value):
            array, may_be_zero = np.asarray(value), name == "tau_refrac"
            if not np.all(array >= 0 if may_be_zero else array > 0):
                raise ValueError(
                    f"{what}, parameter {name!r}: given {array.min()}; expected a time in ms "
                    f"{'>=' if may_be_zero else '>'} 0"
                )


def _cast(values: Given, dtype: Any, what: str) -> dict[str, jax.Array]:
    return {name: real_array(value, dtype, f"{what} {name!r}") for name, value in values.items()}


def _cast_variables(
    values: Given, defaults: Mapping[str, ArrayLike], dtype: Any, what: str
) -> dict[str, jax.Array]:
    """Initial values as leaves of one floating dtype, so that `jax.grad` takes a whole network.

    `init` gives an integer variable its integers back.
    """

    def leaf(name: str, value: Any) -> jax.Array:
        kind = np.asarray(defaults[name]).dtype.kind
        if kind == "f" or isinstance(value, jax.core.Tracer):
            return real_array(value, dtype, f"{what}, variable {name!r}")
        array = np.asarray(value)
        whole = np.round(array).astype(dtype)
        if not np.array_equal(whole, array) or (kind == "b" and not np.isin(whole, (0, 1)).all()):
            raise ValueError(
                f"{what}, variable {name!r}: given {value!r}; expected what its default is, "
                f"{'a bool' if kind == 'b' else 'a whole number'}, exact in {np.dtype(dtype)}"
            )
        return jnp.asarray(whole)

    return {name: leaf(name, value) for name, value in values.items()}
