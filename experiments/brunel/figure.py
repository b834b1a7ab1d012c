"""Figure of the activity of Brunel's network: raster and rate of all neurons."""

from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments import cli
from jsnn.analysis import SpikeTrains, population_rate

if TYPE_CHECKING:
    from jsnn.plot import Figure

SHOWN_MS = 200.0
NEURONS_SHOWN = {"excitatory": 80, "inhibitory": 20}
BIN = 0.5
"""Width of the bins of the rate, in ms."""


@cli.drawing
def activity(trains: dict[str, SpikeTrains], start: float = 0.0) -> "Figure":
    """Draw the spikes of a hundred neurons above the rate of all, for the last 200 ms.

    Args:
      trains: the spikes of each population.
      start: the time at which the recording begins, in ms.
    """
    colours = {"excitatory": jsnn.plot.EXCITATORY, "inhibitory": jsnn.plot.INHIBITORY}
    figure, (raster, rate) = jsnn.plot.figure(2, height=100, sharex=True, height_ratios=(3, 2))
    first, sizes, total = 0, 0, 0.0
    for kind, of in trains.items():
        number = min(NEURONS_SHOWN[kind], of.num_neurons)
        sample = of.of(slice(number))
        raster.scatter(
            start + sample.times_ms,
            first + sample.neurons,
            s=2,
            c=colours[kind],
            linewidths=0,
            label=kind,
        )
        first += number
        sizes += of.num_neurons
        total = total + of.num_neurons * population_rate(of, BIN)
    end = start + of.duration
    rate.stairs(
        total / sizes,
        start + BIN * np.arange(len(total) + 1),
        color=jsnn.plot.PALETTE[0],
        linewidth=0.8,
    )
    raster.set(ylabel="neuron index", ylim=(-0.5, first - 0.5))
    rate.set(xlabel="time [ms]", xlim=(max(start, end - SHOWN_MS), end), ylim=(0, None))
    rate.set_ylabel(f"rate of all neurons\nin {BIN:g} ms bins [Hz]")
    raster.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1), markerscale=3)
    figure.align_ylabels()
    return figure
