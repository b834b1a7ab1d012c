"""Times in ms and in steps, and what a rounded number of steps is."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def in_units(milliseconds: float, unit: float) -> float:
    """Return how many units make a time; a whole number if it is one but for rounding.

    A `dt` of float32, as networks have it, may be rounded by a part in 10^7.
    """
    units = milliseconds / unit
    tolerance = min(1e-7 * max(units, 1), 0.1)
    return float(round(units)) if abs(units - round(units)) < tolerance else units


def in_steps(milliseconds: float, dt: float, what: str) -> int:
    """Return the number of steps in a time.

    Raises:
      ValueError: if it is no whole number.
    """
    steps = in_units(milliseconds, dt)
    if steps != round(steps):
        raise ValueError(f"{what}: given {milliseconds:g} ms; expected whole steps of {dt:g} ms")
    return round(steps)


def in_units_of(times: Array, dt: float, milliseconds: float, what: str) -> float:
    """Return a time in the unit `dt` of `times`: an integer if they are steps.

    Raises:
      ValueError: if the times are steps, and this is no whole number of them.
    """
    if times.dtype.kind in "iu":
        return in_steps(milliseconds, dt, what)
    return in_units(milliseconds, dt)
