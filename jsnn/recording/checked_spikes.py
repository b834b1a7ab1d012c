"""Recorded spikes as users give them to functions of spikes."""

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import host_array


def checked_spikes(given: ArrayLike, what: str) -> np.ndarray:
    """Return the recorded spikes of one presentation as an array [T, N].

    Raises:
      TypeError: if `given` is no array, but events for example.
      ValueError: if `given` has another shape, or holds anything but 0 and 1.
    """
    spikes = host_array(given, what)
    if spikes.dtype == object:
        raise TypeError(
            f"{what}: given {type(given).__name__}; expected an array [num_steps, N] of spikes, as "
            "jsnn.Spikes records"
        )
    if spikes.ndim != 2:
        raise ValueError(
            f"{what}: given shape {spikes.shape}; expected [num_steps, N], one presentation"
        )
    if spikes.dtype != np.bool_:
        other = spikes[(spikes != 0) & (spikes != 1)]
        if other.size:
            raise ValueError(
                f"{what}: given {other.flat[0]}; expected spikes, 0 or 1, as jsnn.Spikes records"
            )
    return spikes
