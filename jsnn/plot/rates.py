"""Rates of populations over time."""

from collections.abc import Mapping

import matplotlib.figure
import numpy as np
from jax.typing import ArrayLike
from matplotlib.axes import Axes

from jsnn.analysis import SpikeTrains, population_rate
from jsnn.plot.canvas import panel, time_axis
from jsnn.plot.colours import colours_of
from jsnn.plot.recorded import checked_step, recorded_spikes
from jsnn.plot.typography import Width, style


@style()
def rate(
    spikes: Mapping[str, ArrayLike],
    *,
    dt: float = 1.0,
    bin_width: float = 5.0,
    ax: Axes | None = None,
    width: Width = "double",
) -> matplotlib.figure.Figure:
    """Draw the mean rate of each population over time, in Hz per neuron, counted in bins.

    Populations named e, exc or excitatory, and i, inh or inhibitory, have the colours of these.

    Args:
      spikes: {population: bool [T, N]}.
      dt: the length of a step, in ms.
      bin_width: in ms, a whole number of steps. A shorter rest at the end has no rate.
      ax: the axes to draw into.
      width: of the figure, "single" (85 mm) or "double" (178 mm), if no `ax` is given.

    Returns:
      The figure.

    Raises:
      TypeError: if `spikes` is no mapping.
      ValueError: if it is empty, an array is not [T, N] or holds something other than spikes, the
        numbers of steps differ, or the bins do not fit the recording.
    """
    recorded = recorded_spikes(spikes, "rate")
    step = checked_step(dt, "rate")
    rates = {
        name: population_rate(SpikeTrains.of_recorded(s, step), bin_width)
        for name, s in recorded.items()
    }
    drawn, axes = panel(ax, width, 45.0, "rate")
    for (name, hertz), colour in zip(rates.items(), colours_of(rates).values(), strict=True):
        edges = bin_width * np.arange(len(hertz) + 1)
        axes.stairs(hertz, edges, color=colour, label=name, baseline=None)
    num_steps = len(next(iter(recorded.values())))
    time_axis(axes, num_steps, step)
    axes.set_ylim(0, 1.05 * max(float(hertz.max()) for hertz in rates.values()) or 1.0)
    axes.set_ylabel("rate [Hz]")
    if len(rates) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(rates), borderaxespad=0.2)
    return drawn
