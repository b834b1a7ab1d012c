"""Network made ready for many steps: all that does not change from step to step."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from jsnn._engine.devices import Devices
from jsnn._engine.groups import Groups, divide, join, parameters
from jsnn._engine.on_the_way import Arrived, put_back, take
from jsnn._engine.sources import steady
from jsnn._kernels.delivery import Synapses
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import Dense, Listed, Modifiable, Sparse, TwoSided
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
      synapses: {projection: its synapses}, of projections with lists.
      steady: {(group, input): [N of the group] each}, what sources and the drive add in every step,
        of groups of several populations.
      learning: {projection: the neurons on both sides of each synapse}, of plastic projections.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
    """

    network: Network
    devices: Devices
    groups: Groups
    params: dict[str, Values]
    synapses: dict[str, Synapses]
    learning: dict[str, TwoSided]
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
    constant: Mapping[str, Any] | None = None,
    varying: Mapping[str, Any] | None = None,
) -> Prepared:
    """Make a network ready for many steps.

    Args:
      network: the network.
      groups: the populations to step.
      event_driven: deliver by events if a connectivity can, instead of by whole products.
      devices: the devices over which the network is divided; one device by default.
      constant: the part of the drive that is constant in time.
      varying: the part of the drive that is not.
    """
    devices = devices or Devices(1, network.sizes)
    return Prepared(
        network,
        devices,
        groups,
        parameters(network, groups, are_equal=False),
        {p.name: _synapses(p) for p in network.projections if p.is_listed},
        {p.name: _both_sides(p) for p in network.projections if p.plasticity is not None},
        steady(network, devices, groups, constant or {}, varying or {}),
        event_driven,
    )


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


def _synapses(projection: Projection) -> Synapses:
    """Return the list of synapses, with slots that count from the step after the synapse."""
    assert isinstance(projection.connectivity, Listed)
    synapses = projection.connectivity.synapses()
    if not projection.has_synaptic_delays or not projection.steps_before_synapse:
        return synapses
    before = projection.steps_before_synapse * projection.connectivity.num_post
    return synapses._replace(slots=synapses.slots - before)


def _both_sides(projection: Projection) -> TwoSided:
    """Return the neurons on both sides of each synapse of a plastic projection."""
    connectivity = projection.connectivity
    assert isinstance(connectivity, Modifiable)
    return connectivity.ends() if isinstance(connectivity, Sparse | Dense) else connectivity
