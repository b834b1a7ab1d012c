"""Projections: the synapses from one population to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jsnn._checks import check_array, check_population_name, check_type, is_concrete, positive_int
from jsnn._pytree import pytree, replace, static
from jsnn.models.checker import raise_problems
from jsnn.models.synapses import DELTA, SynapseModel
from jsnn.network.connectivity import (
    Connectivity,
    Delayed,
    Dense,
    Divided,
    Listed,
    Shared,
    Sparse,
)
from jsnn.network.connectivity.indices import LONGEST_DELAY
from jsnn.network.plasticity import Plasticity
from jsnn.network.steps import DELAYS_IN_MS
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
        `delay` is the longest of them.
      axonal: the steps of the delay that lie before the synapse, from 0 to delay - 1: a spike of
        step n reaches the synapse in step n + axonal, where its weight is read and learning
        happens. With a plasticity whose delay is above 1 you have to give it; without a plasticity
        it changes nothing. If the connectivity has an axonal part for each synapse, none is to be
        given, and this is None.
      back_propagation: steps from a postsynaptic spike to the synapse, where the plasticity sees
        it.
      plasticity: a learning rule with its parameters, or None.
      target: the input of the postsynaptic neuron model to which the projection adds, or one of
        its variables, to which it adds before the neurons are updated: with `DELTA` and target "v",
        an arriving spike of weight w is a voltage jump, v <- v + w.
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
    axonal: int | None = static(default=None)
    back_propagation: int = static(default=0)
    plasticity: Plasticity | None = None
    target: str = static(default="current")
    name: str = static(default="")

    def __post_init__(self) -> None:
        for side in ("pre", "post"):
            check_population_name(getattr(self, side), f"projection, {side}")
        if not self.name:
            object.__setattr__(self, "name", f"{self.pre}_to_{self.post}")
        what = self._what
        if not isinstance(self.connectivity, Connectivity):
            raise TypeError(
                f"{what}, connectivity: given {type(self.connectivity).__name__}; expected a "
                "connectivity such as jsnn.Dense(weights), or jsnn.from_scipy(matrix)"
            )
        check_type(self.synapse, SynapseModel, f"{what}, synapse", ", such as jsnn.EXPONENTIAL")
        if isinstance(self.plasticity, Plasticity) and isinstance(self.params, Mapping):
            expected = "jsnn.Plasticity(model, {{{name}: value}})"
            self.plasticity.check_place(self.params, self.synapse.params, what, expected)
        params = completed(
            self.params, self.synapse.params, what, "parameter", self.synapse.variables
        )
        initial = completed(
            self.initial, self.synapse.variables, what, "variable", self.synapse.params
        )
        num_post = self.connectivity.num_post
        check_per_neuron(params, self.synapse.params, num_post, f"{what}, parameter")
        check_per_neuron(initial, self.synapse.variables, num_post, f"{what}, variable")
        if self.plasticity is not None:
            hint = ", such as jsnn.Plasticity(jsnn.STDP)"
            check_type(self.plasticity, Plasticity, f"{what}, plasticity", hint)
            self.plasticity.check_fits(self.connectivity, what)
        has_ends = self.plasticity is not None or self.synapse.sends_each is not None
        if has_ends and isinstance(self.connectivity, Sparse):
            object.__setattr__(self, "connectivity", self.connectivity.indexed_by_post())
        delay = self._checked_delay()
        axonal = self._checked_axonal(delay)
        if self.synapse.sends_each is not None and (delay == 0 or self.has_synaptic_delays):
            given = "delays of each synapse" if delay else "0"
            raise ValueError(
                f"{what}, delay: given {given} with a synapse model with sends_each; expected one "
                "delay of at least 1, since it sees the neurons of both sides after the step"
            )
        if self.plasticity is None and isinstance(self.connectivity, Sparse | Dense):
            object.__setattr__(self, "connectivity", self.connectivity.without_axonal())
        canonical = {
            "params": params,
            "initial": initial,
            "delay": delay,
            "axonal": axonal,
            "back_propagation": self._checked_back_propagation(),
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

    @property
    def _what(self) -> str:
        return checked_name(self.name, "projection")

    def _checked_delay(self) -> int:
        what = f"{self._what}, delay"
        given = 1 if self.delay is None else _whole_steps(self.delay, what)
        longest = self.connectivity.max_delay if self.has_synaptic_delays else 0  # type: ignore[attr-defined]
        if longest and self.delay not in (None, longest):
            raise ValueError(
                f"{what}: given {self.delay} with a connectivity that has a delay for each "
                "synapse; expected one of them"
            )
        delay = longest or given
        if delay > LONGEST_DELAY:
            raise ValueError(f"{what}: given {delay} steps; expected at most {LONGEST_DELAY}")
        neurons = max(self.connectivity.num_pre, self.connectivity.num_post)
        if delay * neurons > _MOST_IN_FLIGHT:
            raise ValueError(
                f"{what}: given {delay} steps with {neurons} neurons; expected a product <= "
                f"{_MOST_IN_FLIGHT}, as int32 numbers what is in flight"
            )
        return delay

    def _checked_axonal(self, delay: int) -> int | None:
        what = f"{self._what}, axonal"
        if self.has_synaptic_axonal and self.axonal is not None:
            raise ValueError(
                f"{what}: given {self.axonal} with a connectivity that has an axonal part for each "
                "synapse; expected one of them"
            )
        if self.plasticity is None and self.axonal is None:
            return None
        shortest = self._shortest_delay(delay)
        if self.plasticity is not None:
            if delay == 0 and self.plasticity.model.delivers_learnt_weight:
                raise ValueError(
                    f"{self._what}, delay: given 0 with a plasticity that delivers the weight "
                    "after learning, at the end of a step; expected at least 1"
                )
            if delay > 1 and self.axonal is None and not self.has_synaptic_axonal:
                each = " (`axonal=` of the connectivity, such as delays - 1, for each synapse)"
                raise ValueError(
                    f"{what}: given none with a plasticity and a delay of {delay}; expected the "
                    f"steps before the synapse, 0 to {shortest - 1}. With 0 a spike reaches the "
                    "synapse when it is emitted, as in NEST; with delay - 1 it has its effect as "
                    "soon as it has reached the synapse, as in Brian2"
                    f"{each if self.has_synaptic_delays else ''}"
                )
        axonal = 0 if self.axonal is None else _whole_steps(self.axonal, what)
        longest = self._max_axonal or axonal
        if longest and self.plasticity is not None and self.synapse.sends_numbers:
            raise ValueError(
                f"{what}: given {longest} with a synapse model that sends numbers and a "
                "plasticity, which sees spikes; expected 0"
            )
        if self.has_synaptic_axonal:
            return None
        if axonal > max(shortest - 1, 0):
            raise ValueError(
                f"{what}: given {axonal} with a delay of {shortest}; expected at most "
                f"{max(shortest - 1, 0)}, since the last step of a delay lies after the synapse"
            )
        return axonal

    def _shortest_delay(self, delay: int) -> int:
        delays = getattr(self.connectivity, "delays", None)
        if delays is None or not is_concrete(delays):
            return delay
        given = np.asarray(delays)
        return int(np.min(given[given > 0], initial=delay))  # an empty place has a delay of 0

    def _checked_back_propagation(self) -> int:
        what = f"{self._what}, back_propagation"
        steps = _whole_steps(self.back_propagation, what, most=LONGEST_DELAY)
        if steps and self.plasticity is None:
            raise ValueError(f"{what}: given {steps} without a plasticity; expected 0")
        return steps

    @property
    def has_synaptic_delays(self) -> bool:
        """True if each synapse has a delay of its own."""
        connectivity = self._connectivity_of_one_device
        return isinstance(connectivity, Listed | Delayed | Shared) and connectivity.max_delay > 0

    @property
    def has_synaptic_axonal(self) -> bool:
        """True if the delay of each synapse has an axonal part of its own."""
        return self._max_axonal is not None

    @property
    def _max_axonal(self) -> int | None:
        has_parts = isinstance(self.connectivity, Sparse | Dense)
        return self.connectivity.max_axonal if has_parts else None  # type: ignore[attr-defined]

    @property
    def steps_at_once(self) -> int:
        """The number of steps of which spikes may reach the synapses in one step."""
        return 1 + (self._max_axonal or 0)

    @property
    def num_sources(self) -> int:
        """The number of spikes that may reach the synapses in one step."""
        return self.connectivity.num_pre * self.steps_at_once

    @property
    def is_listed(self) -> bool:
        """True if what it sends is delivered through a list of synapses."""
        if self.synapse.sends_each is not None:
            return False
        if isinstance(self.connectivity, Shared):
            return self.connectivity.is_listed
        connectivity = self._connectivity_of_one_device
        without_delays = isinstance(connectivity, Dense) and not connectivity.max_delay
        return isinstance(connectivity, Listed) and not without_delays

    @property
    def _connectivity_of_one_device(self) -> Connectivity:
        whole = self.connectivity
        return whole.part if isinstance(whole, Divided) else whole

    @property
    def keeps_sums(self) -> bool:
        """True if sums are made when spikes reach the synapse, and not when they arrive.

        So it is if synapses are listed or have delays of their own, if their weights may change on
        the way, or if each sends a number of its own.
        """
        learns = self.plasticity is not None or self.shares_learning_weights
        made_at_synapse = learns or self.has_synaptic_delays or self.synapse.sends_each is not None
        return (self.is_listed or made_at_synapse) and self.delay > 0

    @property
    def shares_learning_weights(self) -> bool:
        """True if its weights are those of another projection that learns."""
        return isinstance(self.connectivity, Shared) and self.connectivity.learns

    @property
    def shares_sum(self) -> bool:
        """True if what it sends is part of the running sum of its input."""
        return self.is_listed and self.synapse == DELTA

    @property
    def steps_before_synapse(self) -> int:
        """Steps from a spike to the synapse, unless each synapse has its own; 0 if static."""
        return 0 if self.plasticity is None or self.axonal is None else self.axonal

    @property
    def longest_axonal(self) -> int:
        """Steps from a spike to the last of the synapses that it reaches; 0 if static."""
        return self._max_axonal or self.steps_before_synapse

    @property
    def steps_of_spikes(self) -> int:
        """The number of past steps of which the spikes are kept."""
        return self.longest_axonal if self.keeps_sums else self.delay

    @property
    def steps_of_sums(self) -> int:
        """The number of steps to come of which the sums are kept."""
        return self.delay - self.steps_before_synapse if self.keeps_sums else 0

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
        what, each = self._what, (sizes[self.post],)
        check_cast(self.params, self.synapse.params, each, dtype, f"{what}, parameter")
        check_cast(self.initial, self.synapse.variables, each, dtype, f"{what}, variable")
        weights = getattr(self.connectivity, "weights", None)
        if weights is not None:
            check_array(weights, dtype, f"{what}, weights")
        given = (self.connectivity.num_pre, self.connectivity.num_post)
        expected = (sizes[self.pre], sizes[self.post])
        if given != expected:
            raise ValueError(f"{what}: given weights of shape {given}; expected {expected}")
        if self.plasticity is not None:
            self.plasticity.check_cast(self.connectivity, dtype, what)

    def __repr__(self) -> str:
        kind = type(self.connectivity).__name__
        return f"Projection {self.name!r}: {self.pre!r} to {self.post!r}, {kind}"


def _whole_steps(given: Any, what: str, most: int = _MOST_IN_FLIGHT) -> int:
    """Return a number of steps, >= 0.

    Raises:
      TypeError: if it is no integer, such as a time, or an array.
      ValueError: if it is negative, or above `most`.
    """
    if np.ndim(given):
        raise TypeError(
            f"{what}: given an array of shape {np.shape(given)}; expected an integer (jsnn.Sparse "
            "and jsnn.Dense take delays and axonal parts of each synapse)"
        )
    if isinstance(given, float | np.floating | str):
        raise TypeError(
            f"{what}: given {given!r}; expected an integer, the number of steps ({DELAYS_IN_MS})"
        )
    return positive_int(given, what, least=0, most=most)
