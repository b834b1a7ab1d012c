"""Sizes of a printed page: widths of columns, sizes of text, widths of lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib.style
from cycler import cycler

from jsnn.plot.colours import PALETTE

Width = Literal["single", "double"]
"""Width of a figure: one column of a page or two."""

WIDTHS_MM = {"single": 85.0, "double": 178.0}

SMALLEST_PT = 7.0
"""Size of the smallest text, in points at print size."""

_LABEL_PT = 8.0
_THIN, _LINE = 0.6, 1.0  # widths in points

_SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # part of Matplotlib, hence there on every machine
    "font.size": SMALLEST_PT,
    "axes.labelsize": _LABEL_PT,
    "axes.titlesize": _LABEL_PT,
    "axes.titlelocation": "left",
    "figure.labelsize": _LABEL_PT,
    "xtick.labelsize": SMALLEST_PT,
    "ytick.labelsize": SMALLEST_PT,
    "legend.fontsize": SMALLEST_PT,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "axes.linewidth": _THIN,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "grid.color": "0.88",
    "grid.linewidth": _THIN,
    "lines.linewidth": _LINE,
    "lines.markersize": 4.0,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.width": _THIN,
    "ytick.major.width": _THIN,
    "xtick.minor.width": _THIN,
    "ytick.minor.width": _THIN,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # TrueType, which stays text
    "ps.fonttype": 42,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "jsnn",  # ids that do not change from run to run
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of jsnn inside a `with` block, or inside a function that this decorates.

    Matplotlib's own settings are as before afterwards. A `Figure` of jsnn needs this only for
    artists that take their looks from these settings, such as legends.
    """
    with matplotlib.style.context(_SETTINGS, after_reset=True):
        yield
