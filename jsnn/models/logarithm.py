"""Mean of 1/x, a logarithm, with the same bits in an array of any shape."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.exponential import LN2_HIGH
from jsnn.models.rounding import product

_ROOT_OF_HALF = int(np.float32(np.sqrt(0.5)).view(np.int32))


def mean_inverse(r: jax.Array) -> jax.Array:
    """Return the mean of 1/x from r to 1, ln(r) / (r - 1), which is 1 if r = 1.

    The result is accurate, and its derivative too, however near r and 1 are. XLA's own float32
    logarithm takes another routine for the last elements of some short arrays. r is a normal number
    below 1.4.
    """
    power, m = _power_and_rest(r)
    at_one = product(2, _half_mean_inverse(m))
    ln = product(power, math.log(2) - LN2_HIGH) + product(at_one, m - 1) + product(power, LN2_HIGH)
    return jnp.where(power < 0, product(ln, 1 / (jnp.minimum(r, 0.9) - 1)), at_one)


def _power_and_rest(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return p and m with x = m 2^p, for m from sqrt(1/2) to sqrt(2)."""
    bits = jax.lax.bitcast_convert_type
    power = (bits(x.astype(jnp.float32), jnp.int32) - _ROOT_OF_HALF) >> 23
    inverse = bits((127 - power) << 23, jnp.float32).astype(x.dtype)  # 2^-p
    return power.astype(x.dtype), product(x, inverse)


def _half_mean_inverse(m: jax.Array) -> jax.Array:
    """Return ln(m) / (2 (m - 1)) by the series of atanh(s), for which ln(m) = 2 atanh(s)."""
    s = product(m - 1, 1 / (m + 1))
    series = jnp.zeros_like(m)
    for k in reversed(range(11)):
        series = product(series, product(s, s)) + 1 / (2 * k + 1)
    return product(series, 1 / (m + 1))
