"""Current sources: what drives a population from outside besides the presentation's own input."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.model import Model, Values


@dataclass(frozen=True)
class SourceModel(Model):
    """A current source as one function over the N neurons of the population that it drives.

    Attributes:
      params: default parameters, a scalar each, for which a source may give a scalar or one value
        per neuron: the function sees `[N]`. A default of shape [K, 1] stands for a table: a
        source gives it any [K, N].
      variables: initial values, a scalar each; the function sees `[N]`.
      current: (params, variables, key, dt in ms) -> (new variables, current [N] in nA).
        `key` is a fresh PRNG key in every step, the same for a presentation whatever batch it is
        in.
    """

    current: Callable[[Values, Values, jax.Array, jax.Array], tuple[Values, jax.Array]]


def _constant(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    return x, p["magnitude"]


CONSTANT = SourceModel(params={"magnitude": 0.0}, variables={}, current=_constant)
"""I = magnitude, in nA (GeNN's "DC")."""


def _playback(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    num_rows = p["currents"].shape[0]
    row = x["step"][0]
    current = p["currents"][jnp.minimum(row, num_rows - 1)]
    return {"step": x["step"] + 1}, jnp.where(row < num_rows, current, 0)


PLAYBACK = SourceModel(params={"currents": ((0.0,),)}, variables={"step": 0}, current=_playback)
"""I(n) = currents[n] in step n, in nA, from a table [steps, N]; 0 once the table has ended.

The row is in the state, so a resumed run goes on with the next one.
"""


def _gaussian_noise(
    p: Values, x: Values, key: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    normal = jax.random.normal(key, p["mean"].shape, p["mean"].dtype)
    return x, p["mean"] + p["sd"] * normal


GAUSSIAN_NOISE = SourceModel(params={"mean": 0.0, "sd": 1.0}, variables={}, current=_gaussian_noise)
"""I ~ Normal(mean, sd), in nA, drawn anew for every neuron and step (GeNN's "GaussianNoise").

sd is that of a step, whatever dt is.
"""


def _poisson(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    expected = jnp.maximum(p["rate"], 0) * dt / 1000
    return x, p["weight"] * jax.random.poisson(key, expected).astype(expected.dtype)


POISSON = SourceModel(params={"rate": 10.0, "weight": 1.0}, variables={}, current=_poisson)
"""I = weight * k, k ~ Poisson(rate dt): all input spikes that a Poisson process has in a step.

rate in Hz, weight in nA. Several spikes may fall into one step, so the rate is exact for any dt.
A rate below 0 counts as 0; no gradient reaches the rate.
"""
