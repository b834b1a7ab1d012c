"""Spikes and sums on their way: rows of past steps and of steps to come."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn._engine.devices import Devices
from jsnn._engine.groups import Groups, joined, places, size_of, targets_into
from jsnn._kernels.delivery import List, Route, Synapses, deliver
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import State, with_projection


class Arrived(NamedTuple):
    """Sums that arrive in a step through lists of synapses.

    Attributes:
      inputs: {group: {input: [N of the group]}}, the running sums.
      sums: {projection: [post]}, of projections that keep sums of their own.
    """

    inputs: dict[str, Values]
    sums: dict[str, jax.Array]


def row_of(rows: jax.Array, step: jax.Array) -> jax.Array:
    """Return the row of a step from `rows` [D, ...]."""
    if len(rows) == 1:
        return rows[0]
    return jax.lax.dynamic_index_in_dim(rows, step % len(rows), keepdims=False)


def with_row(rows: jax.Array | None, step: jax.Array, new: jax.Array | None) -> jax.Array | None:
    """Return rows [D, ...] with a new one for a step; None if there are none to keep."""
    return rows if rows is None or new is None else with_new_row(rows, step, new)


def with_new_row(rows: jax.Array, step: jax.Array, new: jax.Array) -> jax.Array:
    """Return rows [D, ...] with a new one for a step."""
    if len(rows) == 1:
        return new[None]
    return jax.lax.dynamic_update_index_in_dim(rows, new, step % len(rows), 0)


def late(rows: jax.Array | None, step: jax.Array, now: jax.Array) -> jax.Array:
    """Return what was sent D steps ago, from the `rows` [D, ...] of the steps since then."""
    return now if rows is None else row_of(rows, step)


def reaching_now(
    projection: Projection, rows: jax.Array | None, step: jax.Array, now: jax.Array
) -> jax.Array:
    """Return what reaches the synapses of a projection in this step, [num_sources].

    This is what was sent `axonal` steps ago, or in each step since then if synapses have axonal
    parts of their own.

    Args:
      projection: the projection.
      rows: [D, pre], what was sent in the last D steps.
      step: the number of the step.
      now: [pre], what is sent in this step.
    """
    if rows is None or not projection.has_synaptic_axonal:
        return late(rows, step, now)
    return jnp.concatenate([jnp.roll(rows, -(step % len(rows)), axis=0).ravel(), now])


def take(network: Network, groups: Groups, state: State) -> tuple[State, Arrived]:
    """Take what arrives in the next step out of the rings of a state."""
    arrived = Arrived({group[0]: {} for group in groups}, {})
    for group in groups:
        for target in targets_into(network, group):
            parts = {
                name: row_of(state.arriving[name][target], state.step)
                for name in group
                if target in state.arriving.get(name, {})
            }
            if parts:
                silence = {name: jnp.zeros(network.sizes[name], network.dtype) for name in group}
                arrived.inputs[group[0]][target] = joined(list((silence | parts).values()))
    for p in _with_own_rings(network, state):
        sums = state.projections[p.name].arriving
        assert sums is not None
        arrived.sums[p.name] = row_of(sums, state.step)
    nothing = jax.tree.map(jnp.zeros_like, arrived)
    return put_back(network, groups, state, nothing), arrived


def put_back(network: Network, groups: Groups, state: State, arrived: Arrived) -> State:
    """Put what arrives in the next step back into the rings of a state."""
    arriving = {name: dict(rings) for name, rings in state.arriving.items()}
    for group in groups:
        for name, place in places(network.sizes, group).items():
            for target, ring in arriving.get(name, {}).items():
                row = arrived.inputs[group[0]][target][place]
                arriving[name][target] = with_new_row(ring, state.step, row)
    state = replace(state, arriving=arriving)
    for p in _with_own_rings(network, state):
        sums = with_row(state.projections[p.name].arriving, state.step, arrived.sums[p.name])
        state = with_projection(state, p.name, arriving=sums)
    return state


def _with_own_rings(network: Network, state: State) -> list[Projection]:
    """Return the projections with lists of synapses that keep sums of their own."""
    return [
        p
        for p in network.projections
        if p.is_listed and p.name in state.projections and not p.shares_sum and p.keeps_sums
    ]


def send(
    network: Network,
    devices: Devices,
    groups: Groups,
    state: State,
    spikes: Mapping[str, jax.Array],
    numbers: Mapping[str, jax.Array],
    synapses: Mapping[str, Synapses],
    *,
    event_driven: bool,
) -> tuple[State, Arrived]:
    """Put what reaches lists of synapses in this step on its way to the neurons.

    Args:
      network: the network, with the neurons of this device.
      devices: the devices over which it is divided.
      groups: its groups.
      state: before the step, as far as the sums are concerned.
      spikes: {group: [N of the group]} of this step, of all devices.
      numbers: {projection: [pre]}, what reaches a projection if it is not the spikes of this step.
      synapses: {projection: its synapses} of those that send.
      event_driven: visit the synapses of spiking neurons alone.

    Returns:
      The state with the new sums, and what arrives in the next step.
    """
    arrived = Arrived({group[0]: {} for group in groups}, {})
    for sends_numbers in (False, True):
        projections = [
            p
            for p in network.projections
            if p.name in synapses and p.synapse.sends_numbers == sends_numbers
        ]
        if not projections:
            continue
        route, keys = _route(network, devices, groups, projections, frozenset(numbers))
        new, next_sums = deliver(
            route,
            state.step,
            tuple(numbers[k] if k in numbers else spikes[k] for k in keys.sources),
            tuple(synapses[p.name] for p in projections),
            tuple(_ring(state, key) for key in keys.rings),
            event_driven=event_driven and not sends_numbers,
        )
        for key, sums in zip(keys.rings, new, strict=True):
            state = _with_ring(state, key, sums)
        for (name, target), sums in zip(keys.rows, next_sums, strict=True):
            if target is None:
                arrived.sums[name] = sums
            else:
                arrived.inputs[name][target] = sums
    return state, arrived


_Key = tuple[str, str | None]
"""(population or group, input) of a running sum; (projection, None) of a sum of its own."""


class _Keys(NamedTuple):
    """The arrays of a route by name, in its order."""

    sources: tuple[str, ...]
    rings: tuple[_Key, ...]
    rows: tuple[_Key, ...]


def _route(
    network: Network,
    devices: Devices,
    groups: Groups,
    projections: list[Projection],
    numbers: frozenset[str],
) -> tuple[Route, _Keys]:
    """Return the route of the spikes through projections, and the names of its arrays."""
    pre_of, post_of = (
        {
            name: (group[0], place.start)
            for group in groups
            for name, place in places(all_sizes, group).items()
        }
        for all_sizes in (devices.sizes, network.sizes)
    )
    sizes = {group[0]: size_of(network, group) for group in groups}
    sources: dict[str, int] = {}
    rings: dict[_Key, int] = {}
    rows: dict[_Key, int] = {}
    row_sizes, ring_places, lists = [], [], []
    for p in projections:
        source, first = (p.name, 0) if p.name in numbers else pre_of[p.pre]
        ring: _Key = (p.post, p.target) if p.shares_sum else (p.name, None)
        if ring not in rings:
            group, place = post_of[p.post]
            row: _Key = (group, p.target) if p.shares_sum else (p.name, None)
            if row not in rows:
                row_sizes.append(sizes[group] if p.shares_sum else network.sizes[p.post])
            ring_places.append((rows.setdefault(row, len(rows)), place if p.shares_sum else 0))
        lists.append(
            List(
                source=sources.setdefault(source, len(sources)),
                first=first,
                num_pre=p.num_sources,
                ring=rings.setdefault(ring, len(rings)),
                delay=1 if p.has_synaptic_delays else p.steps_of_sums,
                rows=p.steps_of_sums if p.has_synaptic_delays else 1,
            )
        )
    route = Route(tuple(lists), tuple(ring_places), tuple(row_sizes))
    return route, _Keys(tuple(sources), tuple(rings), tuple(rows))


def _ring(state: State, key: _Key) -> jax.Array:
    name, target = key
    if target is not None:
        return state.arriving[name][target]
    sums = state.projections[name].arriving
    assert sums is not None
    return sums


def _with_ring(state: State, key: _Key, sums: jax.Array) -> State:
    name, target = key
    if target is None:
        return with_projection(state, name, arriving=sums)
    changed = {**state.arriving[name], target: sums}
    return replace(state, arriving={**state.arriving, name: changed})
