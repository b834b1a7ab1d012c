"""Answers of a network as it is, and as integrate-and-fire neurons, layer by layer in plain JAX.

The image is a constant current into the first layer. Every hidden neuron starts at half of its
threshold λ and has a soft reset; its spikes reach the next layer in the same step. The outputs do
not spike: the answer is read from their potentials.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.conversion.convolution import convolved
from jsnn.conversion import QCFS


class Answer(NamedTuple):
    """Answer to n images.

    Attributes:
      logits: [n, 10].
      rates: spikes per step of each neuron, [n, ...], for every hidden layer.
    """

    logits: jax.Array
    rates: list[jax.Array]


def spikes_per_image(rates: list[jax.Array], steps: int) -> jax.Array:
    """Return the mean number of spikes of all hidden neurons in `steps` steps, ()."""
    per_layer = [jnp.sum(rate) / rate.shape[0] for rate in rates]
    return steps * sum(per_layer, jnp.zeros(()))


def answer(model: nnx.Sequential, x: jax.Array, key: jax.Array | None = None) -> Answer:
    """Compute the answer of the artificial network; `key` is for its dropout."""
    rates: list[jax.Array] = []
    for index, layer in enumerate(model.layers):
        x = _apply(layer, x, key, index)
        if isinstance(layer, QCFS):
            rates.append(x / layer.threshold[...])
    return Answer(x, rates)


def spiking_answer(
    model: nnx.Sequential, x: jax.Array, steps: int, key: jax.Array | None = None
) -> Answer:
    """Compute the answer of the spiking network: the potentials of the outputs over the steps.

    Gradients pass through the mean over the steps, as if each layer of neurons were a QCFS. Batch
    normalisation has to be in evaluation mode.
    """
    rates: list[jax.Array] = []
    spikes: jax.Array | None = None  # [steps, n, ...], once there are any
    for index, layer in enumerate(model.layers):
        if isinstance(layer, QCFS):
            threshold = layer.threshold[...]
            currents = jnp.broadcast_to(x, (steps, *x.shape)) if spikes is None else spikes
            spikes = jax.lax.stop_gradient(_fire(currents, threshold))
            between = threshold * jnp.clip(x / threshold, 0, 1)
            x = between + jax.lax.stop_gradient(jnp.mean(spikes, axis=0) - between)
            rates.append(x / threshold)
            continue
        x = _apply(layer, x, key, index)
        if spikes is not None:
            each = jax.vmap(lambda one, layer=layer, index=index: _apply(layer, one, key, index))
            spikes = jax.lax.stop_gradient(each(spikes))
    return Answer(x, rates)


def _apply(layer: object, x: jax.Array, key: jax.Array | None, index: int) -> jax.Array:
    if isinstance(layer, nnx.Dropout):
        return x if key is None else layer(x, rngs=jax.random.fold_in(key, index))
    return convolved(layer, x) if isinstance(layer, nnx.Conv) else layer(x)


def _fire(currents: jax.Array, threshold: jax.Array) -> jax.Array:
    """Return λ for each spike and 0 otherwise, in the shape of `currents`, [steps, n, ...]."""

    def step(potential: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
        potential = potential + current
        spikes = jnp.where(potential >= threshold, threshold, jnp.zeros_like(threshold))
        return potential - spikes, spikes

    return jax.lax.scan(step, jnp.full_like(currents[0], threshold / 2), currents)[1]
