"""Checks of the spikes that a figure shows."""

from collections.abc import Mapping

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_type, finite_number
from jsnn.recording import checked_spikes


def recorded_spikes(spikes: Mapping[str, ArrayLike], what: str) -> dict[str, np.ndarray]:
    """Return the spikes of each population as an array [T, N].

    Raises:
      TypeError: if `spikes` is no mapping.
      ValueError: if it is empty, an array is not [T, N] or holds something other than spikes, or
        the numbers of steps differ.
    """
    check_type(spikes, Mapping, what, " of spikes by population")
    recorded = {name: checked_spikes(s, f"{what} of {name!r}") for name, s in spikes.items()}
    if not recorded:
        raise ValueError(f"{what}: given no populations; expected at least one")
    if len({len(s) for s in recorded.values()}) > 1:
        given = ", ".join(f"{len(s)} of {name!r}" for name, s in recorded.items())
        raise ValueError(f"{what}: given {given} steps; expected one number of steps")
    return recorded


def checked_step(dt: float, what: str) -> float:
    """Return the length of a step in ms; raise ValueError if it is not above 0."""
    step = finite_number(dt, f"{what}, dt")
    if step <= 0:
        raise ValueError(f"{what}, dt: given {dt}; expected ms above 0")
    return step
