"""Currents into populations from outside: current sources and the drive."""

from collections.abc import Collection, Mapping
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.devices import Devices
from jsnn._engine.groups import Group, Groups, targets_into
from jsnn._engine.values import clock, per_neuron, strong
from jsnn.models.dependence import changes_by_itself
from jsnn.models.model import Values
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.state import State


def source_currents(
    network: Network, devices: Devices, state: State, before: Mapping[str, Values]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    """Return the variables of the current sources after this step, and their currents.

    Each device runs the sources of all neurons, since their random numbers are drawn together.

    Args:
      network: the network.
      devices: the devices over which it is divided.
      state: before the step.
      before: {population: {variable: [N]}} before the step, of the neurons of this device.
    """
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        if source.name not in state.sources:
            continue
        size = devices.sizes[source.population]
        read = {k: before[source.population][k] for k in source.model.reads}
        params = _params(source, devices) | clock(state.step, network.dt)
        params |= {k: devices.from_all(x, size) for k, x in read.items()}
        own_key = (
            jax.random.key(0, impl="threefry2x32") if key is None else jax.random.fold_in(key, i)
        )
        variables = state.sources[source.name]
        after, current = source.model.current(params, variables, own_key, network.dt)
        currents[source.name] = devices.own(current)
        states[source.name] = strong(after, variables)
    return states, currents


def _params(source: CurrentSource, devices: Devices) -> Values:
    """Return the parameters of a source as its model sees them, [N] each."""
    return per_neuron(source.params, source.model.params, devices.sizes[source.population])


def _is_steady(source: CurrentSource, devices: Devices) -> bool:
    size = devices.sizes[source.population]
    return not source.model.variables and not changes_by_itself(source.model, size)


def from_outside(
    network: Network,
    group: Group,
    target: str,
    currents: Mapping[str, jax.Array],
    inputs: Mapping[str, Mapping[str, Any]],
) -> list[jax.Array]:
    """Return what sources and the drive add to a group, in order, [N of the group] each.

    Where a population has less of it than others, nothing is added: 0 changes no bit of a sum that
    began with 0.
    """

    def of_one(name: str) -> list[jax.Array]:
        given = [
            currents[source.name]
            for source in network.sources
            if (source.population, source.target) == (name, target)
        ]
        if target in inputs.get(name, {}):
            current = jnp.asarray(inputs[name][target], network.dtype)
            given.append(jnp.broadcast_to(current, (network.sizes[name],)))
        return given

    silence = [jnp.zeros(network.sizes[name], network.dtype) for name in group]
    columns = zip_longest(*map(of_one, group))
    return [
        jnp.concatenate(
            [x if x is not None else zero for x, zero in zip(each, silence, strict=True)]
        )
        for each in columns
    ]


def steady(
    network: Network,
    devices: Devices,
    groups: Groups,
    constant: Mapping[str, Mapping[str, Any]],
    varying: Collection[str],
) -> dict[tuple[str, str], list[jax.Array]]:
    """Return {(group, input): what is added to it in every step}, where all of that is steady.

    Args:
      network: the network.
      devices: the devices over which it is divided.
      groups: its groups.
      constant: {population: {input: value}}, the inputs that are constant in time.
      varying: the names of the parts of which an input or a parameter is not.
    """
    result = {}
    start = clock(jnp.zeros((), jnp.int32), network.dt)
    for group in groups:
        if len(group) == 1:
            continue
        sources = [source for source in network.sources if source.population in group]
        parts = {*group, *(source.name for source in sources)}
        if parts.isdisjoint(varying) and all(_is_steady(source, devices) for source in sources):
            key = jax.random.key(0, impl="threefry2x32")
            currents = {
                source.name: devices.own(
                    source.model.current(_params(source, devices) | start, {}, key, network.dt)[1]
                )
                for source in sources
            }
            for target in targets_into(network, group):
                extra = from_outside(network, group, target, currents, constant)
                result[group[0], target] = extra
    return result
