"""Space: positions of neurons, distances between them, and profiles over distance.

Positions are float64 [N, d], in any unit of length, in d = 1, 2 or 3 dimensions. A profile turns
distances into probabilities, weights or delays; `jsnn.by_distance` joins neurons with them.

    positions = spatial.grid((20, 20), extent=(1.0, 1.0))
    p = spatial.gaussian(peak=0.8, sd=0.1)
    synapses = jsnn.by_distance(key, positions, positions, p, weight=0.1, period=1.0)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jsnn._checks import finite_number, host_array, positive_int
from jsnn.network.initializers import check_host_key, generator

Array = np.ndarray[Any, Any]

_MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class Profile:
    """A number that depends on the distance between two neurons.

    Attributes:
      function: turns distances, float64 [n], into numbers [n], each by itself, since distances
        come in blocks; it works with NumPy.
      parameters: what the function takes after the distances.
    """

    function: Callable[..., Any]
    parameters: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(
                f"Profile, function: given {type(self.function).__name__}; expected a function of "
                "distances"
            )

    def __call__(self, distances: Array) -> Any:
        return self.function(distances, *self.parameters)

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function)).removeprefix("_")
        return f"{name}({', '.join(f'{number:g}' for number in self.parameters)})"


def gaussian(peak: float, sd: float) -> Profile:
    """Fall from `peak` at distance 0 as a Gaussian: peak exp(-distance² / (2 sd²)).

    Raises:
      ValueError: if sd <= 0, or a number is not finite.
    """
    return Profile(_gaussian, (finite_number(peak, "gaussian, peak"), _length(sd, "gaussian, sd")))


def exponential(peak: float, scale: float) -> Profile:
    """Fall from `peak` at distance 0 exponentially: peak exp(-distance / scale).

    Raises:
      ValueError: if scale <= 0, or a number is not finite.
    """
    peak = finite_number(peak, "exponential, peak")
    return Profile(_exponential, (peak, _length(scale, "exponential, scale")))


def linear(at_zero: float, slope: float) -> Profile:
    """Change from `at_zero` at distance 0 linearly: at_zero + slope distance.

    A delay with a speed of conduction in length per ms is `linear(1, 1 / (speed * dt))`, in steps.

    Raises:
      ValueError: if a number is not finite.
    """
    parameters = finite_number(at_zero, "linear, at_zero"), finite_number(slope, "linear, slope")
    return Profile(_linear, parameters)


def grid(shape: Sequence[int], extent: Sequence[float]) -> Array:
    """Put neurons into the middles of the cells of a grid, which fills a box from 0 to `extent`.

    Neurons are numbered row by row: the last axis runs fastest.

    Args:
      shape: the number of cells along each of 1 to 3 axes.
      extent: the length of the box along each axis.

    Returns:
      The positions, [N, d], N being the product of `shape`.

    Raises:
      TypeError: if a number of cells is not an integer, or a length not a number.
      ValueError: if there are other numbers of axes, or a number is not above 0.
    """
    lengths = _lengths(extent, "grid, extent")
    if not isinstance(shape, Sequence) or len(shape) != len(lengths):
        raise ValueError(
            f"grid, shape: given {shape!r} for an extent along {len(lengths)} axes; expected a "
            "number of cells for each axis"
        )
    cells = tuple(positive_int(number, "grid, shape") for number in shape)
    middles = np.indices(cells).reshape(len(cells), -1).T + 0.5
    return middles * (lengths / cells)


def free(key: jax.Array, num: int, extent: Sequence[float]) -> Array:
    """Put neurons anywhere in a box from 0 to `extent`, independently and uniformly.

    Args:
      key: from `jax.random.key(seed)`.
      num: the number of neurons.
      extent: the length of the box along each of 1 to 3 axes.

    Returns:
      The positions, [num, d].

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if there are other numbers of axes, or a number is not above 0.
    """
    check_host_key(key, "free, key", "positions")
    num = positive_int(num, "free, num")
    lengths = _lengths(extent, "free, extent")
    return generator(key).random((num, len(lengths))) * lengths


def distance(a: Any, b: Any, period: float | Sequence[float] | None = None) -> Array:
    """Return the Euclidean distances between positions [..., d] and [..., d], which broadcast.

    Args:
      a: positions.
      b: positions of as many dimensions.
      period: the length of the box along each axis, or one for all, if its boundaries are periodic:
        neurons at opposite sides are neighbours.

    Raises:
      TypeError: if positions are not numbers.
      ValueError: if positions are of other dimensions, or are NaN or infinite, or a period is not
        above 0.
    """
    a, b = _coordinates(a, "distance, a"), _coordinates(b, "distance, b")
    _check_as_many_axes(a, b, "distance, b")
    return distances(a, b, checked_period(period, a.shape[-1], "distance, period"))


def distances(a: Array, b: Array, period: Array | None) -> Array:
    """Return the distances between checked positions, axis after axis to save memory."""
    squares = np.zeros(np.broadcast_shapes(a.shape[:-1], b.shape[:-1]))
    for axis in range(a.shape[-1]):
        apart = a[..., axis] - b[..., axis]
        if period is not None:
            apart -= period[axis] * np.rint(apart / period[axis])
        squares += apart * apart
    return np.sqrt(squares, out=squares)


def checked_pair(pre: Any, post: Any, what: str) -> tuple[Array, Array]:
    """Return the positions of two populations as float64 [N, d], with one d.

    Raises:
      TypeError: if they are not numbers.
      ValueError: if they have another shape, or are NaN or infinite.
    """
    a = _positions(pre, f"{what}, pre_positions")
    b = _positions(post, f"{what}, post_positions")
    _check_as_many_axes(a, b, f"{what}, post_positions")
    return a, b


def checked_period(given: Any, num_axes: int, what: str) -> Array | None:
    """Return a period for each axis, float64 [d]; None if there is none.

    Raises:
      TypeError: if a period is not a number.
      ValueError: if there are other numbers of axes, or a period is not above 0.
    """
    if given is None:
        return None
    each = [given] * num_axes if np.ndim(given) == 0 else given
    lengths = _lengths(each, what)
    if len(lengths) != num_axes:
        raise ValueError(
            f"{what}: given {len(lengths)} for positions of {num_axes} dimensions; expected as "
            "many, or one number"
        )
    return lengths


def _positions(given: Any, what: str) -> Array:
    positions = _coordinates(given, what)
    if positions.ndim != 2 or not len(positions):
        raise ValueError(
            f"{what}: given shape {positions.shape}; expected [N, d], a row for each neuron"
        )
    return positions


def _coordinates(given: Any, what: str) -> Array:
    values = host_array(given, what)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{what}: given {values.dtype}; expected numbers")
    if values.ndim == 0 or not 1 <= values.shape[-1] <= _MOST_DIMENSIONS:
        raise ValueError(
            f"{what}: given shape {values.shape}; expected 1 to {_MOST_DIMENSIONS} coordinates in "
            "the last axis"
        )
    positions = values.astype(np.float64)
    if not np.isfinite(positions).all():
        raise ValueError(f"{what}: given NaN or infinite coordinates; expected finite ones")
    return positions


def _check_as_many_axes(a: Array, b: Array, what: str) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"{what}: given {b.shape[-1]} dimensions for positions of {a.shape[-1]}; expected as "
            "many"
        )


def _lengths(given: Any, what: str) -> Array:
    """Return the length of a box along each axis, float64 [d]."""
    if np.ndim(given) != 1 or not 1 <= len(given) <= _MOST_DIMENSIONS:
        raise ValueError(
            f"{what}: given {given!r}; expected lengths along 1 to {_MOST_DIMENSIONS} axes"
        )
    return np.array([_length(each, what) for each in given])


def _length(given: Any, what: str) -> float:
    length = finite_number(given, what)
    if length <= 0:
        raise ValueError(f"{what}: given {length}; expected a length > 0")
    return length


def _gaussian(distances: Array, peak: float, sd: float) -> Array:
    return peak * np.exp(-((distances / sd) ** 2) / 2)


def _exponential(distances: Array, peak: float, scale: float) -> Array:
    return peak * np.exp(-distances / scale)


def _linear(distances: Array, at_zero: float, slope: float) -> Array:
    return at_zero + slope * distances
