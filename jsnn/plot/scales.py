"""Scales of axes: accuracies by the log of the error, and logarithms with plain numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, NullFormatter, NullLocator

_REST = 0.1  # of the error in %, so that an accuracy of 100 % has a place
_LEVELS: tuple[list[float], ...] = (
    [0, 50, 80, 90, 95, 98, 99, 99.5, 99.9, 100],
    *(np.arange(0, 100, every).tolist() for every in (10, 5, 1, 0.5, 0.1, 0.05, 0.01)),
)
_LEAST_DISTANCE = 0.1  # of two ticks, as a share of the axis
_FEW_DECADES = 300  # factor up to which 2 and 5 are named between 1 and 10
_ENOUGH = 4  # ticks, without which rounder ones are joined by others


def accuracy_axis(axes: Axes) -> None:
    """Make the y axis one of accuracies in %, from the log of the error.

    From 90 to 99 % is as far as from 0 to 90 %, so that what is nearly right and what fails have
    room in one panel, and nothing has to be cut off.
    """
    axes.set_yscale("function", functions=(_position, _accuracy))
    axes.yaxis.set_major_locator(_AccuracyLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_text))
    axes.set_ylabel("accuracy [%]")


def log_ticks(axis: Axis) -> None:
    """Give a logarithmic axis, whose data are drawn, ticks with plain numbers and no exponents.

    Args:
      axis: `axes.xaxis` or `axes.yaxis`.
    """
    low, high = axis.get_data_interval()
    axis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if high < _FEW_DECADES * low else (1.0,))
    )
    axis.set_major_formatter(FuncFormatter(_plain))
    axis.set_minor_formatter(NullFormatter())


def _plain(number: float, _: int | None) -> str:
    return f"{number:,.6g}"


def _position(accuracy: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(100 + _REST - np.asarray(accuracy, float), 1e-9))


def _accuracy(position: np.ndarray) -> np.ndarray:
    return 100 + _REST - 10 ** -np.asarray(position, float)


def _text(accuracy: float, _: int | None) -> str:
    return f"{accuracy:.6g}"


class _AccuracyLocator(Locator):
    """Ticks at the roundest accuracies that are far enough from each other."""

    def __call__(self) -> list[float]:
        return self.tick_values(*self.axis.get_view_interval())  # type: ignore[union-attr]

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low, high = _position(np.array(sorted((vmin, vmax))))
        chosen: list[float] = []
        for level in _LEVELS:
            for accuracy in level:
                places = _position(np.array([*chosen, accuracy])) / (high - low)
                is_inside = low <= places[-1] * (high - low) <= high
                if is_inside and np.all(abs(places[:-1] - places[-1]) >= _LEAST_DISTANCE):
                    chosen.append(accuracy)
            if len(chosen) >= _ENOUGH:
                break
        return sorted(chosen)
