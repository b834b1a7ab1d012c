"""Figure of a run: spikes and spectra at its start and at its end."""

from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments import cli
from experiments.polychronous.network import NUM_EXCITATORY
from experiments.polychronous.spectrum import DELTA, GAMMA, Rhythm, spectrum

if TYPE_CHECKING:
    from jsnn.plot import Figure


@cli.drawing
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
    figure, panels = jsnn.plot.figure(len(rasters) + 2, height=30 + 46 * (len(rasters) + 1))
    *above, middle, below = panels
    for axes, (title, raster) in zip(above, rasters.items(), strict=True):
        excitatory, inhibitory = np.split(raster, [NUM_EXCITATORY], axis=1)
        jsnn.plot.raster({"excitatory": excitatory, "inhibitory": inhibitory}, ax=axes)
        axes.set_ylabel(f"{title}\nneuron index")
    for axes in above[1:]:
        axes.get_legend().remove()
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
    jsnn.plot.log_ticks(middle.xaxis)
    jsnn.plot.log_ticks(below.yaxis)
    for axes in (middle, below):
        axes.legend()
    figure.align_ylabels()
    return figure
