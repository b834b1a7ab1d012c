"""Figures that are fit for print, as functions of arrays.

    jsnn.plot.raster(recorded, dt=0.1)                              # shows itself in a notebook
    jsnn.plot.raster(recorded, dt=0.1).savefig("raster.pdf")        # or .svg, .png

Every function draws into `ax=` if that is given; otherwise it makes a `Figure` as wide as one
column of a page (85 mm) or two (178 mm), in which no text is smaller than 7 pt. It returns the
figure. `figure` makes one for drawings of your own:

    figure, (above, below) = jsnn.plot.figure(2, sharex=True)
    jsnn.plot.raster(recorded, dt=0.1, ax=above)
    jsnn.plot.rate(recorded, dt=0.1, ax=below)

Excitatory neurons are `EXCITATORY` and inhibitory ones `INHIBITORY` in all figures; everything else
has the colours of `PALETTE`. No pair of these looks alike to a colour-blind reader. The settings of
Matplotlib (`rcParams`) stay as they are.
"""

from jsnn._extras import needed_by

with needed_by("jsnn.plot", "matplotlib", '"jsnn[plot]"'):
    import matplotlib as _matplotlib  # noqa: F401

from jsnn.plot.accuracies import accuracy_over_time, pareto_front, spikes_against_accuracy
from jsnn.plot.canvas import Figure, figure
from jsnn.plot.colours import EXCITATORY, INHIBITORY, MARK, PALETTE
from jsnn.plot.rasters import raster
from jsnn.plot.rates import rate
from jsnn.plot.reports import conversion_report
from jsnn.plot.scales import accuracy_axis, log_ticks
from jsnn.plot.traces import voltages
from jsnn.plot.typography import style

__all__ = [
    "EXCITATORY",
    "INHIBITORY",
    "MARK",
    "PALETTE",
    "Figure",
    "accuracy_axis",
    "accuracy_over_time",
    "conversion_report",
    "figure",
    "log_ticks",
    "pareto_front",
    "raster",
    "rate",
    "spikes_against_accuracy",
    "style",
    "voltages",
]
