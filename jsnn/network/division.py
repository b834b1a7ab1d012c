"""Division of a network over devices: each has a share of the neurons and their synapses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jsnn._checks import check_type, check_untraced
from jsnn._devices import checked_devices, on_all
from jsnn._pytree import replace
from jsnn.models.dependence import each_by_itself
from jsnn.network.connectivity import Connectivity, Dense, Divided, Shared, Sparse
from jsnn.network.connectivity.indices import check_number, pre_of_sorted
from jsnn.network.network import Network, check_numbers
from jsnn.network.projection import Projection

AXIS = "neurons"
"""Name of the axis of a mesh along which neurons are divided."""


def divide(network: Network, devices: Sequence[jax.Device] | None = None) -> Network:
    """Divide a network over devices, for networks that are too large or too slow for one.

    Each device has an equal share of every population and the synapses that reach it. In each step
    the devices exchange spikes, one bit a neuron. Results are those of the undivided network, bit
    for bit on CPUs, and a state of one may be given to the other. `Sparse` and `Dense` are divided;
    another connectivity is held as a whole by every device, which uses its share of the sums.
    `Shared` weights, `LearntDelays`, `Procedural` synapses with delays, plasticity parameters of
    each synapse and variables that neurons share cannot be divided.

    With several processes (`jax.distributed`), every one of them builds the whole network and calls
    this function; each keeps the parts of its own devices.

        network = jsnn.divide(network, jax.devices())
        state, recorded = jsnn.simulate(network, drive, 1000, record=record)

    Args:
      network: the network.
      devices: all devices by default.

    Returns:
      A network for `simulate`, `step` and `simulate_in_blocks`. Its `mesh` is that of the devices.

    Raises:
      TypeError: if `devices` are none, or numbers of the network are traced.
      ValueError: if the network is divided already, or a part of it cannot be divided.
    """
    check_type(network, Network, "divide, network")
    check_untraced(network, "divide", "divide the network outside")
    mesh = Mesh(np.asarray(checked_devices(devices)), (AXIS,))
    if network.mesh is not None:
        raise ValueError("divide: given a network that is divided already; expected a whole one")
    _check_can_be_divided(network)
    check_numbers(network)
    for population in network.populations:
        if not each_by_itself(population.model):
            raise ValueError(
                f"divide: given population {population.name!r}, in whose model a neuron may depend "
                "on others, on its index or on their number; expected models that work on each "
                "neuron by itself"
            )
    projections = [_divided(p, mesh) for p in network.projections]
    rest = replace(network, projections=())
    divided = replace(on_all(rest, mesh), projections=tuple(projections))
    if divided.mesh is None:
        raise ValueError(
            "divide: given a network without Sparse or Dense connectivities; expected one, since "
            "there is nothing else to divide"
        )
    object.__setattr__(divided, "_are_checked", True)  # these are the numbers checked above
    return divided


def _check_can_be_divided(network: Network) -> None:
    """Raise ValueError if a part of the network belongs to all neurons together."""
    for p in network.projections:
        if isinstance(p.connectivity, Shared):
            raise ValueError(
                f"divide: projection {p.name!r} shares the weights of {p.connectivity.of!r}; "
                "expected weights of its own"
            )
        rule = p.plasticity
        each = [] if rule is None else [k for k, x in rule.params.items() if np.ndim(x)]
        if each:
            raise ValueError(
                f"divide: projection {p.name!r} has plasticity parameters of each synapse, "
                f"{each}; expected scalars"
            )
    for population in network.populations:
        shared = [k for k, x in population.model.variables.items() if x.shared]
        if shared:
            raise ValueError(
                f"divide: the neurons of population {population.name!r} share variables, "
                f"{shared}; expected variables of each neuron"
            )


def share(size: int, number: int) -> int:
    """Return the number of neurons of a population that each of a number of devices has."""
    return -(-size // number)


def _divided(projection: Projection, mesh: Mesh) -> Projection:
    learns = projection.plasticity is not None
    if projection.has_synaptic_axonal:
        raise ValueError(
            f"divide: given projection {projection.name!r}, whose synapses have axonal parts of "
            "their own; expected one projection for each axonal part"
        )
    match projection.connectivity:
        case Sparse() as whole:
            connectivity: Connectivity = _divided_list(whole, mesh, learns=learns)
        case Dense() as whole:
            connectivity = _divided_matrix(whole, mesh, learns=learns)
        case whole if learns or projection.is_listed or projection.has_synaptic_delays:
            raise ValueError(
                f"divide: given projection {projection.name!r} with {type(whole).__name__}, whose "
                "synapses learn, are a list or have delays; expected Sparse or Dense for these"
            )
        case whole:
            connectivity = on_all(whole, mesh)
    rest = on_all(replace(projection, connectivity=()), mesh)
    return replace(rest, connectivity=connectivity)


def _divided_matrix(whole: Dense, mesh: Mesh, *, learns: bool) -> Divided:
    number = mesh.size
    own = share(whole.num_post, number)
    matrix = np.asarray(whole.weights)
    delays = None if whole.delays is None else np.asarray(whole.delays)

    def columns(values: np.ndarray, device: int, filling: int) -> np.ndarray:
        part = values[:, device * own : (device + 1) * own]
        return np.pad(part, ((0, 0), (0, own - part.shape[1])), constant_values=filling)

    def part(device: int) -> Dense:
        return replace(
            whole,
            weights=columns(matrix, device, 0),
            delays=None if delays is None else columns(delays, device, 1),
        )

    weights = on_all(whole.weights, mesh) if learns else None
    return _of_parts(part, mesh, whole, weights)


def _divided_list(whole: Sparse, mesh: Mesh, *, learns: bool) -> Divided:
    number = mesh.size
    own = share(whole.num_post, number)
    num_synapses = int(np.asarray(whole.starts)[-1])  # empty places are sorted after these
    slots = np.asarray(whole.slots)[:num_synapses]
    post = slots % whole.num_post if whole.max_delay else slots
    pre = pre_of_sorted(whole.starts, num_synapses)
    sorted_weights = np.asarray(whole.sorted_weights())[:num_synapses]
    counts = np.bincount(post // own, minlength=number)
    width = max(int(counts.max(initial=0)), -(-whole.capacity // number) * whole.has_capacity)
    empty = np.repeat(np.arange(number), width - counts)[: whole.capacity - num_synapses]
    device_of = np.concatenate([post // own, empty])

    def part(device: int) -> Sparse:
        mine = post // own == device
        delays = slots[mine] // whole.num_post + 1 if whole.max_delay else None
        synapses = Sparse(
            *(pre[mine], post[mine] - device * own, sorted_weights[mine], whole.num_pre, own),
            delays=delays,
            multapses=whole.multapses,
        )
        filled_up = _filled_up(synapses, width, whole.max_delay, learns=learns)
        return replace(filled_up, has_capacity=whole.has_capacity)

    if not learns:
        return _of_parts(part, mesh, whole)
    check_number(number * width, "divide, synapses that learn and those that fill up the parts")
    in_part = np.empty(whole.capacity, np.int64)
    for device in range(number):
        mine = np.flatnonzero(device_of == device)
        in_part[mine] = device * width + np.arange(len(mine))
    places = np.empty(whole.capacity, np.int32)
    places[slice(None) if whole.order is None else np.asarray(whole.order)] = in_part
    weights, exists = on_all(whole.weights, mesh), on_all(whole.exists, mesh)
    return _of_parts(part, mesh, whole, weights, on_all(places, mesh), exists)


def _filled_up(part: Sparse, width: int, max_delay: int, *, learns: bool) -> Sparse:
    """Return a part with synapses that deliver nothing at its end, `width` in all."""

    def longer(values: Any, filling: int) -> np.ndarray:
        more = width - len(values)
        return np.pad(np.asarray(values), (0, more), constant_values=filling)

    by_post = None
    if learns:
        index = part.indexed_by_post().by_post
        assert index is not None
        by_post = replace(
            index,
            starts=np.asarray(index.starts),
            order=longer(index.order, 0),
            others=longer(index.others, 0),
            num_synapses=width,
            degree=width // part.num_post,
            most=width // 2,
        )
    return replace(
        part,
        weights=longer(part.weights, 0),
        starts=np.asarray(part.starts),
        slots=longer(part.slots, -1),
        max_delay=max_delay,
        by_post=by_post,
    )


def _of_parts(
    part: Callable[[int], Any],
    mesh: Mesh,
    whole: Any,
    weights: Any = None,
    places: Any = None,
    exists: Any = None,
) -> Divided:
    """Put the parts of a connectivity on their devices."""
    sharding = NamedSharding(mesh, PartitionSpec(AXIS))
    mine = {d for d, device in enumerate(mesh.devices.flat) if _is_own(device)}
    flat = {d: jax.tree.flatten(part(d)) for d in sorted(mine)}
    leaves = {d: leaves for d, (leaves, _) in flat.items()}
    structure = flat[min(mine)][1]
    arrays = tuple(
        jax.make_array_from_single_device_arrays(
            (mesh.size, *np.shape(first)),
            sharding,
            [
                jax.device_put(np.asarray(leaves[d][i])[None], mesh.devices.flat[d])
                for d in sorted(mine)
            ],
        )
        for i, first in enumerate(leaves[min(mine)])
    )
    shapes = tuple(jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in arrays)
    return Divided(
        *(mesh, arrays, structure, shapes),
        *(whole.num_post, whole.num_synapses, weights, places, exists),
    )


def _is_own(device: jax.Device) -> bool:
    return bool(device.process_index == jax.process_index())
