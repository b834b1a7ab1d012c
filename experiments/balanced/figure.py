"""Figure of the activity of a balanced network: raster, rates, irregularity."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.balanced.network import DT, num_excitatory
from experiments.balanced.statistics import histogram
from jsnn.analysis import MIN_SPIKES, SpikeTrains, cv_of_intervals, rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches, a page's text width
NEURONS_SHOWN = 1000
COLOURS = {"excitatory": "tab:red", "inhibitory": "tab:blue"}


def activity(
    steps: np.ndarray, neurons: np.ndarray, num_neurons: int, num_steps: int, title: str = ""
) -> "Figure":
    """Draw a raster above histograms of the rates and of the intervals' CV, by kind of neuron.

    Args:
      steps: int [num_spikes], from 0.
      neurons: int [num_spikes].
      num_neurons: of the network; about a thousand, evenly spaced, are in the raster.
      num_steps: of the run.
      title: above the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axes = figure.subplot_mosaic([["raster"] * 2, ["rate", "cv"]], height_ratios=(3, 2))
    trains = SpikeTrains(steps, neurons, num_neurons, num_steps * DT, DT)
    excitatory = neurons < num_excitatory(num_neurons)
    every = max(1, num_neurons // NEURONS_SHOWN)
    shown = neurons % every == 0
    for (kind, colour), chosen in zip(COLOURS.items(), (excitatory, ~excitatory), strict=True):
        dots = shown & chosen
        axes["raster"].scatter(
            steps[dots] * DT, neurons[dots], s=1, c=colour, linewidths=0, rasterized=True
        )
        of_kind = trains.of(members(kind, num_neurons))
        hertz, cv = rates(of_kind), cv_of_intervals(of_kind)
        draw_histogram(axes["rate"], hertz, 2.0, colour, f"{kind}: mean {hertz.mean():.2f} Hz")
        if len(cv):
            draw_histogram(axes["cv"], cv, 0.1, colour, f"{kind}: mean {cv.mean():.3f}")

    which = "every neuron" if every == 1 else f"one neuron in {every}"
    axes["raster"].set(xlabel="time [ms]", ylabel="neuron")
    axes["raster"].set_xlim(0, num_steps * DT)
    axes["raster"].set_ylim(-0.5, num_neurons - 0.5)
    axes["rate"].set(xlabel="rate [Hz]", ylabel="share of neurons [%]")
    axes["cv"].set(xlabel="CV of inter-spike intervals", ylabel="share [%]")
    titles = {
        "raster": f"{len(steps):,} spikes; {which} shown",
        "rate": "all neurons",
        "cv": f"neurons with at least {MIN_SPIKES} spikes",
    }
    for name, panel in axes.items():
        panel.set_title(titles[name], loc="left", fontsize=9)
    for panel in (axes["rate"], axes["cv"]):
        panel.set_xlim(0, None)
        panel.set_ylim(0, 1.3 * panel.get_ylim()[1])  # room for the legend
        if panel.has_data():
            panel.legend(fontsize=8, frameon=False, loc="upper right")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def members(kind: str, num_neurons: int) -> slice:
    """Return the slice of the neurons of a kind."""
    first = num_excitatory(num_neurons)
    return slice(first) if kind == "excitatory" else slice(first, None)


def draw_histogram(axes: "Axes", values: np.ndarray, width: float, colour: str, label: str) -> None:
    counts, edges = histogram(values, width)
    axes.stairs(100 * counts / len(values), edges, color=colour, label=label)
