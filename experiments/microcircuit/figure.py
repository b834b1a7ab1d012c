"""Figure of the activity of the microcircuit: raster, rates, irregularity, correlations."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments import cli
from experiments.microcircuit.network import POPULATIONS
from jsnn.analysis import SpikeTrains, correlations, cv_of_intervals, rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jsnn.plot import Figure

NEURONS_SHOWN = 1000
SHOWN_MS = 400.0
MIN_SPIKES = 5
"""Fewest spikes for a coefficient of variation, since the rates are low and the runs short."""
CORRELATION_BIN = 2.0
"""Width of the bins of spike counts, in ms."""
DASHES = {"L23": "-", "L4": "--", "L5": "-.", "L6": ":"}
"""Line of each layer; the colour tells excitatory from inhibitory neurons."""


@cli.drawing
def activity(trains: dict[str, SpikeTrains], start: float = 0.0) -> "Figure":
    """Draw a raster of the eight populations above cumulative distributions over neurons and pairs.

    Args:
      trains: the spikes of each population. The raster shows the last 400 ms, and every n-th
        neuron, such that about a thousand are shown.
      start: the time at which the recording begins, in ms.
    """
    figure = jsnn.plot.Figure(height=160)
    axes = figure.subplot_mosaic(
        [["raster"] * 3, ["rate", "cv", "correlation"]], height_ratios=(5, 3)
    )
    draw_raster(axes["raster"], trains, start)
    panels = {
        "rate": ("rate [Hz]", rates),
        "cv": (
            f"CV of intervals (≥ {MIN_SPIKES} spikes)",
            partial(cv_of_intervals, min_spikes=MIN_SPIKES),
        ),
        "correlation": (
            f"correlation of counts in {CORRELATION_BIN:g} ms",
            partial(correlations, width=CORRELATION_BIN),
        ),
    }
    for name, (label, statistic) in panels.items():
        draw_distributions(axes[name], {p: statistic(of) for p, of in trains.items()})
        axes[name].set_xlabel(label)
    axes["rate"].set_ylabel("share of neurons or pairs")
    figure.legend(
        *axes["rate"].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=8,
        handlelength=2.4,
    )
    return figure


def colour_of(population: str) -> str:
    """Return the colour of a population, whose name ends in E or I."""
    return jsnn.plot.EXCITATORY if population.endswith("E") else jsnn.plot.INHIBITORY


def draw_raster(axes: "Axes", trains: dict[str, SpikeTrains], start: float) -> None:
    """Draw the spikes of the last 400 ms, the first population on top."""
    total = sum(of.num_neurons for of in trains.values())
    every = max(1, total // NEURONS_SHOWN)
    end = start + next(iter(trains.values())).duration
    first, ticks = 0, []
    for name in POPULATIONS:
        of = trains[name]
        times = start + of.times_ms
        shown = (of.neurons % every == 0) & (times >= end - SHOWN_MS)
        axes.scatter(
            times[shown],
            first + of.neurons[shown],
            s=2,
            c=colour_of(name),
            linewidths=0,
            rasterized=True,
        )
        ticks.append(first + of.num_neurons / 2)
        first += of.num_neurons
    axes.set_yticks(ticks, POPULATIONS)
    axes.set_ylim(first, 0)
    axes.set_xlim(max(start, end - SHOWN_MS), end)
    axes.set_xlabel("time [ms]")
    axes.set_ylabel("neurons" if every == 1 else f"neurons (one in {every} shown)")


def draw_distributions(axes: "Axes", values: dict[str, np.ndarray]) -> None:
    """Draw the share of each population's values up to x; the outermost percent is not in view."""
    for name, of in values.items():
        if len(of):
            axes.ecdf(of, color=colour_of(name), linestyle=DASHES[name[:-1]], label=name)
    together = np.concatenate(list(values.values()))
    if len(together):
        low, high = np.quantile(together, [0.005, 0.995])
        axes.set_xlim(low, max(high, low + 1e-3))
    axes.grid()
