"""A network as built, shown images: how they enter, and what its neurons make of them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.ann import each_neuron
from jsnn.conversion.build import Built, Place
from jsnn.conversion.recipe import Recipe
from jsnn.conversion.steps import check_steps
from jsnn.network.network import Network
from jsnn.recording import Recording, SpikeCount
from jsnn.simulation import simulate

_BATCH = 250
"""Images that are presented at once."""


def drive_of(built: Built, recipe: Recipe, images: np.ndarray) -> dict[str, Any]:
    """What drives the network for images [n, N_0], the product of `jsnn.evaluate` or a `vmap`."""
    scaled = (np.asarray(images, np.float64) * recipe.coding.scale).astype(built.network.dtype)
    if built.entry is None:
        return {"input": scaled}
    return {built.places[0].population: np.asarray(_entering(built.entry, scaled))}


@jax.jit
def _entering(entry: Any, images: jax.Array) -> jax.Array:
    return jax.lax.map(entry.deliver, jnp.asarray(images), batch_size=_BATCH)


def values(
    built: Built, recipe: Recipe, images: np.ndarray, num_steps: int, key: jax.Array | None
) -> list[np.ndarray]:
    """The activation that each layer's spikes of `num_steps` stand for, [n, N_l].

    The output is decoded from its potential where that is what is read.
    """
    check_steps(num_steps, built.network, recipe)
    network = built.network
    spiking = [place.population for place in built.places]
    if recipe.read.of == "potential":
        spiking.pop()
    record = {
        name: SpikeCount(name)
        for name in spiking
        if "total" not in network.population(name).model.variables
    }
    drive = drive_of(built, recipe, images)
    state, recorded = presented(network, drive, key, num_steps, tuple(record.items()))
    found = []
    for place in built.places:
        name = place.population
        variable = "total" if name in spiking else "v"
        emitted = recorded[name] if name in record else state[name][variable]
        found.append(decoded(np.asarray(emitted), place, recipe, num_steps))
    return found


def decoded(emitted: np.ndarray, place: Place, recipe: Recipe, num_steps: Any) -> np.ndarray:
    """The activation that a sum [..., N] of what a layer emitted in `num_steps` stands for.

    Or its potential, where that is what is read. Of binary digits it is the sum, else the mean.
    """
    steps = num_steps if recipe.firing.digits is None else 1
    unit = each_neuron(place.unit, emitted.shape[-1])
    return np.asarray(emitted.astype(np.float64) * unit / steps)


@partial(jax.jit, static_argnames=("num_steps", "record"))
def presented(
    network: Network,
    drive: dict[str, jax.Array],
    key: jax.Array | None,
    num_steps: int,
    record: tuple[tuple[str, Recording], ...],
) -> tuple[Any, dict[str, Any]]:
    """Variables after the last step, and what was recorded, with an axis of images in front."""

    def one(row: tuple[jax.Array, dict[str, jax.Array]]) -> tuple[Any, dict[str, Any]]:
        i, driven = row
        own_key = None if key is None else jax.random.fold_in(key, i)
        state, recorded = simulate(network, driven, num_steps, record=dict(record), key=own_key)
        return state.populations, recorded

    number = len(jax.tree.leaves(drive)[0])
    return jax.lax.map(one, (jnp.arange(number), drive), batch_size=_BATCH)
