"""Thresholds and resets that the spiking neurons of NIR share."""

import jax
import jax.numpy as jnp

from jsnn.models import Quantity
from jsnn.models.model import Values

FIRING_PARAMS = {"v_threshold": Quantity(1.0), "v_reset": Quantity(0.0)}


def above(v: jax.Array, threshold: jax.Array) -> jax.Array:
    """Return V - threshold as a margin, which is below 0 where they are equal.

    A neuron spikes at a margin >= 0, and in NIR at V > threshold.
    """
    just_below = -jnp.finfo(v.dtype).tiny
    return jnp.where(v > threshold, v - threshold, jnp.minimum(v - threshold, just_below))


def threshold(p: Values, x: Values) -> jax.Array:
    """Return the margin of V > v_threshold."""
    return above(x["v"], p["v_threshold"])


def threshold_reached(p: Values, x: Values) -> jax.Array:
    """Return the margin of V >= v_threshold."""
    return x["v"] - p["v_threshold"]


def threshold_of_step_before(p: Values, x: Values) -> jax.Array:
    """Return the margin of V > v_threshold for the V of the step before."""
    return above(x["v_before"], p["v_threshold"])


def height(p: Values) -> jax.Array:
    """Return the distance from reset to threshold: the unit of a margin."""
    return jnp.abs(p["v_threshold"] - p["v_reset"])


def to_v_reset(p: Values, x: Values) -> Values:
    """Set V to v_reset."""
    return x | {"v": p["v_reset"]}


def by_height(p: Values, x: Values) -> Values:
    """Subtract the distance from reset to threshold from V."""
    return x | {"v": x["v"] - (p["v_threshold"] - p["v_reset"])}
