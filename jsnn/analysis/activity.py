"""The activity of a population in a few numbers."""

from typing import NamedTuple

import numpy as np

from jsnn.analysis.firing_rates import rates
from jsnn.analysis.inter_spike_intervals import MIN_SPIKES, cv_of_intervals, local_variations
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import check_trains
from jsnn.analysis.units import Array


class Summary(NamedTuple):
    """The activity of a population.

    Attributes:
      num_neurons: N.
      num_spikes: the number of spikes of all neurons.
      duration: the length of the recording, in ms.
      rate: the mean rate of all neurons, in Hz.
      active: the share of the neurons that spike.
      cv: the mean of `cv_of_intervals`; None if no neuron has enough spikes.
      local_variation: the mean of `local_variations`; None if no neuron has enough spikes.
    """

    num_neurons: int
    num_spikes: int
    duration: float
    rate: float
    active: float
    cv: float | None
    local_variation: float | None

    def __str__(self) -> str:
        cv, lv = (
            "none" if value is None else f"{value:.3f}" for value in (self.cv, self.local_variation)
        )
        return (
            f"{self.num_spikes:,} spikes of {self.num_neurons:,} neurons in {self.duration:g} ms: "
            f"{self.rate:.2f} Hz, {self.active:.0%} active, CV {cv}, LV {lv}"
        )


def summary(trains: SpikeTrains, min_spikes: int = MIN_SPIKES) -> Summary:
    """Return the rate of a population, and the variation of its intervals.

    Args:
      trains: the spikes.
      min_spikes: neurons with fewer have no variation of intervals; at least 3.
    """
    check_trains(trains, "summary")
    hertz = rates(trains)
    return Summary(
        num_neurons=trains.num_neurons,
        num_spikes=trains.num_spikes,
        duration=trains.duration,
        rate=float(hertz.mean()),
        active=float(np.mean(hertz > 0)),
        cv=_mean(cv_of_intervals(trains, min_spikes)),
        local_variation=_mean(local_variations(trains, min_spikes)),
    )


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None
