"""Figure of a run: spikes and spectra at its start and at its end."""

from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments.polychronous.network import NUM_EXCITATORY, NUM_NEURONS
from experiments.polychronous.spectrum import DELTA, GAMMA, Rhythm, spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 7.0  # inches, a page's text width


def draw(
    rasters: dict[str, np.ndarray],
    rates: dict[str, np.ndarray],
    minutes: np.ndarray,
    rhythms: list[Rhythm],
) -> "Figure":
    """Draw a panel of spikes for each raster, the spectra, and the power of the bands over time.

    Args:
      rasters: {title: bool [steps, 1000]}.
      rates: {label: in Hz, for each millisecond}, of the spectra.
      minutes: the times of the rhythms.
      rhythms: of one stretch of time after the other.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 8.5), layout="constrained")
    *above, middle, below = figure.subplots(len(rasters) + 2, 1)
    for axes, (title, raster) in zip(above, rasters.items(), strict=True):
        steps, neurons = jsnn.spike_list(raster)
        colours = np.where(neurons < NUM_EXCITATORY, "k", "tab:red")
        axes.scatter(steps, neurons, s=1.5, c=colours, linewidths=0)
        axes.set_title(title, loc="left", fontsize=9)
        axes.set(ylabel="neuron", ylim=(-0.5, NUM_NEURONS - 0.5), xlim=(0, len(raster)))
    above[-1].set_xlabel("time [ms]")
    for label, rate in rates.items():
        frequencies, density = spectrum(rate)
        middle.semilogx(frequencies, frequencies * density, linewidth=0.9, label=label)
    for band, name in ((DELTA, "delta"), (GAMMA, "gamma")):
        middle.axvspan(*band, color="0.9", zorder=0)
        power = [getattr(each, name) for each in rhythms]
        below.semilogy(minutes, power, linewidth=0.9, label=name)
    middle.set(xlabel="frequency f [Hz]", ylabel="f · density [Hz²]", xlim=(1, 100))
    below.set(xlabel="time [min]", ylabel="variance of the rate [Hz²]")
    middle.set_ylim(0, None)
    for axes in (middle, below):
        axes.legend(fontsize=8, frameon=False)
    figure.align_ylabels()
    return figure
