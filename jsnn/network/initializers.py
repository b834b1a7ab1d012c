"""Initializers: distributions that weights, delays and initial values are drawn from.

An initializer is a function (key, shape, dtype) -> array that draws every number independently.
The initializers of this module are hashable, and equal if they draw alike. Their shape may be one
integer, and their dtype is float32 (float64 with `jax_enable_x64`) unless given. The same key draws
the same numbers.

    weights = initializers.normal(0.5, 0.1)(key, (100, 10))
    potentials = initializers.uniform(-70, -50)(key, 100)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import finite_number, real_number

_WIDEST = 10
"""In standard deviations: bounds further from the mean leave too little to draw from."""

Initializer = Callable[[jax.Array, tuple[int, ...], Any], jax.Array]
"""(key, shape, dtype) -> array."""


@dataclass(frozen=True)
class _Drawn:
    """The function `draw` with its parameters given."""

    draw: Callable[..., jax.Array]
    parameters: tuple[float, ...]

    def __call__(
        self, key: jax.Array, shape: int | tuple[int, ...], dtype: Any = None
    ) -> jax.Array:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self.draw(key, shape, dtype or jnp.result_type(float), *self.parameters)


def constant(value: float) -> Initializer:
    """Every number is `value`."""
    return _Drawn(_constant, (finite_number(value, "constant, value"),))


def uniform(low: float, high: float) -> Initializer:
    """Uniform on [low, high)."""
    low = finite_number(low, "uniform, low")
    return _Drawn(_uniform, (low, finite_number(high, "uniform, high", least=low)))


def normal(mean: float, sd: float) -> Initializer:
    """Normal with this mean and standard deviation, sd >= 0."""
    mean = finite_number(mean, "normal, mean")
    return _Drawn(_normal, (mean, finite_number(sd, "normal, sd", least=0)))


def clipped_normal(mean: float, sd: float, low: float, high: float) -> Initializer:
    """Normal, redrawn until it lies in [low, high]: a truncated normal (GeNN's "NormalClipped").

    Drawn by inverting the cumulative distribution. `low` and `high` may be infinite; a bound that
    cuts off more than the half may lie up to 10 standard deviations from the mean.

    Raises ValueError where low >= high, sd <= 0, or the bounds are too far from the mean.
    """
    mean = finite_number(mean, "clipped_normal, mean")
    sd = _positive(sd, "clipped_normal, sd")
    low, high = real_number(low, "clipped_normal, low"), real_number(high, "clipped_normal, high")
    if not low < high:
        raise ValueError(f"clipped_normal: given bounds {low} and {high}; expected low < high")
    nearest = max(low - mean, mean - high, 0) / sd
    if nearest > _WIDEST:
        raise ValueError(
            f"clipped_normal: given bounds {low} and {high}, {nearest:.3g} standard deviations "
            f"from the mean {mean}; expected at most {_WIDEST}"
        )
    return _Drawn(_clipped_normal, (mean, sd, low, high))


def exponential(mean: float) -> Initializer:
    """Exponential with this mean > 0."""
    return _Drawn(_exponential, (_positive(mean, "exponential, mean"),))


def gamma(shape: float, scale: float) -> Initializer:
    """Gamma with this shape > 0 and scale > 0: mean shape * scale, variance shape * scale ** 2."""
    return _Drawn(_gamma, (_positive(shape, "gamma, shape"), _positive(scale, "gamma, scale")))


def as_initializer(given: Any, what: str) -> Initializer:
    """A number as a constant, an initializer as it is, or an error that names `what`."""
    if callable(given):
        return given
    if np.ndim(given) == 0:
        return _Drawn(_constant, (finite_number(given, what),))
    raise TypeError(
        f"{what}: given an array of shape {np.shape(given)}; expected a number or an initializer"
    )


def _constant(key: jax.Array, shape: tuple[int, ...], dtype: Any, value: float) -> jax.Array:
    return jnp.full(shape, value, dtype)


def _uniform(
    key: jax.Array, shape: tuple[int, ...], dtype: Any, low: float, high: float
) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, low, high)


def _normal(
    key: jax.Array, shape: tuple[int, ...], dtype: Any, mean: float, sd: float
) -> jax.Array:
    return mean + sd * jax.random.normal(key, shape, dtype)


def _clipped_normal(
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Any,
    mean: float,
    sd: float,
    low: float,
    high: float,
) -> jax.Array:
    # Probabilities near 0 are finer in floating point than those near 1, so the farther tail is
    # turned to the left.
    sign = -1 if low - mean > mean - high else 1
    left, right = sorted((sign * (low - mean) / sd, sign * (high - mean) / sd))
    below_left, below_right = _standard_normal_cdf(left), _standard_normal_cdf(right)
    middle_of_cell = float(jnp.finfo(dtype).eps) / 2  # never 0, of which the quantile is infinite
    between = jax.random.uniform(key, shape, dtype) + middle_of_cell
    below = below_left + (below_right - below_left) * between
    quantile = jax.scipy.special.ndtri(below)
    return jnp.clip(mean + sign * sd * quantile, low, high)


def _standard_normal_cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _exponential(key: jax.Array, shape: tuple[int, ...], dtype: Any, mean: float) -> jax.Array:
    return mean * jax.random.exponential(key, shape, dtype)


def _gamma(
    key: jax.Array, shape: tuple[int, ...], dtype: Any, gamma_shape: float, scale: float
) -> jax.Array:
    return scale * jax.random.gamma(key, gamma_shape, shape, dtype)


def _positive(value: Any, what: str) -> float:
    number = finite_number(value, what)
    if number <= 0:
        raise ValueError(f"{what}: given {number}; expected a number > 0")
    return number
