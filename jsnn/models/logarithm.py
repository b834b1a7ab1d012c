"""Natural logarithm with the same bits in an array of any shape."""

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.exponential import LN2_HIGH, LN2_LOW
from jsnn.models.rounding import product

_ROOT_OF_HALF = int(np.float32(np.sqrt(0.5)).view(np.int32))


@jax.custom_jvp
def log(x: jax.Array) -> jax.Array:
    """Return ln x for normal x > 0, with the same bits in an array of any shape on the CPU.

    XLA's own float32 logarithm takes another routine for the last elements of some short arrays.
    The error is below 2 units in the last place.
    """
    if x.dtype != np.float32:
        return jnp.log(x)
    bits = jax.lax.bitcast_convert_type
    power = (bits(x, jnp.int32) - _ROOT_OF_HALF) >> 23
    m = bits(bits(x, jnp.int32) - (power << 23), jnp.float32)  # x = m 2^power, m around 1
    of_power = power.astype(jnp.float32)
    of_m = product(product(2, m - 1), _atanh_over_s(m))
    return product(of_power, LN2_HIGH) + (product(of_power, LN2_LOW) + of_m)


@log.defjvp
def _log_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (x,) = primals
    return log(x), tangents[0] / x


def _atanh_over_s(r: jax.Array) -> jax.Array:
    """Return ln(r) / (2 (r - 1)) for r from 1/2 to 2, by the series of atanh(s)."""
    s = product(r - 1, 1 / (r + 1))
    series = jnp.zeros_like(r)
    for k in reversed(range(16)):
        series = product(series, product(s, s)) + 1 / (2 * k + 1)
    return product(series, 1 / (r + 1))


def mean_inverse(r: jax.Array) -> jax.Array:
    """Return the mean of 1/x from r to 1, ln(r) / (r - 1), which is 1 if r = 1.

    The result is accurate, and its derivative too, however near r and 1 are; r is at most 2.
    """
    is_near = r > 0.5
    near = product(2, _atanh_over_s(jnp.where(is_near, r, 1)))
    far = jnp.where(is_near, 0.5, r)
    return jnp.where(is_near, near, product(log(far), 1 / (far - 1)))
