"""Figure of the activity of the microcircuit: raster, rates, irregularity, correlations."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from experiments.microcircuit.network import POPULATIONS
from jsnn.analysis import SpikeTrains, correlations, cv_of_intervals, rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches, a page's text width
NEURONS_SHOWN = 1000
SHOWN_MS = 400.0
MIN_SPIKES = 5
"""Fewest spikes for a coefficient of variation, since the rates are low and the runs short."""
CORRELATION_BIN = 2.0
"""Width of the bins of spike counts, in ms."""
COLOURS = {"E": "tab:blue", "I": "tab:red"}
LAYERS = {"L23": "tab:blue", "L4": "tab:orange", "L5": "tab:green", "L6": "tab:purple"}
LINES = {"E": "-", "I": "--"}


def activity(trains: dict[str, SpikeTrains], start: float = 0.0, title: str = "") -> "Figure":
    """Draw a raster of the eight populations above cumulative distributions over neurons and pairs.

    Args:
      trains: the spikes of each population. The raster shows the last 400 ms, and every n-th
        neuron, such that about a thousand are shown.
      start: the time at which the recording begins, in ms.
      title: above the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 7.0), layout="constrained")
    axes = figure.subplot_mosaic(
        [["raster"] * 3, ["rate", "cv", "correlation"]], height_ratios=(5, 3)
    )
    draw_raster(axes["raster"], trains, start)
    panels = {
        "rate": ("rate [Hz]", rates),
        "cv": (
            f"CV of intervals (>= {MIN_SPIKES} spikes)",
            partial(cv_of_intervals, min_spikes=MIN_SPIKES),
        ),
        "correlation": (
            f"correlation of counts in {CORRELATION_BIN:g} ms",
            partial(correlations, width=CORRELATION_BIN),
        ),
    }
    for name, (label, statistic) in panels.items():
        draw_distributions(axes[name], {p: statistic(of) for p, of in trains.items()})
        axes[name].set_xlabel(label, fontsize=9)
    axes["rate"].set_ylabel("share of neurons or pairs")
    figure.legend(
        *axes["rate"].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=8,
        fontsize=8,
        frameon=False,
        handlelength=1.5,
        columnspacing=1.2,
    )
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


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
            c=COLOURS[name[-1]],
            linewidths=0,
            rasterized=True,
        )
        ticks.append(first + of.num_neurons / 2)
        first += of.num_neurons
    axes.set_yticks(ticks, POPULATIONS, fontsize=8)
    axes.set_ylim(first, 0)
    axes.set_xlim(max(start, end - SHOWN_MS), end)
    axes.set_xlabel("time [ms]")
    which = "every neuron" if every == 1 else f"one neuron in {every}"
    axes.set_title(f"{which} shown", loc="left", fontsize=9)


def draw_distributions(axes: "Axes", values: dict[str, np.ndarray]) -> None:
    """Draw the share of each population's values up to x; the outermost percent is not in view."""
    for name, of in values.items():
        if len(of):
            layer, kind = name[:-1], name[-1]
            axes.ecdf(of, color=LAYERS[layer], linestyle=LINES[kind], linewidth=1, label=name)
    together = np.concatenate(list(values.values()))
    if len(together):
        low, high = np.quantile(together, [0.005, 0.995])
        axes.set_xlim(low, max(high, low + 1e-3))
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
