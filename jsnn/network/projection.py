"""Projections: the synapses from one population to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jsnn._checks import check_array, check_type, positive_int
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.synapses import DELTA, SynapseModel
from jsnn.network.connectivity import Connectivity, Sparse, SynapticDelays
from jsnn.network.plasticity import Plasticity
from jsnn.network.values import (
    Given,
    cast_initial,
    cast_params,
    check_cast,
    check_per_neuron,
    checked_name,
    completed,
)

_MOST_IN_FLIGHT = 2**31 - 1


@pytree
class Projection:
    """The synapses from population `pre` to population `post`.

    Attributes:
      pre: the name of the presynaptic population.
      post: the name of the postsynaptic population.
      connectivity: the pairs of neurons that are joined, and the weights.
      synapse: the model of the effect of arriving spikes on the postsynaptic input.
      params: values that replace the defaults of the synapse model, each a scalar or [post];
        traced.
      initial: initial values of variables that replace the defaults of the synapse model, each a
        scalar or [post]; traced.
      delay: whole steps, >= 0: a spike of step n arrives in step n + delay. The default, 1, is
        called no delay in GeNN. A spike of delay 0 arrives within the same step, if the graph
        allows an order. If the connectivity has a delay for each synapse, none is to be given, and
        `delay` is the longest of them. With a plasticity, 0 or 1.
      plasticity: a learning rule with its parameters, or None.
      target: the input of the postsynaptic neuron model to which the projection adds.
      name: unique in the network; "pre_to_post" unless given.

    Raises:
      TypeError: if a field is of another type, or the connectivity cannot carry a plasticity.
      ValueError: if a model has no such parameter or variable, a shape or a delay does not fit, or
        a number is NaN or infinite or outside the domain that its model declares.
    """

    pre: str = static()
    post: str = static()
    connectivity: Connectivity
    synapse: SynapseModel = static(default=DELTA)
    params: Given = dataclasses.field(default_factory=dict)
    initial: Given = dataclasses.field(default_factory=dict)
    delay: int = static(default=None)
    plasticity: Plasticity | None = None
    target: str = static(default="current")
    name: str = static(default="")

    def __post_init__(self) -> None:
        for side in ("pre", "post"):
            check_type(getattr(self, side), str, f"projection, {side}", ", a population's name")
        if not self.name:
            object.__setattr__(self, "name", f"{self.pre}_to_{self.post}")
        what = self._what
        if not isinstance(self.connectivity, Connectivity):
            raise TypeError(
                f"{what}, connectivity: given {type(self.connectivity).__name__}; expected a "
                "connectivity such as jsnn.Dense(weights)"
            )
        check_type(self.synapse, SynapseModel, f"{what}, synapse")
        params = completed(self.params, self.synapse.params, what, "parameter")
        initial = completed(self.initial, self.synapse.variables, what, "variable")
        num_post = self.connectivity.num_post
        check_per_neuron(params, self.synapse.params, num_post, f"{what}, parameter")
        check_per_neuron(initial, self.synapse.variables, num_post, f"{what}, variable")
        if self.plasticity is not None:
            hint = ", such as jsnn.Plasticity(jsnn.STDP)"
            check_type(self.plasticity, Plasticity, f"{what}, plasticity", hint)
            self.plasticity.check_fits(self.connectivity, what)
            self._check_plastic_delay(self.plasticity.model)
            if isinstance(self.connectivity, Sparse):
                object.__setattr__(self, "connectivity", self.connectivity.indexed_by_post())
        canonical = (("params", params), ("initial", initial), ("delay", self._checked_delay()))
        for name, value in canonical:
            object.__setattr__(self, name, value)

    @property
    def _what(self) -> str:
        return checked_name(self.name, "projection")

    def _checked_delay(self) -> int:
        what = f"{self._what}, delay"
        longest = self.connectivity.max_delay if self.has_synaptic_delays else 0  # type: ignore[attr-defined]
        if longest and self.delay not in (None, longest):
            raise ValueError(
                f"{what}: given {self.delay} with a connectivity that has a delay for each "
                "synapse; expected one of them"
            )
        delay = longest or positive_int(1 if self.delay is None else self.delay, what, least=0)
        neurons = max(self.connectivity.num_pre, self.connectivity.num_post)
        if delay * neurons > _MOST_IN_FLIGHT:
            raise ValueError(
                f"{what}: given {delay} steps with {neurons} neurons; expected a product <= "
                f"{_MOST_IN_FLIGHT}, as int32 numbers what is in flight"
            )
        return delay

    def _check_plastic_delay(self, rule: PlasticityModel) -> None:
        given = "a delay for each synapse" if self.has_synaptic_delays else self.delay
        allowed = (1,) if rule.delivers_learnt_weight else (0, 1)
        if given is not None and given not in allowed:
            expected = " or ".join(map(str, allowed))
            raise ValueError(
                f"{self._what}, delay: given {given} with a plasticity; expected {expected}, since "
                "a longer delay of plastic synapses cannot be divided yet into the part before the "
                "synapse and the part after it"
            )

    @property
    def has_synaptic_delays(self) -> bool:
        """True if each synapse has a delay of its own."""
        return isinstance(self.connectivity, SynapticDelays) and self.connectivity.max_delay > 0

    @property
    def keeps_sums(self) -> bool:
        """True if the sums of what was sent are kept until they arrive, and not the spikes.

        So it is if synapses have delays of their own, or if their weights may change on the way.
        """
        return self.has_synaptic_delays or (self.plasticity is not None and self.delay > 0)

    def cast(self, dtype: Any) -> Projection:
        """Return the projection with every parameter and initial value an array of `dtype`.

        Raises:
          ValueError: if a model cannot be simulated in `dtype`.
        """
        what = self._what
        model, size = f"{what}: its synapse model", self.connectivity.num_post
        raise_problems(self.synapse, dtype, model, size)
        variable = f"{what}, variable"
        return replace(
            self,
            params=cast_params(self.params, self.synapse.params, dtype, f"{what}, parameter"),
            initial=cast_initial(self.initial, self.synapse.variables, dtype, variable),
            plasticity=self.plasticity and self.plasticity.cast(dtype, what),
        )

    def check_cast(self, sizes: Mapping[str, int], dtype: Any) -> None:
        """Check numbers that `jax.tree.map` may have changed.

        Raises:
          TypeError: if a number is no array of `dtype`.
          ValueError: if a shape does not fit, or a number is not finite or outside its domain.
        """
        what, shapes = self._what, ((), (sizes[self.post],))
        check_cast(self.params, self.synapse.params, shapes, dtype, f"{what}, parameter")
        check_cast(self.initial, self.synapse.variables, shapes, dtype, f"{what}, variable")
        if hasattr(self.connectivity, "weights"):
            check_array(self.connectivity.weights, dtype, f"{what}, weights")
        given = (self.connectivity.num_pre, self.connectivity.num_post)
        expected = (sizes[self.pre], sizes[self.post])
        if given != expected:
            raise ValueError(f"{what}: given weights of shape {given}; expected {expected}")
        if self.plasticity is not None:
            self.plasticity.check_cast(self.connectivity, dtype, what)

    def __repr__(self) -> str:
        kind = type(self.connectivity).__name__
        return f"Projection {self.name!r}: {self.pre!r} to {self.post!r}, {kind}"
