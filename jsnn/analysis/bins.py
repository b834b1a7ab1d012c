"""Bins of time: in which one a spike lies, and how many there are."""

import numpy as np

from jsnn._checks import positive_number
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import check_trains
from jsnn.analysis.units import Array, in_units, in_units_of


def bins_of(trains: SpikeTrains, width: float, what: str) -> tuple[Array, int]:
    """Return the bin of each spike, [S], and the number B of whole bins.

    Spikes after the last whole bin have bins >= B.

    Raises:
      TypeError: if `trains` are no `SpikeTrains`.
      ValueError: if the recording is shorter than a bin, or a bin is no whole number of steps while
        the times are steps.
    """
    check_trains(trains, what)
    width = positive_number(width, f"{what}, width")
    num_bins = int(in_units(trains.duration, width))
    if not num_bins:
        raise ValueError(
            f"{what}, width: given {width:g} ms; expected at most the duration, "
            f"{trains.duration:g} ms"
        )
    times = trains.times
    width_in_units = in_units_of(times, trains.dt, width, f"{what}, width")
    if times.dtype.kind in "iu":
        return (times // width_in_units).astype(np.int64), num_bins
    rounding = 4 * np.finfo(times.dtype).eps  # so that 0.3 ms lies in bin 3 of 0.1 ms
    return np.floor(times / width_in_units * (1 + rounding)).astype(np.int64), num_bins
