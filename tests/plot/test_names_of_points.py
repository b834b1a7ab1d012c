"""Names beside points: none covers a point, a line or another name."""

import matplotlib.figure
import numpy as np
import pytest
from matplotlib.text import Text

from experiments.conversion.names_of_points import name_points
from jsnn import plot

NAMES = [f"setting {k}" for k in range(14)]


def crowd() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([random.normal(0.5, 0.04, (12, 2)), [[0.0, 0.0], [1.0, 1.0]]])


def boxes(figure: matplotlib.figure.Figure) -> list[np.ndarray]:
    figure.draw_without_rendering()
    return [
        np.asarray(Text.get_window_extent(text).get_points())
        for text in figure.axes[0].texts
        if text.get_text()
    ]


def test_names_cover_nothing_and_stay_inside() -> None:
    figure, axes = plot.figure(height=90)
    points = crowd()
    axes.plot(*points.T, "o")
    line = np.array([[0.4, 0.4], [0.6, 0.6]])
    name_points(axes, points, NAMES, [line])
    found = boxes(figure)
    assert [text.get_text() for text in axes.texts] == NAMES
    along = np.linspace(line[0], line[1], 200)
    covered = axes.transData.transform(np.concatenate([points, along]))
    frame = axes.get_window_extent()
    for (left, bottom), (right, top) in found:
        inside = (covered > (left, bottom)) & (covered < (right, top))
        assert not inside.all(axis=1).any()
        assert frame.x0 <= left < right <= frame.x1
        assert frame.y0 - 2 <= bottom < top <= frame.y1 + 2
    (left, bottom), (right, top) = np.transpose(found, (1, 2, 0))
    meets = (left[:, None] < right) & (left < right[:, None])
    meets &= (bottom[:, None] < top) & (bottom < top[:, None])
    np.testing.assert_array_equal(meets, np.eye(len(found), dtype=bool))


def test_more_names_than_there_is_room_for_are_an_error() -> None:
    _, axes = plot.figure(width="single", height=25)
    points = crowd()
    axes.plot(*points.T, "o")
    with pytest.raises(ValueError, match="given more names than there is room for"):
        name_points(axes, points, ["a name that is far too long for a small figure"] * 14, [])
