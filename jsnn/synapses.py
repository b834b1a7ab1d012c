"""Synapse models: what arriving spikes do to the input current of the postsynaptic population."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.neurons import Model, Values


@dataclass(frozen=True)
class SynapseModel(Model):
    """The postsynaptic side of a projection, as one function over its N postsynaptic neurons.

    Attributes:
      params: default parameters; a projection may give each a scalar or one value per
        postsynaptic neuron; the function sees `[N]`.
      variables: initial values, a scalar each; the function sees `[N]`.
      update: (params, variables, arriving [N], dt in ms) -> (new variables, current [N] in nA),
        where `arriving` is the sum of the weights (nA) of the spikes that arrive in this step.
    """

    update: Callable[[Values, Values, jax.Array, jax.Array], tuple[Values, jax.Array]]


def _delta_update(
    p: Values, x: Values, arriving: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, arriving


DELTA = SynapseModel(params={}, variables={}, update=_delta_update)
"""I = the weights that arrive, for the one step in which they arrive (GeNN's "DeltaCurr")."""


def _exponential_update(
    p: Values, x: Values, arriving: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    decay = jnp.exp(-dt / p["tau"])
    i_syn = x["i_syn"] + arriving
    mean_over_step = p["tau"] * (1 - decay) / dt
    return {"i_syn": i_syn * decay}, i_syn * mean_over_step


EXPONENTIAL = SynapseModel(
    params={"tau": 5.0}, variables={"i_syn": 0.0}, update=_exponential_update
)
"""tau di/dt = -i, i <- i + w for an arriving spike of weight w (nA); tau in ms.

The current of a step is the mean of i over it, i tau (1 - exp(-dt/tau)) / dt, so that a spike
delivers the charge w tau whatever dt is (GeNN's "ExpCurr").
"""
