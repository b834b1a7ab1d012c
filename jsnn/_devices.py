"""Devices that are given by a user, and arrays that each of them holds."""

from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def checked_devices(devices: Any) -> Sequence[jax.Device]:
    """Return the devices to use, all of them if `devices` is None.

    Raises:
      TypeError: if `devices` is not a sequence of devices.
      ValueError: if there are none, or one is given twice.
    """
    if devices is None:
        return jax.devices()
    if not isinstance(devices, Sequence) or not all(isinstance(d, jax.Device) for d in devices):
        raise TypeError(f"devices: given {devices!r}; expected a list, such as jax.devices()")
    if not devices or len(set(devices)) < len(devices):
        raise ValueError(
            f"devices: given {list(devices)}; expected at least one, and each once, such as "
            "jax.devices()"
        )
    return devices


def on_all(tree: Any, mesh: Mesh) -> Any:
    """Put all arrays of a pytree on each device of a mesh."""
    if jax.process_count() > 1:
        return tree  # each process holds the same values, as `jit` assumes
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))
