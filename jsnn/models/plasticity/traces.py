"""Exponential traces of spikes.

The classes here are functions that compare by value, so a model made of them can be pickled and is
equal to its copy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay
from jsnn.models.model import Values
from jsnn.models.rounding import product

Seen = Callable[[jax.Array, jax.Array], jax.Array]
"""A function (trace before the spikes of this step, the spikes, 0 or 1) -> trace with them."""


def all_spikes(trace: jax.Array, spike: jax.Array) -> jax.Array:
    """Count every spike, x <- x + 1, so that x = Σ exp(-(t - t_spike)/τ)."""
    return trace + spike


def nearest_spike(trace: jax.Array, spike: jax.Array) -> jax.Array:
    """Count the last spike only, x <- 1, so that x = exp(-(t - t_last)/τ)."""
    return jnp.maximum(trace, spike)


@dataclass(frozen=True)
class Decay:
    """Exponential decay of the trace of each neuron, τ dx/dt = -x.

    Attributes:
      tau: the name of the parameter τ, in ms.
    """

    tau: str

    def __call__(self, p: Values, x: Values, dt: jax.Array) -> Values:
        return {"trace": product(x["trace"], decay(p[self.tau], dt))}


@dataclass(frozen=True)
class Count:
    """The effect of a spike of a neuron on its own trace."""

    seen: Seen

    def __call__(self, p: Values, x: Values) -> Values:
        return {"trace": self.seen(x["trace"], jnp.ones_like(x["trace"]))}


def bounded(p: Values, weight: jax.Array) -> jax.Array:
    """Clip a weight to w_min and w_max."""
    return jnp.clip(weight, p["w_min"], p["w_max"])
