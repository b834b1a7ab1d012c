"""Exponential traces of spikes, and which of the earlier spikes they stand for."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jsnn.models.model import Values

Seen = Callable[[jax.Array, jax.Array], jax.Array]
"""(trace before the spikes of this step, those spikes, 0 or 1) -> trace with them."""


def all_spikes(trace: jax.Array, spike: jax.Array) -> jax.Array:
    """x <- x + 1: every earlier spike counts, so that x = Σ exp(-(t - t_spike)/τ)."""
    return trace + spike


def nearest_spike(trace: jax.Array, spike: jax.Array) -> jax.Array:
    """x <- 1: only the last spike counts, so that x = exp(-(t - t_last)/τ)."""
    return jnp.maximum(trace, spike)


def decaying(tau: str) -> Callable[[Values, Values, jax.Array], Values]:
    """τ dx/dt = -x for the trace of each neuron, τ being the parameter of that name, in ms."""

    def update(p: Values, x: Values, dt: jax.Array) -> Values:
        return {"trace": x["trace"] * jnp.exp(-dt / p[tau])}

    return update


def counting(seen: Seen) -> Callable[[Values, Values], Values]:
    """What a spike of a neuron does to its own trace."""

    def spike(p: Values, x: Values) -> Values:
        return {"trace": seen(x["trace"], jnp.ones_like(x["trace"]))}

    return spike


def bounded(p: Values, weight: jax.Array) -> jax.Array:
    """The weight kept from w_min to w_max."""
    return jnp.clip(weight, p["w_min"], p["w_max"])
