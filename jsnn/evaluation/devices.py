"""Presentations spread over devices and processes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "presentations"

ROWS = PartitionSpec(AXIS)
"""A share of the rows on each device."""

WHOLE = PartitionSpec()
"""Everything on each device."""


def mesh_of(devices: Sequence[jax.Device]) -> Mesh:
    """The devices in a row."""
    return Mesh(np.asarray(devices), (AXIS,))


def replicated(tree: Any, mesh: Mesh) -> Any:
    """All of it on each device."""
    if jax.process_count() > 1:
        return tree  # each process has it, and `jit` takes it for the same everywhere
    return jax.device_put(tree, NamedSharding(mesh, WHOLE))


def spread(rows: Any, mesh: Mesh) -> Any:
    """Host arrays [n, ...], n a multiple of the devices, with a share on each device.

    With several processes, each calls this with the same rows and hands over those of its devices.
    """
    sharding = NamedSharding(mesh, ROWS)
    if jax.process_count() == 1:
        return jax.device_put(rows, sharding)
    return jax.tree.map(
        lambda leaf: jax.make_array_from_callback(leaf.shape, sharding, lambda i: leaf[i]), rows
    )


def fetched(rows: Any) -> Any:
    """The rows of all devices, of all processes, as host arrays."""
    if all(leaf.is_fully_addressable for leaf in jax.tree.leaves(rows)):
        return jax.device_get(rows)
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(rows, tiled=True)
