"""Presentations of many images to a network, in batches."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.network import Network
from jsnn.recording import Recording
from jsnn.simulation import simulate

_BATCH = 250
"""Images that are presented at once."""


@dataclass(frozen=True)
class FinalVariable:
    """Value of a variable after the last step, [N].

    Attributes:
      population: name of the population.
      variable: name of the variable.
    """

    population: str
    variable: str = "v"


def presented(
    network: Network,
    drives: Mapping[str, Any],
    num_steps: int,
    record: Mapping[str, Recording | FinalVariable],
    key: jax.Array | None = None,
) -> dict[str, np.ndarray]:
    """Present each image to the network in a fresh state.

    Args:
      network: the network.
      drives: {population: [n, N]}, the input of each presentation.
      num_steps: steps of a presentation.
      record: {name: recording}.
      key: `jax.random.key(seed)`, folded with the index of the presentation.

    Returns:
      {name: [n, ...]}, the recordings of all presentations.
    """
    found = _presented(network, dict(drives), key, num_steps, tuple(record.items()))
    return {name: np.asarray(value) for name, value in found.items()}


@partial(jax.jit, static_argnames=("num_steps", "record"))
def _presented(
    network: Network,
    drives: dict[str, jax.Array],
    key: jax.Array | None,
    num_steps: int,
    record: tuple[tuple[str, Recording | FinalVariable], ...],
) -> dict[str, Any]:
    final = {name: of for name, of in record if isinstance(of, FinalVariable)}
    others: dict[str, Any] = {name: of for name, of in record if name not in final}

    def one(row: tuple[jax.Array, dict[str, jax.Array]]) -> dict[str, Any]:
        index, drive = row
        own_key = None if key is None else jax.random.fold_in(key, index)
        state, recorded = simulate(network, drive, num_steps, record=others, key=own_key)
        variables = state.variables
        return recorded | {
            name: variables[of.population][of.variable] for name, of in final.items()
        }

    indices = jnp.arange(len(jax.tree.leaves(drives)[0]))
    return jax.lax.map(one, (indices, drives), batch_size=_BATCH)
