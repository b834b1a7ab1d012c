"""Figure of the activity of a balanced network: raster, rates, irregularity."""

from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments import cli
from experiments.balanced.network import kinds
from jsnn.analysis import MIN_SPIKES, SpikeTrains, cv_of_intervals, rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jsnn.plot import Figure

NEURONS_SHOWN = 1000


@cli.drawing
def activity(trains: SpikeTrains) -> "Figure":
    """Draw a raster above histograms of the rates and of the intervals' CV, by kind of neuron.

    Args:
      trains: the spikes of a run; about a thousand neurons, evenly spaced, are in the raster.
    """
    colours = {"excitatory": jsnn.plot.EXCITATORY, "inhibitory": jsnn.plot.INHIBITORY}
    figure = jsnn.plot.Figure(height=120)
    axes = figure.subplot_mosaic([["raster"] * 2, ["rate", "cv"]], height_ratios=(3, 2))
    every = max(1, trains.num_neurons // NEURONS_SHOWN)
    for kind, members in kinds(trains.num_neurons).items():
        colour, of_kind = colours[kind], trains.of(members)
        neurons = of_kind.neurons + (members.start or 0)
        shown = neurons % every == 0
        axes["raster"].scatter(
            of_kind.times_ms[shown],
            neurons[shown],
            s=1,
            c=colour,
            linewidths=0,
            rasterized=True,
        )
        hertz, cv = rates(of_kind), cv_of_intervals(of_kind)
        draw_histogram(axes["rate"], hertz, 2.0, colour, f"{kind}: mean {hertz.mean():.2f} Hz")
        if len(cv):
            draw_histogram(axes["cv"], cv, 0.1, colour, f"{kind}: mean {cv.mean():.3f}")

    which = "" if every == 1 else f" (one in {every} shown)"
    axes["raster"].set(xlabel="time [ms]", ylabel=f"neuron index{which}")
    axes["raster"].set_xlim(0, trains.duration)
    axes["raster"].set_ylim(-0.5, trains.num_neurons - 0.5)
    axes["rate"].set(xlabel="rate [Hz]", ylabel="share of neurons [%]")
    axes["cv"].set_xlabel(f"CV of intervals, neurons with at least {MIN_SPIKES} spikes")
    axes["cv"].set_ylabel("share of these [%]")
    for panel in (axes["rate"], axes["cv"]):
        panel.set_xlim(0, None)
        panel.set_ylim(0, 1.35 * panel.get_ylim()[1])  # room for the legend
        if panel.has_data():
            panel.legend(loc="upper right")
    return figure


def draw_histogram(axes: "Axes", values: np.ndarray, width: float, colour: str, label: str) -> None:
    counts, edges = histogram(values, width)
    axes.stairs(100 * counts / len(values), edges, color=colour, label=label)


def histogram(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Count values >= 0 in bins of `width` from 0 on; return counts [K] and edges [K + 1]."""
    counts = np.bincount((values // width).astype(np.int64))
    return counts, width * np.arange(len(counts) + 1)
