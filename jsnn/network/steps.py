"""Times in whole steps."""

from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import finite_number, host_array

DELAYS_IN_MS = (
    "jsnn.steps(ms, dt) turns ms into steps; a delay of k steps in Brian2 or NEST is k + 1 here"
)
"""Advice for delays that are no integers."""


def steps(ms: ArrayLike, dt: float) -> Any:
    """Turn times in ms into whole steps, rounded to the nearest; halves to the even number.

        jsnn.Projection("a", "b", synapses, delay=jsnn.steps(1.5, dt=0.1))

    Args:
      ms: a time, or an array of times, >= 0.
      dt: the length of a step, in ms.

    Returns:
      An int, or an array of integers in the shape of `ms`.

    Raises:
      TypeError: if the times are not numbers.
      ValueError: if a time is negative, NaN or infinite or more steps than int32 counts, or dt is
        not above 0.
    """
    length = finite_number(dt, "steps, dt", least=float(np.finfo(np.float32).tiny))
    given = host_array(ms, "steps, ms")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"steps, ms: given {given.dtype}; expected numbers")
    times = given.astype(np.float64)
    number = np.round(times / length)
    bad = times[~((times >= 0) & (number < 2**31))]
    if bad.size:
        raise ValueError(f"steps, ms: given {bad[0]}; expected times >= 0 of less than 2^31 steps")
    return int(number) if number.ndim == 0 else number.astype(np.int32)
