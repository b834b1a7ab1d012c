"""Accuracy over time, and accuracy against the number of spikes that it costs."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib.figure
import numpy as np
from jax.typing import ArrayLike
from matplotlib.axes import Axes

from jsnn.plot.canvas import panel
from jsnn.plot.colours import GUIDE, PALETTE
from jsnn.plot.recorded import checked_step
from jsnn.plot.scales import accuracy_axis, log_ticks
from jsnn.plot.typography import Width, style

_MARKERS = "*sD^v"


@style()
def accuracy_over_time(
    accuracy: Mapping[str, ArrayLike],
    *,
    dt: float = 1.0,
    reference: float | None = None,
    ax: Axes | None = None,
    width: Width = "double",
) -> matplotlib.figure.Figure:
    """Draw accuracy against presentation time, with more room for what is nearly right.

    Args:
      accuracy: {name: [T]}, fractions, the t-th after t + 1 steps.
      dt: the length of a step, in ms.
      reference: the accuracy of the network that the weights came from, as a dashed line.
      ax: the axes to draw into.
      width: of the figure, "single" (85 mm) or "double" (178 mm), if no `ax` is given.

    Returns:
      The figure.

    Raises:
      ValueError: if there is no curve, or an accuracy is no fraction.
    """
    if not accuracy:
        raise ValueError("accuracy_over_time: given no curve; expected at least one")
    step = checked_step(dt, "accuracy_over_time")
    curves = {
        name: percent(values, f"accuracy_over_time of {name!r}")
        for name, values in accuracy.items()
    }
    drawn, axes = panel(ax, width, 60.0, "accuracy_over_time")
    accuracy_axis(axes)
    for (name, curve), colour in zip(curves.items(), cycle(PALETTE), strict=False):
        axes.plot((np.arange(len(curve)) + 1) * step, curve, color=colour, label=name)
    if reference is not None:
        height = float(percent(reference, "accuracy_over_time, reference"))
        axes.axhline(height, color=GUIDE, linestyle="--", linewidth=0.8, label="ANN")
    axes.grid()
    axes.set_xlim(0, None)
    axes.set_xlabel("presentation time [ms]")
    axes.legend(loc="lower right")
    return drawn


@style()
def spikes_against_accuracy(
    spikes: ArrayLike,
    accuracy: ArrayLike,
    *,
    marked: Mapping[str, int] | None = None,
    ax: Axes | None = None,
    width: Width = "double",
) -> matplotlib.figure.Figure:
    """Draw a point per setting, and the Pareto front, the settings that no other beats in both.

    Args:
      spikes: [K], spikes per presentation of each setting.
      accuracy: [K], fractions.
      marked: {name: index} of settings to point out.
      ax: the axes to draw into.
      width: of the figure, "single" (85 mm) or "double" (178 mm), if no `ax` is given.

    Returns:
      The figure.

    Raises:
      ValueError: if the arrays are not [K], an accuracy is no fraction, a number of spikes is
        below 0, or there is no such setting to mark.
    """
    s, a = np.asarray(spikes), percent(accuracy, "spikes_against_accuracy, accuracy")
    front = pareto_front(s, a)
    for name, index in (marked or {}).items():
        if not -len(s) <= index < len(s):
            raise ValueError(
                f"spikes_against_accuracy, marked {name!r}: given {index}; expected an index below "
                f"{len(s)}, the number of settings"
            )
    if not np.all(s >= 0):
        raise ValueError(f"spikes_against_accuracy: given {s.min():g} spikes; expected 0 or more")
    drawn, axes = panel(ax, width, 70.0, "spikes_against_accuracy")
    accuracy_axis(axes)
    axes.scatter(s, a, s=7, c=GUIDE, linewidths=0, label=f"{len(s)} settings")
    line: dict[str, Any] = {"color": PALETTE[0], "marker": ".", "markersize": 3, "linewidth": 0.8}
    axes.plot(s[front], a[front], **line, label="Pareto front")
    for number, (name, index) in enumerate((marked or {}).items()):
        axes.plot(
            s[index],
            a[index],
            linestyle="none",
            marker=_MARKERS[number % len(_MARKERS)],
            color=PALETTE[1:][number % len(PALETTE[1:])],
            markersize=9 if number % len(_MARKERS) == 0 else 6,
            markeredgecolor="white",
            zorder=3,
            label=name,
        )
    if np.all(s > 0):
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    else:
        axes.set_xscale("symlog", linthresh=s[s > 0].min() if s.any() else 1.0, linscale=0.3)
        axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("spikes per presentation, all layers")
    axes.grid()
    axes.legend(loc="lower right")
    return drawn


def pareto_front(spikes: ArrayLike, accuracy: ArrayLike) -> np.ndarray:
    """Return the indices of the settings that no other beats, in order of spikes.

    Another setting is better if it has fewer spikes and no less accuracy. Among equal settings, the
    first counts.
    """
    s, a = np.asarray(spikes), np.asarray(accuracy)
    if s.ndim != 1 or s.shape != a.shape:
        raise ValueError(f"pareto_front: given shapes {s.shape} and {a.shape}; expected one [K]")
    front: list[int] = []
    for index in np.lexsort((-a, s)):
        if not front or a[index] > a[front[-1]]:
            front.append(int(index))
    return np.asarray(front, np.int64)


def percent(accuracy: ArrayLike, what: str) -> np.ndarray:
    """Return fractions in percent; raise ValueError if one is outside 0 to 1."""
    fractions = np.asarray(accuracy, float)
    outside = fractions[~((fractions >= 0) & (fractions <= 1))]
    if outside.size:
        raise ValueError(f"{what}: given {outside[0]:g}; expected fractions, 0 to 1")
    return 100 * fractions
