"""Names beside the points of a figure, such that none covers a point, a line or another name."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""

_TEXT_PT = 7.0
_HALF_PT = 0.65 * _TEXT_PT
"""Half the height of a line of text."""
_CLOSE_PT = 8.0
"""Distance up to which a name needs no line to its point."""
_NUM_ORDERS = 12
"""Orders in which names are placed, of which the best is kept."""
_RADII = (5, 9, 14, 20, 27, 35, 44, 54, 66, 80, 95)
_ANGLES = np.deg2rad([0, 180, *range(15, 180, 15), *range(-15, -180, -15)])


def name_points(
    axes: "Axes", points: np.ndarray, names: Sequence[str], lines: Sequence[np.ndarray]
) -> None:
    """Write a name as near to each point as there is room, with a line to it if that is not close.

    The axes must have their final limits, since the layout is settled here.

    Args:
      axes: the axes that hold the points.
      points: [K, 2].
      names: K names.
      lines: what no name may cover beside the points, each [n, 2], as connected corners.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    to_pt = 72 / figure.dpi
    at = axes.transData.transform(points) * to_pt
    frame = axes.get_window_extent()
    inside = tuple(to_pt * edge for edge in (frame.x0, frame.y0, frame.x1, frame.y1))
    covered = [_around(x, y, 3.0) for x, y in at]
    for line in lines:
        covered += [_around(x, y, 1.0) for x, y in _along(axes.transData.transform(line) * to_pt)]
    widths = [0.62 * _TEXT_PT * len(name) for name in names]
    random = np.random.default_rng(0)
    orders = [random.permutation(len(at)) for _ in range(_NUM_ORDERS)]
    _, places = min(
        (_places(order, at, widths, inside, np.array(covered)) for order in orders), key=_cost
    )
    for name, point, (x, y), place in zip(names, points, at, places, strict=True):
        is_right = place[0] >= x
        axes.annotate(
            name,
            point,
            xytext=(place[0] - x, place[1] - y),
            textcoords="offset points",
            ha="left" if is_right else "right",
            fontsize=_TEXT_PT,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.5 if np.hypot(place[0] - x, place[1] - y) > _CLOSE_PT else 0.0,
                "color": "0.4",
                "relpos": (0.0 if is_right else 1.0, 0.5),
                "shrinkA": 0,
                "shrinkB": 2,
            },
        ).set_in_layout(False)


def _cost(found: tuple[float, np.ndarray]) -> float:
    return found[0]


def _places(
    order: np.ndarray, at: np.ndarray, widths: Sequence[float], inside: Box, covered: np.ndarray
) -> tuple[float, np.ndarray]:
    """Place one text after the other; return the cost and where each begins or ends, [K, 2]."""
    texts: list[Box] = []
    leaders: list[Box] = []
    places, total = np.zeros_like(at), 0.0
    for k in order:
        best: _Place | None = None
        for place in _possible(at[k], widths[k], inside, covered, texts, leaders):
            best = place if best is None or place.cost < best.cost else best
            if best.cost <= place.radius:  # what is further away costs more
                break
        if best is None:
            raise ValueError("name_points: given more names than there is room for")
        places[k], total = best.at, total + best.cost
        texts.append(best.box)
        leaders += best.leader
    return total, places


class _Place(NamedTuple):
    cost: float
    radius: float
    at: np.ndarray
    box: Box
    leader: list[Box]


def _possible(
    point: np.ndarray,
    width: float,
    inside: Box,
    covered: np.ndarray,
    texts: Sequence[Box],
    leaders: Sequence[Box],
) -> Iterator[_Place]:
    """Yield the places of a text in which it covers nothing, the nearest first."""
    for radius in _RADII:
        for angle in _ANGLES:
            place = point + radius * np.array([np.cos(angle), np.sin(angle)])
            left = place[0] if place[0] >= point[0] else place[0] - width
            box = (left, place[1] - _HALF_PT, left + width, place[1] + _HALF_PT)
            is_inside = inside[0] <= box[0] and inside[1] <= box[1]
            is_inside = is_inside and box[2] <= inside[2] and box[3] <= inside[3]
            if not is_inside or any(_meetings([box], each) for each in (covered, texts, leaders)):
                continue
            leader = []
            if radius > _CLOSE_PT:
                leader = [_around(x, y, 0.5) for x, y in _along(np.array([point, place]))[3:-1]]
            crossed = _meetings(leader, texts) + _meetings(leader, leaders)
            cost = radius + 100 * crossed + 3 * _meetings(leader, covered)
            yield _Place(cost, radius, place, box, leader)


def _around(x: float, y: float, reach: float) -> Box:
    return x - reach, y - reach, x + reach, y + reach


def _along(corners: np.ndarray) -> np.ndarray:
    """Return places along a line, two points apart, [n, 2]."""
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    far = np.concatenate([[0], np.cumsum(lengths)])
    places = np.arange(0, far[-1] + 1, 2.0)
    return np.stack([np.interp(places, far, corner) for corner in corners.T], axis=1)


def _meetings(boxes: Sequence[Box], others: Sequence[Box] | np.ndarray) -> int:
    """Return the number of pairs that overlap."""
    a, b = np.reshape(boxes, (-1, 1, 4)), np.reshape(others, (1, -1, 4))
    apart = (a[..., 0] > b[..., 2]) | (b[..., 0] > a[..., 2])
    apart |= (a[..., 1] > b[..., 3]) | (b[..., 1] > a[..., 3])
    return int(np.sum(~apart))
