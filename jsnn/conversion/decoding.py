"""Decoding: the activations that the spikes of a converted network stand for."""

from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.channel_scaling import each_neuron
from jsnn.conversion.layer_population import LayerPopulation
from jsnn.conversion.network_builder import Built
from jsnn.conversion.presentation_length import check_steps
from jsnn.conversion.recipe import Recipe
from jsnn.evaluation import present_all


def drives_of(built: Built, recipe: Recipe, images: np.ndarray) -> dict[str, Any]:
    """Return what drives the network, {population: [n, N]}, for images [n, N_0]."""
    scaled = (np.asarray(images, np.float64) * recipe.coding.scale).astype(built.network.dtype)
    if not built.analog_weights:
        return {"input": scaled}
    return {
        name: np.asarray(_delivered(weights, scaled))
        for name, weights in built.analog_weights.items()
    }


@jax.jit
def _delivered(connectivities: tuple[Any, ...], images: jax.Array) -> jax.Array:
    """Compute the sum of what connectivities make of each image, [n, post]."""

    def of_image(image: jax.Array) -> jax.Array:
        return reduce(add, [connectivity.deliver(image) for connectivity in connectivities])

    return jax.lax.map(of_image, jnp.asarray(images), batch_size=_BATCH)


_BATCH = 250
"""Images that pass through a layer at once."""


def decoded_values(
    built: Built, recipe: Recipe, images: np.ndarray, num_steps: int, key: jax.Array | None
) -> list[np.ndarray]:
    """Present images [n, N_0] and decode each layer, [n, N_l]."""
    check_steps(num_steps, built.network, recipe)
    record = {layer.name: layer.final_total() for layer in built.layers}
    drives = drives_of(built, recipe, images)
    totals = present_all(built.network, drives, num_steps, record, key=key)
    return [decoded(totals[layer.name], layer, recipe, num_steps) for layer in built.layers]


def decoded(
    total: np.ndarray, layer: LayerPopulation, recipe: Recipe, num_steps: Any
) -> np.ndarray:
    """Return the activation that a sum of what a layer emitted stands for.

    The activation is the sum of digits, or the mean of spikes (and of a potential) over the steps,
    times the layer's unit.

    Args:
      total: sum of what was emitted, or the potential of an output that does not spike, [..., N].
      layer: the population.
      recipe: the recipe of the network.
      num_steps: number of steps of the sum.
    """
    steps = 1 if recipe.firing.in_digits else num_steps
    unit = each_neuron(layer.unit, total.shape[-1])
    return np.asarray(total.astype(np.float64) * unit / steps)
