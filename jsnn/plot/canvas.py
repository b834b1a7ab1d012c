"""Figures as wide as a column, which show themselves in notebooks and save vectors as vectors."""

import io
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib.figure
from matplotlib.axes import Axes

from jsnn._checks import check_type, positive_int
from jsnn.plot.typography import WIDTHS_MM, Width, style

_MM_PER_INCH = 25.4
_PANEL_ASPECT = 0.62  # height over width
_PANEL_MM = (40.0, 65.0)


class Figure(matplotlib.figure.Figure):
    """A Matplotlib figure in the style of jsnn, outside `matplotlib.pyplot`.

    A notebook shows it if it is the last expression of a cell. `savefig` takes the format from the
    suffix: .pdf and .svg keep lines and text as such, .png has 200 dots per inch.
    """

    def __init__(self, width: Width = "double", height: float = 65.0) -> None:
        """Make an empty figure.

        Args:
          width: "single", one column of a page (85 mm), or "double", two (178 mm).
          height: in mm.

        Raises:
          ValueError: if there is no such width, or the height is not above 0.
        """
        if not height > 0:
            raise ValueError(f"figure, height: given {height}; expected mm above 0")
        size = _width_mm(width) / _MM_PER_INCH, height / _MM_PER_INCH
        with style():
            super().__init__(figsize=size, layout="constrained")

    def add_subplot(self, *place: Any, **options: Any) -> Any:
        with style():
            return super().add_subplot(*place, **options)

    def draw(self, renderer: Any) -> None:
        with style():  # ticks are made while they are drawn
            super().draw(renderer)

    def savefig(self, fname: Any, **options: Any) -> None:
        with style():
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def _width_mm(width: str) -> float:
    if width not in WIDTHS_MM:
        raise ValueError(f"figure, width: given {width!r}; expected 'single' or 'double'")
    return WIDTHS_MM[width]


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: Width = "double",
    height: float | None = None,
    sharex: bool | Literal["row", "col"] = False,
    sharey: bool | Literal["row", "col"] = False,
    height_ratios: Sequence[float] | None = None,
    width_ratios: Sequence[float] | None = None,
) -> tuple[Figure, Any]:
    """Make a figure for a drawing of your own, in the style of jsnn.

    Axes, ticks and labels have this style by themselves. Lines and legends that you add have it
    inside `with jsnn.plot.style():`.

    Args:
      rows: of panels.
      columns: of panels.
      width: "single", one column of a page (85 mm), or "double", two (178 mm).
      height: in mm; by default each panel is 0.62 as high as wide, within 40 and 65 mm.
      sharex: one x axis for all panels, or for each "col" or "row" of them.
      sharey: one y axis, likewise.
      height_ratios: of the rows.
      width_ratios: of the columns.

    Returns:
      The figure, and its axes as `matplotlib.pyplot.subplots` returns them: one `Axes`, an array of
      a single row or column, or an array [rows, columns].

    Raises:
      TypeError: if the rows or columns are no integers.
      ValueError: if they are below 1, there is no such width, or the height is not above 0.
    """
    rows = positive_int(rows, "figure, rows")
    columns = positive_int(columns, "figure, columns")
    if height is None:
        low, high = _PANEL_MM
        height = rows * min(max(_PANEL_ASPECT * _width_mm(width) / columns, low), high)
    made = Figure(width, height)
    axes = made.subplots(
        rows,
        columns,
        sharex=sharex,
        sharey=sharey,
        height_ratios=height_ratios,
        width_ratios=width_ratios,
    )
    return made, axes


def panel(
    ax: Axes | None, width: Width, height: float, what: str
) -> tuple[matplotlib.figure.Figure, Axes]:
    """Return the axes to draw into and their figure, which is made if none are given.

    Args:
      ax: as the user gave them.
      width: of the figure to make.
      height: of the figure to make, in mm.
      what: the function that draws, for messages.
    """
    if ax is None:
        made = Figure(width, height)
        return made, made.subplots()
    return of_axes(ax, what), ax


def of_axes(ax: Axes, what: str) -> matplotlib.figure.Figure:
    """Return the figure of the axes that a user gave.

    Raises:
      TypeError: if they are no axes.
      ValueError: if they have been removed from their figure.
    """
    check_type(ax, Axes, f"{what}, ax", " of Matplotlib")
    found = ax.get_figure(root=True)
    if found is None:
        raise ValueError(f"{what}, ax: given axes without a figure; expected axes of a figure")
    return found


def time_axis(axes: Axes, num_steps: int, dt: float) -> None:
    """Show the time of a run, and name the axis unless a panel below shares it."""
    axes.set_xlim(-0.5 * dt, num_steps * dt)
    if axes.xaxis.get_tick_params().get("labelbottom", True):
        axes.set_xlabel("time [ms]")
