"""Presentations spread over devices and processes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "presentations"

ROWS = PartitionSpec(AXIS)
"""Specification of an array with a share of its rows on each device."""

WHOLE = PartitionSpec()
"""Specification of an array that each device holds as a whole."""


def mesh_of(devices: Sequence[jax.Device]) -> Mesh:
    """Return the mesh of some devices in a row."""
    return Mesh(np.asarray(devices), (AXIS,))


def spread(rows: Any, mesh: Mesh) -> Any:
    """Put a share of host arrays [n, ...] on each device; n is a multiple of the number of devices.

    With several processes, each of them calls this function with the same rows and puts those of
    its own devices.
    """
    sharding = NamedSharding(mesh, ROWS)
    if jax.process_count() == 1:
        return jax.device_put(rows, sharding)
    return jax.tree.map(
        lambda leaf: jax.make_array_from_callback(leaf.shape, sharding, lambda i: leaf[i]), rows
    )


def fetched(rows: Any) -> Any:
    """Return the rows of all devices, of all processes, as host arrays."""
    if all(leaf.is_fully_addressable for leaf in jax.tree.leaves(rows)):
        return jax.device_get(rows)
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(rows, tiled=True)
