"""Exponential function with the same bits in an array of any shape."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.rounding import product

_LOG2_E = math.log2(math.e)
LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4  # their sum is ln 2; the first has few digits
_COEFFICIENTS = (
    *(1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3),
    *(4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
)
_LOWEST, _HIGHEST = -87.33654, 88.72283
"""The numbers x between which exp(x) is a normal float32."""
_TO_LAST_BITS = 1.5 * 2.0**23
"""A float32 that has a whole number in its last bits once that is added, if it is below 2^22."""


@jax.custom_jvp
def exp(x: jax.Array) -> jax.Array:
    """Exponentiate, with the same bits in an array of any shape on the CPU.

    XLA's own float32 exponential takes another routine for the last elements of some short arrays
    (of 3, 5 or 13 elements, for example), so a neuron in a batch would get other bits than the same
    neuron alone. The error is below 2 units in the last place. exp(x) below 1.2e-38 is 0. Range
    reduction and polynomial are those of S. Moshier's Cephes library (expf).
    """
    if x.dtype != np.float32:
        return jnp.exp(x)
    power = jnp.floor(product(x, _LOG2_E) + 0.5)
    r = x - product(power, LN2_HIGH) - product(power, _LN2_LOW)
    polynomial = jnp.full_like(r, _COEFFICIENTS[0])
    for coefficient in _COEFFICIENTS[1:]:
        polynomial = product(polynomial, r) + coefficient
    result = _times_power_of_2(product(product(polynomial, r), r) + r + 1, power)
    beyond = jnp.where(x < _LOWEST, 0, jnp.where(x > _HIGHEST, jnp.inf, x))  # NaN stays
    return jnp.where((x >= _LOWEST) & (x <= _HIGHEST), result, beyond)


def _times_power_of_2(y: jax.Array, power: jax.Array) -> jax.Array:
    """Return y 2^power, both normal, by a change of the exponent; `power` is a whole number."""
    bits = jax.lax.bitcast_convert_type
    exponent = bits(power + _TO_LAST_BITS, jnp.int32) << 23  # the other bits leave the number
    return bits(bits(y, jnp.int32) + exponent, jnp.float32)


@exp.defjvp
def _exp_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    y = exp(*primals)
    return y, y * tangents[0]


def decay(tau: jax.Array, dt: jax.Array) -> jax.Array:
    """Return exp(-dt/τ), the part of x that is left after dt if τ dx/dt = -x."""
    return exp(-product(dt, 1 / tau))


@partial(jax.jit, inline=True)  # traced once for all parameters
def mean_exp(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the mean of exp from a to b, (exp(a) - exp(b)) / (a - b), which is exp(a) if a = b.

    The result is accurate, and its derivatives too, however near a and b are.
    """
    z = a - b
    is_near = jnp.abs(z) < 1
    series = jnp.zeros_like(z)
    for coefficient in _MEAN_EXP:
        series = product(series, jnp.where(is_near, z, 0)) + coefficient
    apart = product(exp(a) - exp(b), 1 / jnp.where(is_near, 1, z))
    return jnp.where(is_near, product(exp(b), series), apart)


_MEAN_EXP = tuple(1 / math.factorial(k + 1) for k in reversed(range(18)))
"""Coefficients of (exp(z) - 1) / z as a series, the highest power first; enough for |z| < 1."""
