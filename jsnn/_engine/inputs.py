"""Inputs of a presentation: their grammar, their check, and their change from step to step."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type, is_concrete, numbers, own_array, real_array
from jsnn._pytree import pytree, replace
from jsnn.models.neurons import SPIKE_SOURCE
from jsnn.models.quantity import check_domains
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection

Drive = Mapping[str, Any]
"""Input of a presentation, by part of the network.

    {population: current}                      in nA, () or [N]
    {current source: {parameter: value}}       in place of the source's own, () or [N]
    {projection: {parameter: value}}           of its learning rule, ()

Every value is constant in time, unless it is marked: `jsnn.over_time(x)` has one value a step. A
population of `SPIKE_SOURCE` may be given its spike trains, `jsnn.over_time(trains)`, trains bool
[T, N].
"""

Shape = tuple[int, ...]


@pytree
class OverTime:
    """A time course: one value for each step.

    Attributes:
      values: [T] or [T, N], or [T] and the shape of the parameter.
    """

    values: Any


def over_time(values: ArrayLike) -> OverTime:
    """Mark an input as a time course, with one value for each step.

        jsnn.simulate(network, {"cells": jsnn.over_time(currents)}, num_steps=len(currents))

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
    check_type(drive, Mapping, "drive", " by population")
    checks: dict[str, Callable[..., Any]] = {
        **{p.name: partial(_current, p) for p in network.populations},
        **{s.name: partial(_source_params, network, s) for s in network.sources},
        **{p.name: partial(_rule_params, p) for p in network.projections if p.plasticity},
    }
    check_known(drive, checks, "drive", "population, current source or plastic projection")
    checked = {
        name: checks[name](given, _Leaf(num_steps, network.dtype, f"drive of {name!r}"))
        for name, given in drive.items()
    }
    check_drive_values(network, checked)
    return checked


def takes_spikes(population: Population) -> bool:
    """Return True if the drive of a population may be its spikes."""
    return population.model == SPIKE_SOURCE


class _Leaf:
    """The check of a value of a drive: its time axis, its shape and its dtype."""

    def __init__(self, num_steps: int | None, dtype: Any, what: str) -> None:
        self.num_steps, self.dtype, self.what = num_steps, dtype, what

    def checked(
        self, given: Any, shapes: Sequence[Shape], name: str = "", spikes: bool = False
    ) -> Any:
        """Return a value, or a time course of values, whose shape is one of `shapes`."""
        what = f"{self.what}, parameter {name!r}" if name else self.what
        values = numbers(getattr(given, "values", given), what, bools=spikes)
        own = self._own_shape(given, what)
        if own not in shapes:
            raise ValueError(
                f"{what}: given {_described(given)}; expected {self._expected(given, shapes)}"
            )
        is_spikes = spikes and getattr(values, "dtype", None) == np.bool_
        array = own_array(values, np.bool_) if is_spikes else real_array(values, self.dtype, what)
        return replace(given, values=array) if isinstance(given, OverTime) else array

    def _own_shape(self, given: Any, what: str) -> Shape:
        if not isinstance(given, OverTime):
            return np.shape(given)
        if self.num_steps is None:
            raise ValueError(f"{what}: given a time course; expected the value of this one step")
        shape = np.shape(given.values)
        if shape[:1] != (self.num_steps,):
            raise ValueError(
                f"{what}: given {_described(given)}; expected {self.num_steps} values along its "
                "first axis, one for each step"
            )
        return shape[1:]

    def _expected(self, given: Any, shapes: Sequence[Shape]) -> str:
        if isinstance(given, OverTime):
            return " or ".join(str((self.num_steps, *shape)) for shape in shapes)
        constant = " or ".join("a scalar" if not shape else str(shape) for shape in shapes)
        if len(np.shape(given)) <= max(map(len, shapes)):
            return constant
        return (
            f"{constant}, constant in time (jsnn.over_time(x) marks a time course; jax.vmap runs a "
            "batch)"
        )


def _described(given: Any) -> str:
    if isinstance(given, OverTime):
        return f"a time course of shape {np.shape(given.values)}"
    return f"shape {np.shape(given)}"


def _current(population: Population, given: Any, leaf: _Leaf) -> Any:
    if isinstance(given, Mapping):
        raise TypeError(f"{leaf.what}: given a dict; expected a current, since it is a population")
    inputs = population.model.targets
    check_known(["current"], inputs, f"{leaf.what}, whose inputs are not driven", "input")
    return leaf.checked(given, [(), (population.size,)], spikes=takes_spikes(population))


def _source_params(
    network: Network, source: CurrentSource, given: Any, leaf: _Leaf
) -> dict[str, Any]:
    check_type(given, Mapping, leaf.what, " of parameters, since it is a current source")
    check_known(given, source.model.params, leaf.what, "parameter")
    size = network.sizes[source.population]
    constant = {k: x for k, x in given.items() if not isinstance(x, OverTime)}
    checked: dict[str, Any] = dict(source.checked_params(constant, size, leaf.dtype, leaf.what))
    for name, value in given.items():
        if isinstance(value, OverTime):
            checked[name] = leaf.checked(value, [(), (size,)], name)
    return checked


def _rule_params(projection: Projection, given: Any, leaf: _Leaf) -> dict[str, Any]:
    check_type(given, Mapping, leaf.what, " of parameters, since it is a projection")
    rule = projection.plasticity
    assert rule is not None
    check_known(given, rule.model.params, leaf.what, "parameter of its plasticity")
    return {name: leaf.checked(value, [()], name) for name, value in given.items()}


def check_drive_values(network: Network, drive: Mapping[str, Any], batch_axes: int = 0) -> None:
    """Check the numbers of a drive, or of many, that are not traced.

    Args:
      network: the network that is driven.
      drive: a `Drive` whose names and shapes are right.
      batch_axes: the number of axes in front of those of a single drive.

    Raises:
      ValueError: if a parameter lies outside its domain, or a drive of `SPIKE_SOURCE` is neither 0
        nor 1.
    """
    for population in network.populations:
        if population.name in drive and takes_spikes(population):
            _check_spikes(drive[population.name], f"drive of {population.name!r}")
    rules = {p.name: p.plasticity for p in network.projections if p.plasticity is not None}
    for name, part in ({s.name: s for s in network.sources} | rules).items():
        if name in drive:
            own = {parameter: _aligned(value, 0) for parameter, value in part.params.items()}
            new = {parameter: _aligned(x, batch_axes) for parameter, x in drive[name].items()}
            check_domains(part.model.params, own | new, f"drive of {name!r}, parameter")


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
    """Return values as [..., time, neurons], so that parameters can be compared.

    An axis along which they are constant has length 1.
    """
    values = given.values if isinstance(given, OverTime) else given
    if not is_concrete(values):
        return values
    array = np.asarray(values)
    of_each = array.shape[batch_axes + isinstance(given, OverTime) :]
    return array.reshape(*array.shape[:batch_axes], -1, of_each[-1] if of_each else 1)


def split(drive: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide a drive into its constant part and its time courses, with one row for each step."""
    constant: dict[str, Any] = {}
    varying: dict[str, Any] = {}
    for name, given in drive.items():
        if isinstance(given, OverTime):
            varying[name] = given.values
        elif isinstance(given, Mapping):
            rows = {k: x.values for k, x in given.items() if isinstance(x, OverTime)}
            rest = {k: x for k, x in given.items() if not isinstance(x, OverTime)}
            varying |= {name: rows} if rows else {}
            constant |= {name: rest} if rest else {}
        else:
            constant[name] = given
    return constant, varying


def joined(constant: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of one step: the constant part, and this step's row of the time courses."""
    both = {name: {**constant[name], **now[name]} for name in constant if name in now}
    return {**constant, **now, **both}
