"""Plasticity of a projection: a learning rule with its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from jsnn._checks import check_finite, check_type, is_concrete
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.dependence import params_of_traces
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.plasticity.reads import SINCE_SPIKE
from jsnn.models.quantity import Quantity, check_domains
from jsnn.network.connectivity import Divided, LearntDelays, Modifiable
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
      params: values that replace the defaults of the rule, each a scalar, or one value per synapse
        in the order of the weights if no trace of a neuron depends on it; traced.
      initial: initial values of the variables of each synapse that replace the defaults of the
        rule, each a scalar or one value per synapse, in the order of the weights; traced.
      initial_pre: initial values of the traces of the presynaptic neurons that replace the defaults
        of the rule, each a scalar or [pre]; traced.
      initial_post: initial values of the traces of the postsynaptic neurons, a scalar or [post].

    Raises:
      TypeError: if the model is not a `PlasticityModel`, or a value is an initializer.
      ValueError: if the rule has no such parameter or variable, a shape does not fit, a number is
        NaN or infinite or outside the domain that the rule declares.
    """

    model: PlasticityModel = static()
    params: Given = dataclasses.field(default_factory=dict)
    initial: Given = dataclasses.field(default_factory=dict)
    initial_pre: Given = dataclasses.field(default_factory=dict)
    initial_post: Given = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check_type(self.model, PlasticityModel, "plasticity, model", ", such as jsnn.STDP")
        what = f"plasticity {self.model.name}".rstrip()
        params = completed(self.params, self.model.params, what, "parameter")
        initial = completed(self.initial, self.model.variables, what, "variable")
        for name, value in params.items():
            check_finite(value, f"{what}, parameter {name!r}")
        check_domains(self.model.params, params, f"{what}, parameter")
        for name, value in (("params", params), ("initial", initial)):
            object.__setattr__(self, name, value)
        for side in ("pre", "post"):
            given = getattr(self, f"initial_{side}")
            traces = completed(given, self.traces(side), what, f"{side}synaptic trace")
            object.__setattr__(self, f"initial_{side}", traces)

    def check_fits(self, connectivity: Any, what: str) -> None:
        """Raise an error if the rule cannot change the weights of `connectivity`.

        Raises:
          TypeError: if the connectivity does not store a weight for each synapse.
          ValueError: if an initial value has another shape than the weights, or a weight lies
            outside the bounds of the rule.
        """
        if isinstance(connectivity, LearntDelays):
            raise TypeError(
                f"{what}, plasticity: given with LearntDelays, which gradients change; expected "
                "Dense, Sparse or OneToOne (connectivity.deployed() is Dense with whole delays)"
            )
        if not isinstance(connectivity, (Modifiable, Divided)):
            raise TypeError(
                f"{what}, plasticity: given with {type(connectivity).__name__}, which does not "
                "store a weight for each synapse; expected Dense, Sparse or OneToOne"
            )
        each = tuple(np.shape(connectivity.weights))
        hint = ", one value per synapse"
        of_params = shape_of_params(connectivity)
        check_values(
            self.params, self.model.params, of_params, f"{what}, plasticity, parameter", hint
        )
        check_values(
            self.initial, self.model.variables, each, f"{what}, plasticity, variable", hint
        )
        self._check_traces(connectivity, check_values, what)
        self.check_weights(connectivity.weights, what, getattr(connectivity, "exists", None))
        self.check_scalars([name for name, value in self.params.items() if np.ndim(value)], what)

    def check_scalars(self, each: Sequence[str], what: str) -> None:
        """Raise ValueError if the traces of neurons depend on a parameter of each synapse.

        Args:
          each: the names of the parameters with one value per synapse.
          what: the part, for messages.
        """
        of_traces = params_of_traces(self.model) if each else ()
        for name in each:
            if name in of_traces:
                raise ValueError(
                    f"{what}, plasticity, parameter {name!r}: given one value per synapse; "
                    "expected a scalar, since the traces of neurons depend on it"
                )

    def traces(self, side: str) -> dict[str, Quantity]:
        """Return the declared traces of a side, "pre" or "post", that may start at any value."""
        declared = getattr(self.model, side)
        return {name: trace for name, trace in declared.items() if name != SINCE_SPIKE}

    def _check_traces(self, connectivity: Any, check: Callable[..., None], what: str) -> None:
        """Check the initial values of traces with `check_values` or `check_cast`."""
        for side, size in (("pre", connectivity.num_pre), ("post", connectivity.num_post)):
            given = getattr(self, f"initial_{side}")
            kind = f"{what}, plasticity, {side}synaptic trace"
            check(given, self.traces(side), (size,), what=kind)

    def check_place(
        self,
        given: Given,
        params: Given,
        what: str,
        expected: str = "{{'plasticity': {{{name}: value}}}}",
    ) -> None:
        """Raise ValueError if a parameter of the rule is given as one of the synapse model.

        Args:
          given: parameters of the synapse model by name.
          params: the parameters that the synapse model has.
          what: the part, for messages.
          expected: the right place for a name, for messages.
        """
        for name in given:
            if name in self.model.params and name not in params:
                raise ValueError(
                    f"{what}: {name!r} belongs to its plasticity; expected "
                    f"{expected.format(name=repr(name))}"
                )

    @property
    def bounds(self) -> tuple[Any, Any]:
        """The lowest and the highest weight; infinite if the rule has no bounds."""
        if self.model.weight_bounds is None:
            return -np.inf, np.inf
        lowest, highest = self.model.weight_bounds
        return self.params[lowest], self.params[highest]

    def check_weights(self, weights: Any, what: str, exists: Any = None) -> None:
        """Raise ValueError if a weight lies outside the bounds of the rule; skip traced numbers.

        Args:
          weights: the weights.
          what: the part, for messages.
          exists: bool, like the weights, False where there is no synapse; None if all exist.
        """
        given = (weights, exists, *self.bounds)
        if self.model.weight_bounds is None or not all(map(is_concrete, given)):
            return
        array = np.asarray(weights)
        low, high = (
            np.broadcast_to(np.asarray(bound, array.dtype), array.shape) for bound in self.bounds
        )
        there = np.full(array.shape, True) if exists is None else np.asarray(exists)
        outside = there & ((array < low) | (array > high))
        if outside.any():
            lowest, highest = self.model.weight_bounds
            weight, least, most = (str(x[outside][0]) for x in (array, low, high))
            raise ValueError(
                f"{what}: given {outside.sum()} of {there.sum()} weights outside {lowest} to "
                f"{highest} of its plasticity, such as {weight}; expected {least} to {most}"
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
            **{
                f"initial_{side}": cast_initial(
                    getattr(self, f"initial_{side}"),
                    self.traces(side),
                    dtype,
                    f"{what}, plasticity, {side}synaptic trace",
                )
                for side in ("pre", "post")
            },
        )

    def check_cast(self, connectivity: Any, dtype: Any, what: str) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        model, what_rule = self.model, f"{what}, plasticity"
        each = tuple(np.shape(connectivity.weights))
        of_params = shape_of_params(connectivity)
        check_cast(self.params, model.params, of_params, dtype, f"{what_rule}, parameter")
        check_cast(self.initial, model.variables, each, dtype, f"{what_rule}, variable")
        self._check_traces(connectivity, partial(check_cast, dtype=dtype), what)
        self.check_weights(connectivity.weights, what, getattr(connectivity, "exists", None))

    def __repr__(self) -> str:
        return f"Plasticity {self.model.name or '(no name)'}"


def shape_of_params(connectivity: Any) -> tuple[int, ...]:
    """Return the shape of a parameter with one value per synapse; () if there may be none."""
    return () if isinstance(connectivity, Divided) else tuple(np.shape(connectivity.weights))
