"""Traces of variables over time."""

from collections.abc import Sequence

import matplotlib.figure
import numpy as np
from jax.typing import ArrayLike
from matplotlib.axes import Axes

from jsnn._checks import host_array
from jsnn.plot.canvas import panel, time_axis
from jsnn.plot.colours import GUIDE, PALETTE
from jsnn.plot.recorded import checked_step
from jsnn.plot.typography import Width, style

_DASHES = ("-", "--", ":", "-.")


@style()
def voltages(
    v: ArrayLike,
    *,
    dt: float = 1.0,
    v_thresh: float | None = None,
    names: Sequence[str] | None = None,
    unit: str = "mV",
    ax: Axes | None = None,
    width: Width = "double",
) -> matplotlib.figure.Figure:
    """Draw membrane potentials over time.

    Args:
      v: [T, K], K neurons at the end of every step.
      dt: the time between rows, in ms.
      v_thresh: drawn as a dashed line.
      names: K legend entries; the neurons' positions by default.
      unit: of v; "" if the model is dimensionless.
      ax: the axes to draw into.
      width: of the figure, "single" (85 mm) or "double" (178 mm), if no `ax` is given.

    Returns:
      The figure.

    Raises:
      TypeError: if `v` is no array, or `names` is one name.
      ValueError: if `v` is not [T, K], the number of names is not K, or there are more than 20
        neurons, which nobody could tell apart.
    """
    traces = host_array(v, "voltages")
    if traces.dtype == object:
        raise TypeError(f"voltages: given {type(v).__name__}; expected an array [T, K]")
    if traces.ndim != 2:
        given = f"shape {traces.shape}" if traces.ndim else type(v).__name__
        hint = " (v[:, None] has one neuron)" if traces.ndim == 1 else ""
        raise ValueError(f"voltages: given {given}; expected an array [T, K]{hint}")
    looks = [(colour, dashes) for dashes in _DASHES for colour in PALETTE]
    num = traces.shape[1]
    if num > len(looks):
        raise ValueError(
            f"voltages: given {num} neurons; expected at most {len(looks)}, since more look alike "
            f"(choose some: v[:, :{len(PALETTE)}])"
        )
    names = [f"neuron {k}" for k in range(num)] if names is None else names
    if isinstance(names, str):
        raise TypeError(f"voltages, names: given {names!r}; expected a list of {num} names")
    if len(names) != num:
        raise ValueError(f"voltages, names: given {len(names)}; expected {num}")
    step = checked_step(dt, "voltages")
    drawn, axes = panel(ax, width, 55.0, "voltages")
    times = (np.arange(len(traces)) + 1) * step
    for name, trace, (colour, dashes) in zip(names, traces.T, looks, strict=False):
        axes.plot(times, trace, color=colour, linestyle=dashes, label=name)
    if v_thresh is not None:
        axes.axhline(v_thresh, color=GUIDE, linestyle="--", linewidth=0.8, label="threshold")
    time_axis(axes, len(traces), step)
    axes.set_ylabel(f"membrane potential [{unit}]" if unit else "membrane potential")
    if num > 1 or v_thresh is not None:
        columns = 5 if axes.bbox.width > 300 else 3  # dots at 100 an inch
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.2)
    return drawn
