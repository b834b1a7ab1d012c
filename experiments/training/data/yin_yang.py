"""Yin-Yang: points of the plane in three classes, yin, yang and the dots.

Kriener, Göltz & Petrovici 2022, "The Yin-Yang dataset", NICE. The points come in the
order of the published generator, from NumPy's legacy random numbers of the seed.
"""

from typing import NamedTuple

import numpy as np

YIN, YANG, DOTS = range(3)


class Points(NamedTuple):
    """Labelled points.

    Attributes:
      values: float64 [n, 4], (x, y, 1 - x, 1 - y), from 0 to 1.
      labels: int32 [n], 0 for yin, 1 for yang and 2 for the dots.
    """

    values: np.ndarray
    labels: np.ndarray


def yin_yang(num_points: int, seed: int, *, r_small: float = 0.1, r_big: float = 0.5) -> Points:
    """Draw points, the classes with equal probability.

    The paper trains on 5,000 points of seed 42, chooses on 1,000 of seed 41, and tests on 1,000 of
    seed 40. A point is drawn anew until it lies in the figure and has the class drawn for it.

    Args:
      num_points: n.
      seed: of the random numbers.
      r_small: the radius of a dot.
      r_big: the radius of the figure.
    """
    random = np.random.RandomState(seed)
    values, labels = np.empty((num_points, 4)), np.empty(num_points, np.int32)
    for i in range(num_points):
        labels[i] = random.randint(3)
        while True:
            x, y = random.rand(2) * 2 * r_big
            in_figure = np.hypot(x - r_big, y - r_big) <= r_big
            if in_figure and class_of(x, y, r_small=r_small, r_big=r_big) == labels[i]:
                break
        values[i] = x, y, 1 - x, 1 - y
    return Points(values, labels)


def class_of(
    x: np.ndarray, y: np.ndarray, *, r_small: float = 0.1, r_big: float = 0.5
) -> np.ndarray:
    """Return the classes of points of the figure, as `Points.labels`, of the shape of x and y."""
    of_right = np.hypot(x - 1.5 * r_big, y - r_big)
    of_left = np.hypot(x - 0.5 * r_big, y - r_big)
    in_left_half_disc = of_left <= 0.5 * r_big
    above = (y > r_big) & (of_right > 0.5 * r_big)
    in_dots = (of_right <= r_small) | (of_left <= r_small)
    return np.where(in_dots, DOTS, np.where(in_left_half_disc | above, YANG, YIN))


def input_times(values: np.ndarray, first: float, last: float) -> np.ndarray:
    """Return the time of the spike of each value, [n, 4]: `first` for 0, `last` for 1."""
    return first + values * (last - first)
