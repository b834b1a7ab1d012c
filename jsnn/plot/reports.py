"""Figure of a conversion report."""

from typing import TYPE_CHECKING

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from jsnn._checks import check_type
from jsnn.plot.canvas import figure
from jsnn.plot.colours import GUIDE, PALETTE
from jsnn.plot.scales import accuracy_axis
from jsnn.plot.typography import Width, style

if TYPE_CHECKING:
    from jsnn.conversion import Report

_BARS = PALETTE[2]


@style()
def conversion_report(report: "Report", *, width: Width = "double") -> matplotlib.figure.Figure:
    """Draw a converted network in four panels.

    The panels show accuracy after every step, with early exits at their mean step; the spikes of
    each population; the error of each layer, mean and standard deviation over images and neurons;
    energy.

    Args:
      report: from `jsnn.conversion.assess`.
      width: "single" (85 mm, one panel above the other) or "double" (178 mm).

    Returns:
      The figure.

    Raises:
      TypeError: if `report` is no report.
    """
    from jsnn.conversion import Report  # with Flax, which other figures do not need

    check_type(report, Report, "conversion_report", ", as jsnn.conversion.assess returns it")
    columns = 2 if width == "double" else 1
    drawn, panels = figure(4 // columns, columns, width=width, height=55.0 * (4 // columns))
    over_time, of_layers, errors, energy = panels.flat
    _accuracy(report, over_time)
    _bars(of_layers, {name: float(spikes[-1]) for name, spikes in report.spikes.items()})
    of_layers.set_xlabel(f"spikes per image in {report.num_steps} steps")
    _errors(report, errors)
    _energy(report, energy)
    return drawn


def _accuracy(report: "Report", axes: Axes) -> None:
    exits = report.early_exits
    steps = np.arange(1, report.num_steps + 1)
    accuracy_axis(axes)
    axes.plot(steps, 100 * report.accuracy, marker=".", label=report.recipe)
    axes.plot(
        [exit_.mean_steps for exit_ in exits],
        [100 * exit_.accuracy for exit_ in exits],
        "x",
        color=PALETTE[1],
        label="early exits, mean steps",
    )
    axes.axhline(100 * report.ann_accuracy, color=GUIDE, linestyle="--", linewidth=0.8, label="ANN")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("steps")
    axes.set_ylabel(f"accuracy, {len(report.labels):,} images [%]")
    axes.grid()
    _legend_above(axes)


def _bars(axes: Axes, values: dict[str, float]) -> None:
    """Draw a bar for each value, with its number at the end, so that a bar of nothing says 0."""
    bars = axes.barh(list(values), list(values.values()), color=_BARS, height=0.6)
    numbers = [f"{v:,.3g}" if v < 100 else f"{v:,.0f}" for v in values.values()]
    axes.bar_label(bars, numbers, padding=2)
    axes.set_xlim(0, 1.2 * max(values.values()) or 1.0)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=5)


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)


def _errors(report: "Report", axes: Axes) -> None:
    names, errors = list(report.errors), list(report.errors.values())
    axes.axvline(0, color=GUIDE, linewidth=0.6)
    axes.errorbar(
        [error.bias for error in errors],
        names,
        xerr=[error.spread for error in errors],
        fmt="o",
        color=PALETTE[0],
        elinewidth=0.8,
        capsize=2,
    )
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("decoded minus ANN activation, mean ± SD")


def _energy(report: "Report", axes: Axes) -> None:
    nanojoules = {name: pj / 1e3 for name, pj in report.energy.items()}
    names = {"snn": "spiking", "ann": "ANN", "ann_effective": "ANN, zeros\nskipped"}
    entering = report.energy_of.multiply_accumulate * report.input_macs / 1e3
    _bars(axes, {names[name]: nanojoules[name] for name in names})
    if entering:
        share = axes.barh(["spiking"], [entering], color=PALETTE[1], height=0.6)
        share.set_label("of this, analog input")
        _legend_above(axes)
    axes.set_xlabel("energy per image [nJ]")
