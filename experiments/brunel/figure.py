"""Figure of the activity of Brunel's network: raster and rate of all neurons."""

from typing import TYPE_CHECKING

import numpy as np

from jsnn.analysis import SpikeTrains, population_rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches, a page's text width
SHOWN_MS = 200.0
NEURONS_SHOWN = {"excitatory": 80, "inhibitory": 20}
COLOURS = {"excitatory": "tab:red", "inhibitory": "tab:blue"}
BIN = 0.5
"""Width of the bins of the rate, in ms."""


def activity(trains: dict[str, SpikeTrains], start: float = 0.0, title: str = "") -> "Figure":
    """Draw the spikes of a hundred neurons above the rate of all, for the last 200 ms.

    Args:
      trains: the spikes of each population.
      start: the time at which the recording begins, in ms.
      title: above the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    raster, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    first, sizes, total = 0, 0, 0.0
    for kind, of in trains.items():
        number = min(NEURONS_SHOWN[kind], of.num_neurons)
        sample = of.of(slice(number))
        raster.scatter(
            start + sample.times_ms,
            first + sample.neurons,
            s=2,
            c=COLOURS[kind],
            linewidths=0,
            label=kind,
        )
        first += number
        sizes += of.num_neurons
        total = total + of.num_neurons * population_rate(of, BIN)
    end = start + of.duration
    rate.stairs(total / sizes, start + BIN * np.arange(len(total) + 1), color="k", linewidth=0.8)
    raster.set(ylabel="neuron", ylim=(-0.5, first - 0.5))
    raster.set_title(f"{first} neurons", loc="left", fontsize=9)
    rate.set(xlabel="time [ms]", ylabel="rate [Hz]", xlim=(max(start, end - SHOWN_MS), end))
    rate.set_title(f"all neurons, in bins of {BIN:g} ms", loc="left", fontsize=9)
    rate.set_ylim(0, None)
    raster.legend(
        fontsize=8,
        frameon=False,
        ncols=2,
        loc="lower right",
        bbox_to_anchor=(1, 0.98),
        markerscale=3,
    )
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
