"""Currents into populations from outside: current sources and the drive."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.devices import Devices
from jsnn._engine.groups import Group, Groups
from jsnn._engine.values import per_neuron, strong
from jsnn.models.checker import needs_key
from jsnn.models.model import Values
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.state import State


def source_currents(
    network: Network, devices: Devices, state: State, drive: Mapping[str, Any]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    """Return the variables of the current sources after this step, and their currents.

    Each device runs the sources of all neurons, since their random numbers are drawn together.
    """
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        if source.name not in state.sources:
            continue
        params = _params(source, devices, drive)
        own_key = (
            jax.random.key(0, impl="threefry2x32") if key is None else jax.random.fold_in(key, i)
        )
        before = state.sources[source.name]
        after, current = source.model.current(params, before, own_key, network.dt)
        currents[source.name] = devices.own(current)
        states[source.name] = strong(after, before)
    return states, currents


def _params(source: CurrentSource, devices: Devices, drive: Mapping[str, Any]) -> Values:
    """Return the parameters of a source, those of the drive in place of its own, [N] each."""
    params = {**source.params, **drive.get(source.name, {})}
    return per_neuron(params, devices.sizes[source.population])


def _is_steady(source: CurrentSource, devices: Devices) -> bool:
    size = devices.sizes[source.population]
    return not source.model.variables and not needs_key(source.model, size)


def from_outside(
    network: Network,
    group: Group,
    target: str,
    currents: Mapping[str, jax.Array],
    drive: Mapping[str, Any],
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
        if name in drive and target == "current":
            current = jnp.asarray(drive[name], network.dtype)
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
    constant: Mapping[str, Any],
    varying: Mapping[str, Any],
) -> dict[tuple[str, str], list[jax.Array]]:
    """Return {(group, input): what is added to it in every step}, where all of that is steady."""
    result = {}
    for group in groups:
        if len(group) == 1:
            continue
        sources = [source for source in network.sources if source.population in group]
        parts = {*group, *(source.name for source in sources)}
        if parts.isdisjoint(varying) and all(_is_steady(source, devices) for source in sources):
            own = {source.name: constant.get(source.name, {}) for source in sources}
            key = jax.random.key(0, impl="threefry2x32")
            currents = {
                source.name: devices.own(
                    source.model.current(_params(source, devices, own), {}, key, network.dt)[1]
                )
                for source in sources
            }
            for target in network.population(group[0]).model.targets:
                extra = from_outside(network, group, target, currents, constant)
                result[group[0], target] = extra
    return result
