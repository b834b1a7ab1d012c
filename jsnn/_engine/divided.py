"""Networks and states on one of the devices over which the neurons are divided."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._engine.devices import Devices
from jsnn._engine.driven import Driven
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.connectivity import Divided
from jsnn.network.division import AXIS, share
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.state import ProjectionState, State

Parts = dict[str, tuple[jax.Array, ...]]
"""Arrays of the divided connectivities, {projection: [D, ...] each}, or [1, ...] on a device."""


def apart(network: Network) -> tuple[Network, Parts]:
    """Return a divided network without the arrays of its parts, and these arrays."""
    parts: Parts = {}
    others = []
    for p in network.projections:
        connectivity = p.connectivity
        if isinstance(connectivity, Divided):
            parts[p.name] = connectivity.arrays
            connectivity = replace(connectivity, arrays=())
        others.append(replace(p, connectivity=connectivity))
    return replace(network, projections=tuple(others)), parts


def own_network(devices: Devices, network: Network, parts: Parts) -> Network:
    """Return the network of this device: its neurons, and the synapses that reach them."""

    def of_population(p: Population) -> Population:
        params = _own_values(devices, p.params, p.size)
        return replace(p, size=share(p.size, devices.number), params=params)

    def of_projection(p: Projection) -> Projection:
        connectivity = p.connectivity
        if isinstance(connectivity, Divided):
            leaves = [x[0] for x in parts[p.name]]
            connectivity = jax.tree.unflatten(connectivity.structure, leaves)
        params = _own_values(devices, p.params, p.connectivity.num_post)
        return replace(p, connectivity=connectivity, params=params)

    return replace(
        network,
        populations=tuple(map(of_population, network.populations)),
        projections=tuple(map(of_projection, network.projections)),
    )


def own_drive(devices: Devices, network: Network, drive: Driven, *, varies: bool) -> Driven:
    """Return the drive of the neurons of this device.

    Args:
      devices: the devices.
      network: the divided network.
      drive: inputs, () or [N], and parameters.
      varies: True if values have one row for each step.
    """
    sizes = dict(devices.sizes) | {p.name: p.connectivity.num_post for p in network.projections}

    def own(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        if name not in sizes:
            return dict(values)
        return {key: devices.own(x) if np.ndim(x) > int(varies) else x for key, x in values.items()}

    return Driven(*({name: own(name, x) for name, x in part.items()} for part in drive))


def own_state(devices: Devices, network: Network, state: State) -> State:
    """Return the state of the neurons of this device and of the synapses that reach them.

    Args:
      devices: the devices.
      network: the divided network.
      state: of all devices.
    """

    def own(values: Any) -> Any:
        return jax.tree.map(devices.own, values)

    def of_projection(p: Projection, before: ProjectionState) -> ProjectionState:
        learnt = before.plasticity
        return replace(
            before,
            synapse=own(before.synapse),
            arriving=own(before.arriving),
            post_in_flight=own(before.post_in_flight),
            post_variables_in_flight=own(before.post_variables_in_flight),
            plasticity=learnt
            and replace(
                learnt,
                synapses={k: _own_synapses(devices, p, x) for k, x in learnt.synapses.items()},
                post=own(learnt.post),
            ),
        )

    return replace(
        state,
        populations=own(state.populations),
        projections={
            p.name: of_projection(p, state.projections[p.name]) for p in network.projections
        },
        arriving=own(state.arriving),
    )


def state_of_all(devices: Devices, network: Network, own: State) -> State:
    """Return the state of all devices from that of this one.

    Args:
      devices: the devices.
      network: the network; if it is whole, so is the state.
      own: the state of this device.
    """
    if network.mesh is None:
        return own

    def of_population(name: str, values: Any) -> Any:
        return jax.tree.map(lambda x: devices.from_all(x, devices.sizes[name]), values)

    def of_projection(p: Projection, mine: ProjectionState) -> ProjectionState:
        learnt = mine.plasticity
        return replace(
            mine,
            synapse=of_population(p.post, mine.synapse),
            arriving=of_population(p.post, mine.arriving),
            post_in_flight=of_population(p.post, mine.post_in_flight),
            post_variables_in_flight=of_population(p.post, mine.post_variables_in_flight),
            plasticity=learnt
            and replace(
                learnt,
                synapses={k: _all_synapses(devices, p, x) for k, x in learnt.synapses.items()},
                post=of_population(p.post, learnt.post),
            ),
        )

    return replace(
        own,
        populations={name: of_population(name, x) for name, x in own.populations.items()},
        projections={
            p.name: of_projection(p, own.projections[p.name]) for p in network.projections
        },
        arriving={name: of_population(name, x) for name, x in own.arriving.items()},
    )


def _own_values(devices: Devices, values: Mapping[str, Any], size: int) -> Values:
    """Return the parameters of the neurons of this device, of values () or [..., N]."""
    return {
        name: devices.own(x) if np.ndim(x) and np.shape(x)[-1] == size else x
        for name, x in values.items()
    }


def _own_synapses(devices: Devices, projection: Projection, values: jax.Array) -> jax.Array:
    """Return the values of this device's synapses from those of all, in the order given."""
    connectivity = projection.connectivity
    if not isinstance(connectivity, Divided) or connectivity.places is None:
        return devices.own(values)
    each = connectivity.part.capacity
    parts = jnp.zeros(devices.number * each, values.dtype).at[connectivity.places].set(values)
    return jax.lax.dynamic_slice_in_dim(parts, jax.lax.axis_index(AXIS) * each, each)


def _all_synapses(devices: Devices, projection: Projection, own: jax.Array) -> jax.Array:
    """Return the values of all synapses, in the order given, from those of this device."""
    connectivity = projection.connectivity
    if not isinstance(connectivity, Divided) or connectivity.places is None:
        return devices.from_all(own, connectivity.num_post)
    return jax.lax.all_gather(own, AXIS, tiled=True)[connectivity.places]
