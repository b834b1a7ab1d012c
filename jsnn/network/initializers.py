"""Initializers: distributions of weights, delays and initial values.

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
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import (
    check_key,
    finite_number,
    is_concrete,
    positive_int,
    probability,
    real_number,
)

_WIDEST = 10
"""Most standard deviations from the mean to a bound; beyond, too little is left to draw from."""
_LEAST_ACCEPTED = 0.25
"""Least probability within the bounds for which numbers are redrawn until they lie there."""

Initializer = Callable[[jax.Array, tuple[int, ...], Any], jax.Array]
"""A function (key, shape, dtype) -> array."""


@dataclass(frozen=True)
class _Drawn:
    """A distribution with its parameters given.

    `draw` takes (key, shape, dtype, *parameters). `draw_on_host`, which the builders of synapses
    use, takes (NumPy generator, size, dtype, *parameters), and compiles nothing; None if there is
    none for these parameters. All numbers lie within `bounds`.
    """

    draw: Callable[..., jax.Array]
    draw_on_host: Callable[..., np.ndarray[Any, Any]] | None
    parameters: tuple[float, ...]
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def __call__(
        self, key: jax.Array, shape: int | tuple[int, ...], dtype: Any = None
    ) -> jax.Array:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self.draw(key, shape, dtype or jnp.result_type(float), *self.parameters)

    def __repr__(self) -> str:
        name = self.draw.__name__.removeprefix("_")
        return f"{name}({', '.join(f'{number:g}' for number in self.parameters)})"


def constant(value: float) -> Initializer:
    """Give every number the same value."""
    return _constant_of(finite_number(value, "constant, value"))


def uniform(low: float, high: float) -> Initializer:
    """Draw from the uniform distribution on [low, high).

    Raises:
      ValueError: if high < low, or a bound is not finite.
    """
    low = finite_number(low, "uniform, low")
    high = finite_number(high, "uniform, high", least=low)
    return _Drawn(_uniform, _uniform_on_host, (low, high), (low, high))


def normal(mean: float, sd: float) -> Initializer:
    """Draw from the normal distribution with a mean and a standard deviation.

    Raises:
      ValueError: if sd < 0, or a number is not finite.
    """
    mean = finite_number(mean, "normal, mean")
    sd = finite_number(sd, "normal, sd", least=0)
    return _Drawn(_normal, _normal_on_host, (mean, sd))


def clipped_normal(mean: float, sd: float, low: float, high: float) -> Initializer:
    """Draw from a normal distribution truncated to [low, high] (GeNN's "NormalClipped").

    The numbers are distributed like those of `normal` if they are redrawn until they lie within the
    bounds. They are drawn by inverting the cumulative distribution; the builders of synapses redraw
    unless little lies within the bounds. `low` and `high` may be infinite; a bound that cuts off
    more than half of the distribution may lie up to 10 standard deviations from the mean.

    Raises:
      ValueError: if low >= high, sd <= 0, or the bounds are too far from the mean.
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
    below_low, below_high = (_standard_normal_cdf((x - mean) / sd) for x in (low, high))
    redraw = _clipped_normal_on_host if below_high - below_low >= _LEAST_ACCEPTED else None
    return _Drawn(_clipped_normal, redraw, (mean, sd, low, high), (low, high))


def exponential(mean: float) -> Initializer:
    """Draw from the exponential distribution with a mean > 0.

    Raises:
      ValueError: if mean <= 0.
    """
    return _Drawn(_exponential, _exponential_on_host, (_positive(mean, "exponential, mean"),))


def gamma(shape: float, scale: float) -> Initializer:
    """Draw from the gamma distribution: mean shape * scale, variance shape * scale ** 2.

    Raises:
      ValueError: if shape <= 0 or scale <= 0.
    """
    parameters = _positive(shape, "gamma, shape"), _positive(scale, "gamma, scale")
    return _Drawn(_gamma, _gamma_on_host, parameters)


def binomial(n: int, p: float) -> Initializer:
    """Draw the number of successes in `n` trials, of probability `p` each.

    Every number is drawn by inverting the cumulative distribution. What lies further from the mean
    than 12 standard deviations and 12 successes is left out.

    Args:
      n: the number of trials, up to 2^24, which float32 counts to.
      p: the probability, in [0, 1].

    Raises:
      TypeError: if n is not an integer, or p is not a number.
      ValueError: if n is outside 0 to 2^24, or p outside [0, 1].
    """
    n = positive_int(n, "binomial, n", least=0, most=2**24)
    return _Drawn(_binomial, _binomial_on_host, (n, probability(p, "binomial, p")), (0, n))


def as_initializer(given: Any, what: str) -> Initializer:
    """Return an initializer as it is, and a number as a constant initializer.

    Raises:
      TypeError: if `given` is neither; the message names `what`.
    """
    if callable(given):
        return given
    if np.ndim(given) == 0:
        return _constant_of(finite_number(given, what))
    raise TypeError(
        f"{what}: given an array of shape {np.shape(given)}; expected a number or an initializer"
    )


def draw_on_host(
    initializer: Initializer, rng: np.random.Generator, size: int, dtype: np.dtype[Any]
) -> np.ndarray[Any, Any] | None:
    """Draw [size] numbers with NumPy; return None if only JAX can draw them."""
    if not isinstance(initializer, _Drawn) or initializer.draw_on_host is None:
        return None
    return initializer.draw_on_host(rng, size, dtype, *initializer.parameters)


def bounds_of(initializer: Initializer) -> tuple[float, float]:
    """Return bounds within which an initializer draws; infinite ones if none are known."""
    return initializer.bounds if isinstance(initializer, _Drawn) else (-math.inf, math.inf)


def check_host_key(key: Any, what: str, drawn: str, hint: str = "") -> None:
    """Check the key of what is drawn on the host.

    Raises:
      TypeError: if it is not a typed PRNG key, or is traced.
      ValueError: if there are several.
    """
    check_key(key, what)
    if not is_concrete(key):
        raise TypeError(
            f"{what}: given a traced key; expected a concrete one, since {drawn} are drawn on the "
            f"host{hint}"
        )


def generator(key: jax.Array) -> np.random.Generator:
    """Return a generator with a seed from a key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())


def _constant_of(value: float) -> Initializer:
    return _Drawn(_constant, _constant_on_host, (value,), (value, value))


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
    # Floating point resolves probabilities near 0 more finely than those near 1, so the tail that
    # is farther from the mean is turned to the left.
    sign = -1 if low - mean > mean - high else 1
    left, right = sorted((sign * (low - mean) / sd, sign * (high - mean) / sd))
    below_left, below_right = _standard_normal_cdf(left), _standard_normal_cdf(right)
    middle_of_cell = float(jnp.finfo(dtype).eps) / 2  # the quantile of 0 would be infinite
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


def _binomial(key: jax.Array, shape: tuple[int, ...], dtype: Any, n: int, p: float) -> jax.Array:
    fewest, below = _binomial_cdf(n, p)
    between = jax.random.uniform(key, shape, dtype)
    drawn = jnp.searchsorted(jnp.asarray(below, dtype), between, side="right", method="scan")
    return (fewest + drawn).astype(dtype)


@lru_cache
def _binomial_cdf(n: int, p: float) -> tuple[int, np.ndarray[Any, Any]]:
    """Return a number of successes, and the cumulative distribution from there on.

    The last entry, 1, is left out.
    """
    sd = math.sqrt(n * p * (1 - p))
    reach = 12 * (sd + 1) if sd else 0
    fewest, most = max(math.floor(n * p - reach), 0), min(math.ceil(n * p + reach), n)
    number = np.arange(fewest, most)
    log_odds = math.log(p / (1 - p)) if sd else 0
    log_ratios = np.log(n - number) - np.log(number + 1) + log_odds
    logs = np.cumsum(np.append(0, log_ratios))
    cdf = np.cumsum(np.exp(logs - logs.max()))
    return fewest, cdf[:-1] / cdf[-1]


def _constant_on_host(
    rng: np.random.Generator, size: int, dtype: Any, value: float
) -> np.ndarray[Any, Any]:
    return np.full(size, value, dtype)


def _uniform_on_host(
    rng: np.random.Generator, size: int, dtype: Any, low: float, high: float
) -> np.ndarray[Any, Any]:
    drawn = _scaled(rng.random(size, dtype), high - low, low)
    below_high = np.nextafter(np.asarray(high, dtype), np.asarray(low, dtype))
    return np.minimum(drawn, below_high, out=drawn)  # the sum may have been rounded to `high`


def _normal_on_host(
    rng: np.random.Generator, size: int, dtype: Any, mean: float, sd: float
) -> np.ndarray[Any, Any]:
    return _scaled(rng.standard_normal(size, dtype), sd, mean)


def _clipped_normal_on_host(
    rng: np.random.Generator,
    size: int,
    dtype: Any,
    mean: float,
    sd: float,
    low: float,
    high: float,
) -> np.ndarray[Any, Any]:
    drawn = _normal_on_host(rng, size, dtype, mean, sd)
    again = np.flatnonzero((drawn < low) | (drawn > high))
    while again.size:
        redrawn = _normal_on_host(rng, again.size, dtype, mean, sd)
        drawn[again] = redrawn
        again = again[(redrawn < low) | (redrawn > high)]
    return drawn


def _exponential_on_host(
    rng: np.random.Generator, size: int, dtype: Any, mean: float
) -> np.ndarray[Any, Any]:
    return _scaled(rng.standard_exponential(size, dtype), mean)


def _gamma_on_host(
    rng: np.random.Generator, size: int, dtype: Any, gamma_shape: float, scale: float
) -> np.ndarray[Any, Any]:
    return _scaled(rng.standard_gamma(gamma_shape, size, dtype), scale)


def _binomial_on_host(
    rng: np.random.Generator, size: int, dtype: Any, n: int, p: float
) -> np.ndarray[Any, Any]:
    return rng.binomial(n, p, size).astype(dtype)


def _scaled(
    numbers: np.ndarray[Any, Any], scale: float, offset: float = 0.0
) -> np.ndarray[Any, Any]:
    """Return scale * numbers + offset, in the memory of `numbers`."""
    numbers *= scale
    numbers += offset
    return numbers


def _positive(value: Any, what: str) -> float:
    number = finite_number(value, what)
    if number <= 0:
        raise ValueError(f"{what}: given {number}; expected a number > 0")
    return number
