"""Network made ready for many steps: all that does not change from step to step."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jax

from jsnn._engine.devices import Devices
from jsnn._engine.driven import with_driven_params
from jsnn._engine.groups import Groups, divide, join, parameters
from jsnn._engine.on_the_way import Arrived, put_back, take
from jsnn._engine.sources import steady
from jsnn._kernels.delivery import Synapses
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import (
    Connectivity,
    Dense,
    LearntDelays,
    Listed,
    Modifiable,
    Shared,
    Sparse,
    TwoSided,
)
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import State


class Prepared(NamedTuple):
    """A network made ready for many steps: all that does not change from step to step.

    Attributes:
      network: the network, with the neurons of this device.
      devices: the devices over which it is divided.
      groups: the populations that are stepped, in groups.
      params: {group: {parameter: () or [N of the group]}}.
      connectivity: {projection: its connectivity}, that of another one if it shares its weights.
      synapses: {projection: its synapses}, of projections with lists.
      steady: {(group, input): [N of the group] each}, what sources and the drive add in every step,
        of groups of several populations.
      ends: {projection: the neurons on both sides of each synapse}, of projections that learn or
        of which each synapse sends a number of its own.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
    """

    network: Network
    devices: Devices
    groups: Groups
    params: dict[str, Values]
    connectivity: dict[str, Connectivity]
    synapses: dict[str, Synapses]
    ends: dict[str, TwoSided]
    steady: dict[tuple[str, str], list[jax.Array]]
    event_driven: bool


class Carry(NamedTuple):
    """State between two steps, as one hands it to the next.

    Attributes:
      state: with the variables of groups in place of those of populations.
      arrived: what arrives in the next step, which is not in the state.
    """

    state: State
    arrived: Arrived


def prepare(
    network: Network,
    groups: Groups,
    *,
    event_driven: bool,
    devices: Devices | None = None,
    constant: Mapping[str, Mapping[str, Any]] | None = None,
    varying: Collection[str] = (),
) -> Prepared:
    """Make a network ready for many steps.

    Args:
      network: the network.
      groups: the populations to step.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
      devices: the devices over which the network is divided; one device by default.
      constant: {population: {input: value}}, the inputs that are constant in time.
      varying: the names of the parts of which an input or a parameter is not.
    """
    devices = devices or Devices(1, network.sizes)
    connectivity = {p.name: connectivity_of(network, p) for p in network.projections}
    return Prepared(
        network,
        devices,
        groups,
        parameters(network, groups, are_equal=False),
        connectivity,
        {p.name: _synapses(p, connectivity[p.name]) for p in network.projections if p.is_listed},
        {
            p.name: _both_sides(connectivity[p.name])
            for p in network.projections
            if p.plasticity is not None or p.synapse.sends_each is not None
        },
        steady(network, devices, groups, constant or {}, varying),
        event_driven,
    )


def with_params(prepared: Prepared, params: Mapping[str, Mapping[str, Any]]) -> Prepared:
    """Return the network with the parameters of one step in place of its own."""
    if not params:
        return prepared
    network = with_driven_params(prepared.network, params)
    changed = tuple(group for group in prepared.groups if not params.keys().isdisjoint(group))
    derived = parameters(network, changed, are_equal=False)
    return prepared._replace(network=network, params=prepared.params | derived)


def start(prepared: Prepared, state: State) -> Carry:
    """Return the carry before the next step of a state."""
    network, groups = prepared.network, prepared.groups
    state, arrived = take(network, groups, state)
    return Carry(replace(state, populations=join(network, groups, state.populations)), arrived)


def state_of(prepared: Prepared, carry: Carry) -> State:
    """Return the state of a carry."""
    network, groups = prepared.network, prepared.groups
    state = put_back(network, groups, carry.state, carry.arrived)
    return replace(state, populations=divide(network, groups, state.populations))


def connectivity_of(network: Network, projection: Projection) -> Connectivity:
    """Return the connectivity of a projection, that of another one if it shares its weights.

    Learnt delays are spread over whole steps, once in a run.
    """
    connectivity = projection.connectivity
    if isinstance(connectivity, LearntDelays):
        return connectivity.spread()
    if not isinstance(connectivity, Shared):
        return connectivity
    return connectivity.resolved(network.projection(connectivity.of).connectivity)


def _synapses(projection: Projection, connectivity: Connectivity) -> Synapses:
    """Return the list of synapses, with slots that count from the step after the synapse."""
    assert isinstance(connectivity, Listed)
    synapses = connectivity.synapses()
    if not projection.has_synaptic_delays or not projection.steps_before_synapse:
        return synapses
    before = projection.steps_before_synapse * connectivity.num_post
    return synapses._replace(slots=synapses.slots - before)


def _both_sides(connectivity: Connectivity) -> TwoSided:
    """Return the neurons on both sides of each synapse."""
    assert isinstance(connectivity, Modifiable)
    if isinstance(connectivity, Sparse):
        return connectivity.indexed_by_post().ends()
    return connectivity.ends() if isinstance(connectivity, Dense) else connectivity
