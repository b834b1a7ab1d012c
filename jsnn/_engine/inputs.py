"""Inputs of a presentation: their grammar, their check, and their change from step to step."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, is_concrete, numbers, own_array, real_array
from jsnn._engine.shape_advice import advice, advice_over_time
from jsnn._pytree import pytree, replace
from jsnn.models.neurons import SPIKE_SOURCE
from jsnn.models.quantity import Quantity, check_domains
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network, check_stable
from jsnn.network.part_numbers import PLASTICITY
from jsnn.network.plasticity import Plasticity, shape_of_params
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.values import Declared, expected_shape, fits

Drive = Mapping[str, Any]
"""Input of a presentation, by part of the network.

    {population: current}                           in nA, () or [N]
    {population: {input or parameter: value}}       () or [N]
    {current source: {parameter: value}}            () or [N]
    {projection: {parameter: value}}                of its synapse model, () or [post]
    {projection: {"plasticity": {parameter: value}}}    of its learning rule

Parameters stand in place of the network's own. Every value is constant in time, unless it is
marked: `jsnn.over_time(x)` has one value a step. A population of `SPIKE_SOURCE` may be given its
spike trains, `jsnn.over_time(trains)`, trains bool [T, N].
"""

CURRENT = "current"
"""The input of a neuron model that has one alone."""


@pytree
class OverTime:
    """A time course: one value for each step.

    Attributes:
      values: [T] or [T, N], or [T] and the shape of the parameter.
    """

    values: Any


def over_time(values: ArrayLike) -> OverTime:
    """Mark an input or a parameter as a time course, with one value for each step.

        jsnn.simulate(network, {"cells": jsnn.over_time(currents)}, num_steps=len(currents))
        jsnn.simulate(network, {"cells": {"v_thresh": jsnn.over_time(thresholds)}}, num_steps)

    Args:
      values: [T], one number a step for all neurons, or [T, N], one number a step and neuron. T is
        the `num_steps` of the run. With a batch in front, under `jax.vmap` or in `jsnn.evaluate`,
        [B, T] or [B, T, N].

    Raises:
      TypeError: if `values` are not numbers.
      ValueError: if `values` is a single number, or an integer that floats cannot hold exactly.
    """
    values = numbers(values, "over_time", bools=True)
    if np.ndim(values) == 0:
        raise ValueError(
            f"over_time: given {values!r}; expected an array with one value for each step"
        )
    if hasattr(values, "dtype"):
        return OverTime(values)
    array = np.asarray(values)
    if array.dtype == bool:
        return OverTime(array)
    return OverTime(real_array(values, jnp.result_type(float), "over_time"))


def checked_drive(network: Network, drive: Drive, num_steps: int | None) -> dict[str, Any]:
    """Return the drive with every number an array of the network's dtype.

    Args:
      network: the network that is driven.
      drive: a `Drive`.
      num_steps: T, or None for a single step, which has no time courses.

    Raises:
      TypeError: if a value is of another type or dtype than expected.
      ValueError: if a name is unknown, or a value has another shape or is outside its domain.
    """
    example = f" by population, such as {{{network.order[0]!r}: current}}, or {{}} for none"
    check_type(drive, Mapping, "drive", example)
    checks: dict[str, Callable[..., Any]] = {
        **{p.name: partial(_of_population, p) for p in network.populations},
        **{s.name: partial(_of_source, network, s) for s in network.sources},
        **{p.name: partial(_of_projection, p) for p in network.projections},
    }
    check_known(drive, checks, "drive", "population, current source or projection")
    checked = {
        name: checks[name](given, _Leaf(num_steps, network.dtype, name))
        for name, given in drive.items()
    }
    check_drive_values(network, checked)
    return checked


def takes_spikes(population: Population) -> bool:
    """Return True if the drive of a population may be its spikes."""
    return population.model == SPIKE_SOURCE


class _Leaf:
    """The check of a value of a drive: its time axis, its shape and its dtype."""

    def __init__(self, num_steps: int | None, dtype: Any, part: str) -> None:
        self.num_steps, self.dtype, self.part = num_steps, dtype, part
        self.what = f"drive of {part!r}"

    def checked(
        self,
        given: Any,
        quantity: Quantity,
        sizes: tuple[int, ...],
        name: str = "",
        spikes: bool = False,
    ) -> Any:
        """Return a value, or a time course of values, as an array.

        Args:
          given: the value.
          quantity: its declaration, which has its number of axes.
          sizes: the shape of one number for each neuron or synapse.
          name: of the value, for messages.
          spikes: True if the value may be spikes, bools.
        """
        what = f"{self.what}, {name}" if name else self.what
        values = numbers(getattr(given, "values", given), what, bools=spikes)
        if not self._fits(given, quantity, sizes, what):
            raise ValueError(
                f"{what}: given {_described(given)}; expected "
                f"{self._expected(given, quantity, sizes, spikes)}"
            )
        is_spikes = spikes and getattr(values, "dtype", None) == np.bool_
        array = own_array(values, np.bool_) if is_spikes else real_array(values, self.dtype, what)
        return replace(given, values=array) if isinstance(given, OverTime) else array

    def _fits(self, given: Any, quantity: Quantity, sizes: tuple[int, ...], what: str) -> bool:
        if not isinstance(given, OverTime):
            return fits(np.shape(given), quantity, sizes)
        if self.num_steps is None:
            raise ValueError(f"{what}: given a time course; expected the value of this one step")
        first, *others = np.shape(given.values)
        return first == self.num_steps and fits(tuple(others), quantity, sizes)

    def _expected(
        self, given: Any, quantity: Quantity, sizes: tuple[int, ...], spikes: bool
    ) -> str:
        if isinstance(given, OverTime):
            assert self.num_steps is not None
            shape = np.shape(given.values)
            expected = expected_shape(quantity, sizes, self.num_steps)
            if shape[0] != self.num_steps:
                expected = f"{self.num_steps} values along its first axis, one for each step"
            hint = advice_over_time(shape, sizes, self.num_steps)
        else:
            constant = expected_shape(quantity, sizes)
            is_larger = np.ndim(given) > max(quantity.ndim, len(sizes))
            expected = f"{constant}, constant in time" if is_larger else constant
            hint = advice(np.shape(given), sizes, self.num_steps, self.part)
            hint = hint or (_OF_TIMES if spikes and np.ndim(given) == 1 else "")
        return f"{expected} ({hint})" if hint else expected


_OF_TIMES = "jsnn.encoding.trains_from_events makes spike trains of times and neurons"


def _described(given: Any) -> str:
    if isinstance(given, OverTime):
        return f"a time course of shape {np.shape(given.values)}"
    return f"shape {np.shape(given)}"


_INPUT = Quantity(0.0)
"""Declaration of an input: a number."""


def _of_population(population: Population, given: Any, leaf: _Leaf) -> Any:
    model, each = population.model, (population.size,)
    spikes = takes_spikes(population)
    if not isinstance(given, Mapping):
        if CURRENT not in model.targets:
            raise ValueError(
                f"{leaf.what}: given a current; expected {{input: value}}, since its inputs are "
                f"{', '.join(map(repr, model.targets))}"
            )
        return leaf.checked(given, _INPUT, each, spikes=spikes)
    check_known(given, [*model.targets, *model.params], leaf.what, "input or parameter")
    return {
        name: leaf.checked(value, _INPUT, each, f"input {name!r}", spikes)
        if name in model.targets
        else leaf.checked(value, model.params[name], each, f"parameter {name!r}")
        for name, value in given.items()
    }


def _of_source(network: Network, source: CurrentSource, given: Any, leaf: _Leaf) -> dict[str, Any]:
    check_type(given, Mapping, leaf.what, " of parameters, since it is a current source")
    each = (network.sizes[source.population],)
    return _params(source.model.params, given, each, leaf, "parameter")


def _of_projection(projection: Projection, given: Any, leaf: _Leaf) -> dict[str, Any]:
    check_type(given, Mapping, leaf.what, " of parameters, since it is a projection")
    model, rule = projection.synapse, projection.plasticity
    of_synapse = {name: value for name, value in given.items() if name != PLASTICITY}
    known = model.params if rule is None else [*model.params, PLASTICITY]
    if rule is None and PLASTICITY in given:
        raise ValueError(
            f"{leaf.what}: given parameters of its plasticity; expected none, since it has no "
            "plasticity"
        )
    if rule is not None:
        rule.check_place(of_synapse, model.params, leaf.what)
    check_known(given, known, leaf.what, "parameter of its synapse model")
    sends_by_neuron = model.sends is not None or model.event is not None
    each = () if sends_by_neuron else (projection.connectivity.num_post,)
    checked = _params(model.params, of_synapse, each, leaf, "parameter")
    if rule is None or PLASTICITY not in given:
        return checked
    of_rule = given[PLASTICITY]
    check_type(of_rule, Mapping, f"{leaf.what}, {PLASTICITY}", " of parameters by name")
    synapses = shape_of_params(projection.connectivity)
    kind = "parameter of its plasticity"
    params = _params(rule.model.params, of_rule, synapses, leaf, kind)
    of_each = [
        k for k, x in params.items() if np.ndim(getattr(x, "values", x)) > isinstance(x, OverTime)
    ]
    rule.check_scalars(of_each, leaf.what)
    return checked | {PLASTICITY: params}


def _params(
    declared: Declared, given: Mapping[str, Any], each: tuple[int, ...], leaf: _Leaf, kind: str
) -> dict[str, Any]:
    check_known(given, declared, leaf.what, kind)
    return {
        name: leaf.checked(value, declared[name], each, f"{kind} {name!r}")
        for name, value in given.items()
    }


def check_drive_values(network: Network, drive: Drive, batch_axes: int = 0) -> None:
    """Check the numbers of a drive, or of many, that are not traced.

    Args:
      network: the network that is driven.
      drive: a `Drive` whose names and shapes are right.
      batch_axes: the number of axes in front of those of a single drive.

    Raises:
      ValueError: if a parameter lies outside its domain, a step is too long for a neuron model
        with its parameters, or a drive of `SPIKE_SOURCE` is neither 0 nor 1.
    """
    for population in network.populations:
        if population.name in drive and takes_spikes(population):
            given = drive[population.name]
            spikes = given.get(CURRENT) if isinstance(given, Mapping) else given
            if spikes is not None:
                _check_spikes(spikes, f"drive of {population.name!r}")
    for name, part, changes in _parts_with_params(network, drive):
        declared = part.model.params if hasattr(part, "model") else part.synapse.params
        tables = {k for k, quantity in declared.items() if quantity.ndim}
        own = {k: _aligned(x, 0) for k, x in part.params.items() if k not in tables}
        new = {k: _aligned(x, batch_axes) for k, x in changes.items() if k not in tables}
        check_domains(declared, own | new, f"drive of {name!r}, parameter")
        check_domains(declared, {k: changes[k] for k in tables & {*changes}}, f"drive of {name!r}")
        if isinstance(part, Population) and not tables:
            check_stable(part, own | new, network.dt, f"drive of {name!r}")


def _parts_with_params(
    network: Network, drive: Drive
) -> Iterator[tuple[str, Population | Projection | CurrentSource | Plasticity, dict[str, Any]]]:
    """Yield the parts that are given parameters, with these."""
    for part in network.parts:
        given = drive.get(part.name)
        if not isinstance(given, Mapping):
            continue
        inputs = part.model.targets if isinstance(part, Population) else (PLASTICITY,)
        yield part.name, part, {k: x for k, x in given.items() if k not in inputs}
        if isinstance(part, Projection) and PLASTICITY in given:
            assert part.plasticity is not None
            yield part.name, part.plasticity, dict(given[PLASTICITY])


def _check_spikes(given: Any, what: str) -> None:
    values = given.values if isinstance(given, OverTime) else given
    if not is_concrete(values) or getattr(values, "dtype", None) == np.bool_:
        return
    array = np.asarray(values)
    outside = array[(array != 0) & (array != 1)]
    if outside.size:
        raise ValueError(
            f"{what}: given {outside.flat[0]:g}; expected spikes, 0 or 1, for neurons of "
            "SPIKE_SOURCE"
        )


def _aligned(given: Any, batch_axes: int) -> Any:
    """Return values as [..., time, neurons or synapses], so that parameters can be compared.

    An axis along which they are constant has length 1.
    """
    values = given.values if isinstance(given, OverTime) else given
    if not is_concrete(values):
        return values
    array = np.asarray(values)
    first = batch_axes + isinstance(given, OverTime)
    num_steps = array.shape[batch_axes] if isinstance(given, OverTime) else 1
    of_each = array.shape[first:]
    return array.reshape(*array.shape[:batch_axes], num_steps, int(np.prod(of_each)))
