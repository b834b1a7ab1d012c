"""Poisson numbers that depend on their own key, mean and place alone."""

import math

import jax
import jax.numpy as jnp

from jsnn.models.exponential import exp
from jsnn.models.random_words import random_words
from jsnn.models.rounding import product

_INVERTED = 4.0
"""The largest mean of which a number is drawn by one inversion; a power of 2."""
_MOST = 25
"""The largest number that an inversion draws; larger ones have probability 2e-13 at most."""
_SUMMED = 64.0
"""The largest mean of which a number is drawn as a sum of smaller ones."""

_Carry = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


def poisson(key: jax.Array, mean: jax.Array) -> jax.Array:
    """Draw a Poisson number for each neuron.

    Means up to 4 take one inversion. Means up to 64 take a sum of inversions, one for each 4, and
    larger means take rejection. Either is a loop that runs as long as some neuron needs another
    round, so a network pays for what its means ask for, also if they are traced and under `vmap`;
    rounds that other neurons need change nothing.

    Args:
      key: a typed PRNG key.
      mean: floats [N]. No gradient passes through.

    Returns:
      Whole numbers [N] in the dtype of `mean`; 0 for a mean below 0. An infinite mean or NaN is
      returned.
    """
    fixed = jnp.maximum(jax.lax.stop_gradient(mean), 0)
    finite = jnp.isfinite(fixed)
    large = finite & (fixed > _SUMMED)
    count = _sum_of_inversions(key, jnp.where(finite & ~large, fixed, 0))
    count = _by_rejection(key, jnp.where(large, fixed, 2 * _SUMMED), ~large, count)
    return jnp.where(finite, count, fixed)


def _sum_of_inversions(key: jax.Array, mean: jax.Array) -> jax.Array:
    """Add up Poisson numbers of means that add up to `mean`, [N].

    The first mean of a neuron is what multiples of the largest leave. Its exponential stands before
    the loop, so that XLA computes it once in a run if the rates are constant in time.
    """
    num_rounds = jnp.ceil(mean * (1 / _INVERTED))
    most_rounds = jnp.max(num_rounds, initial=0).astype(jnp.uint32)
    first = mean - _INVERTED * jnp.maximum(num_rounds - 1, 0)

    def add(carry: _Carry) -> _Carry:
        block, part, none, count = carry
        count = count + _by_inversion(random_words(key, mean.shape[0], block), part, none)
        goes_on = (block + 1).astype(mean.dtype) < num_rounds
        part = jnp.where(goes_on, _INVERTED, 0).astype(mean.dtype)
        none = jnp.where(goes_on, math.exp(-_INVERTED), 1).astype(mean.dtype)
        return block + 1, part, none, count

    start = (jnp.uint32(0), first, exp(-first), jnp.zeros_like(mean))
    return jax.lax.while_loop(lambda carry: carry[0] < most_rounds, add, start)[3]


def _by_inversion(
    words: tuple[jax.Array, jax.Array], mean: jax.Array, none: jax.Array
) -> jax.Array:
    """Count the n >= 0 for which a uniform number lies below P(more than n), [N].

    The probabilities are added up from the smallest, so those of rare numbers keep all their
    digits. The uniform number has 64 bits, of which it keeps the leading ones.

    Args:
      words: two words of random bits for each neuron, uint32 [N].
      mean: at most 4.
      none: exp(-mean).
    """
    uniform = _fraction(*words, mean.dtype)
    probability, probabilities = none, []
    for n in range(1, _MOST + 1):
        probability = product(probability, mean * (1 / n))
        probabilities.append(probability)
    more, count = jnp.zeros_like(mean), jnp.zeros(mean.shape, jnp.int32)
    for probability in reversed(probabilities):
        more = more + probability
        count = count + (uniform < more).astype(jnp.int32)
    return count.astype(mean.dtype)


def _by_rejection(
    key: jax.Array, mean: jax.Array, is_drawn: jax.Array, count: jax.Array
) -> jax.Array:
    """Draw the numbers that are not drawn yet, of means of at least 64, [N].

    This is transformed rejection, algorithm PTRS of Hoermann 1993, "The transformed rejection
    method for generating Poisson random variables". Numbers beyond a factor of 4 from the mean are
    rejected; they have probability 2e-13 at most.
    """
    root = jnp.sqrt(mean)
    b = 0.931 + product(2.53, root)
    a = -0.059 + product(0.02483, b)
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    whole = jnp.floor(mean)
    part = mean - whole

    def draw(carry: _Carry) -> _Carry:
        block, _, drawn, number = carry
        first, second = random_words(key, mean.shape[0], block)
        u = jax.lax.bitcast_convert_type(first, jnp.int32).astype(mean.dtype) * 2.0**-32
        v = second.astype(mean.dtype) * 2.0**-32
        to_edge = 0.5 - jnp.abs(u)
        shift = jnp.floor(product(2 * a / to_edge + b, u) + part + 0.43)
        proposed = whole + shift
        is_near = (proposed >= mean * 0.25) & (proposed <= mean * 4)
        candidate = jnp.where(is_near, proposed, mean)
        difference = jnp.where(is_near, shift - part, 0)
        hat = a / product(to_edge, to_edge) + b
        wanted = hat * exp(_log_of_shape(candidate, difference, mean))
        accepted = is_near & (v * inverse_alpha * jnp.sqrt(candidate) * _ROOT_2_PI <= wanted)
        number = jnp.where(drawn | ~accepted, number, proposed)
        drawn = drawn | accepted
        return block + 1, ~jnp.all(drawn), drawn, number

    start = (jnp.uint32(0), ~jnp.all(is_drawn), is_drawn, count)
    return jax.lax.while_loop(lambda carry: carry[1], draw, start)[3]


_ROOT_2_PI = math.sqrt(2 * math.pi)


def _log_of_shape(n: jax.Array, difference: jax.Array, mean: jax.Array) -> jax.Array:
    """Return log(P(n) sqrt(2 π n)) without the difference of large numbers, [N].

    After Loader 2000, "Fast and accurate computation of binomial probabilities".

    Args:
      n: numbers within a factor of 4 of the mean.
      difference: n - mean.
      mean: at least 64.
    """
    x = difference / (n + mean)
    square = product(x, x)
    series = jnp.full_like(x, 1 / 19)
    for odd in range(17, 2, -2):
        series = product(series, square) + 1 / odd
    deviance = product(difference, x) + product(product(n, 2 * x), product(square, series))
    inverse = 1 / n
    correction = product(inverse, 1 / 12 - product(product(inverse, inverse), 1 / 360))
    return -deviance - correction


def _fraction(high: jax.Array, low: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """Return (2^32 high + low) / 2^64, rounded once or twice."""
    return high.astype(dtype) * 2.0**-32 + low.astype(dtype) * 2.0**-64
