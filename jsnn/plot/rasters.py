"""Rasters: a dot for every spike."""

from collections.abc import Mapping

import matplotlib.figure
import numpy as np
from jax.typing import ArrayLike
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from jsnn.plot.canvas import Figure, of_axes, time_axis
from jsnn.plot.colours import MARK, PALETTE, colours_of
from jsnn.plot.recorded import checked_step, recorded_spikes
from jsnn.plot.typography import Width, style
from jsnn.spike_events import spike_list

_MANY_DOTS = 20_000
"""Most dots of a population that a vector file holds one by one; more are an image inside it."""


@style()
def raster(
    spikes: Mapping[str, ArrayLike],
    *,
    dt: float = 1.0,
    ax: Axes | None = None,
    width: Width = "double",
    label: int | None = None,
    trimmed: bool = False,
) -> matplotlib.figure.Figure:
    """Draw a dot for every spike: a panel per population, or all on top of each other in `ax`.

    Populations named e, exc or excitatory, and i, inh or inhibitory, have the colours of these.

    Args:
      spikes: {population: bool [T, N]}, input first.
      dt: the length of a step, in ms.
      ax: the axes to draw into. Each population has a colour there, and indices go on from one to
        the next.
      width: of the figure, "single" (85 mm) or "double" (178 mm), if no `ax` is given.
      label: the index of the true class's neuron in the last population, marked by a dashed line.
      trimmed: leave out the rows below the first neuron that spikes and above the last, and say so.

    Returns:
      The figure.

    Raises:
      TypeError: if `spikes` is no mapping.
      ValueError: if it is empty, an array is not [T, N] or holds something other than spikes, the
        numbers of steps differ, `dt` is not above 0, or the label is not the index of a neuron.
    """
    recorded = recorded_spikes(spikes, "raster")
    step = checked_step(dt, "raster")
    *_, last = recorded.values()
    if label is not None and not 0 <= label < last.shape[1]:
        raise ValueError(f"raster, label: given {label}; expected 0 to {last.shape[1] - 1}")
    if ax is not None:
        drawn = of_axes(ax, "raster")
        _stacked(ax, recorded, step, trimmed)
        panels = [ax]
    else:
        heights = [_height_mm(s.shape[1]) for s in recorded.values()]
        drawn = Figure(width, 10 + sum(heights))
        panels = list(
            drawn.subplots(len(recorded), 1, sharex=True, squeeze=False, height_ratios=heights).flat
        )
        colours = colours_of(recorded, PALETTE[:1])
        for axes, (name, s) in zip(panels, recorded.items(), strict=True):
            _dots(axes, s, step, colours[name], _area(s.shape[1]))
            _rows(axes, s, trimmed, f"{name}\nneuron index")
        drawn.align_ylabels()
    if label is not None:
        first = sum(s.shape[1] for s in recorded.values()) - last.shape[1] if ax is not None else 0
        _mark(panels[-1], first + label)
    time_axis(panels[-1], len(last), step)
    return drawn


def _height_mm(rows: int) -> float:
    return 45.0 if rows > 200 else 34.0 if rows > 20 else 30.0


def _stacked(ax: Axes, recorded: dict[str, np.ndarray], dt: float, trimmed: bool) -> None:
    """Draw all populations into one panel, and name them if there are several."""
    together, first = np.concatenate(list(recorded.values()), axis=1), 0
    area = _area(together.shape[1])
    for (name, s), colour in zip(recorded.items(), colours_of(recorded).values(), strict=True):
        _dots(ax, s, dt, colour, area, first, name if len(recorded) > 1 else None)
        first += s.shape[1]
    _rows(ax, together, trimmed, "neuron index")
    if len(recorded) > 1:
        ax.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(recorded),
            borderaxespad=0.2,
            markerscale=3,
            handletextpad=0.1,
        )


def _area(rows: int) -> float:
    """Return the area of a dot, in square points."""
    return 1.2 if rows > 200 else 3.0 if rows > 20 else 6.0


def _dots(
    axes: Axes,
    s: np.ndarray,
    dt: float,
    colour: str,
    area: float,
    first: int = 0,
    name: str | None = None,
) -> None:
    """Draw the spikes of a population, bool [T, N], in the rows from `first` on."""
    steps, neurons = spike_list(s)
    axes.scatter(
        steps * dt,
        first + neurons,
        s=area,
        c=colour,
        linewidths=0,
        label=name,
        rasterized=len(steps) > _MANY_DOTS,
    )


def _rows(axes: Axes, s: np.ndarray, trimmed: bool, name: str) -> None:
    """Set the limits of the neurons of a panel, bool [T, N], and its label."""
    first, last = 0, s.shape[1] - 1
    spiking = np.flatnonzero(s.any(axis=0))
    if trimmed and len(spiking):
        if (spiking[0], spiking[-1]) != (first, last):
            name += "\n(others are silent)"
        first, last = int(spiking[0]), int(spiking[-1])
    axes.set_ylim(first - 0.5, last + 0.5)
    axes.set_ylabel(name)
    axes.yaxis.set_major_locator(MaxNLocator(10 if last - first < 20 else 5, integer=True))


def _mark(axes: Axes, row: int) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, row - 0.5), max(high, row + 0.5))
    line = axes.axhline(row, color=MARK, linestyle="--", linewidth=0.8, label="true label")
    of_populations = axes.get_legend()
    axes.legend(
        handles=[line], loc="best", frameon=True, edgecolor="none", framealpha=0.85, borderpad=0.2
    )
    if of_populations is not None:
        axes.add_artist(of_populations)
