"""What a network costs: operations and energy, of spikes and of activations.

A synaptic operation is one addition of a weight to a potential. A spike makes as many as its
neuron has synapses with a weight other than 0; an artificial neuron makes as many multiply-
accumulates, and those with an activation of 0 can be skipped. These are the effective ACs and MACs
of NeuroBench (Yik et al. 2025, "The neurobench framework for benchmarking neuromorphic computing
algorithms and systems", Nat. Commun. 16, 1545); biases and pooling are not counted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.connectivity import Connectivity
from jsnn.conversion.ann import Weighted, has_weights
from jsnn.network import Network

_ROWS = 128
"""Presynaptic neurons that are followed at once."""


class Energy(NamedTuple):
    """Of one operation, in pJ: 45 nm, 0.9 V, float32 (Horowitz 2014, ISSCC, figure 1.1.9)."""

    multiply_accumulate: float = 4.6
    accumulate: float = 0.9


def fan_out(connectivity: Connectivity, *, zeros: bool = False) -> np.ndarray:
    """To how many neurons each presynaptic one has a weight other than 0: int64 [pre].

    At the border of a convolution only what lies within the image counts. With `zeros`, weights of
    0 count too.
    """
    reaches = jax.tree.map(lambda w: ((w != 0) | zeros).astype(w.dtype), connectivity)
    return np.asarray(_reached(reaches), np.int64)


@jax.jit
def _reached(connectivity: Any) -> jax.Array:
    def number(i: jax.Array) -> jax.Array:
        only = jax.nn.one_hot(i, connectivity.num_pre, dtype=connectivity.dtype)
        return jnp.sum(connectivity.deliver(only) > 0, dtype=jnp.int32)

    return jax.lax.map(number, jnp.arange(connectivity.num_pre), batch_size=_ROWS)


def synapses_of(network: Network) -> dict[str, np.ndarray]:
    """{population: int64 [N]}: how many synaptic operations a spike of each neuron makes."""
    total = {name: np.zeros(size, np.int64) for name, size in network.sizes.items()}
    for projection in network.projections:
        total[projection.pre] += fan_out(projection.connectivity)
    return total


class MultiplyAccumulates(NamedTuple):
    """Of an artificial network for one image: all of them, and those of activations above 0."""

    dense: int
    effective: np.ndarray  # int64 [n], one an image


def multiply_accumulates(
    layers: Sequence[Any], images: np.ndarray, activations: Sequence[np.ndarray]
) -> MultiplyAccumulates:
    """For images [n, N_0] and what each layer gives for them, [n, N_l]."""
    dense, effective = 0, np.zeros(len(images), np.int64)
    for layer, entering in zip(layers, [images, *activations[:-1]], strict=True):
        if isinstance(layer, Weighted):
            for part in layer.parts:
                if has_weights(part):
                    dense += int(fan_out(part, zeros=True).sum())
                    effective += (entering != 0) @ fan_out(part)
                entering = np.asarray(_through(part, entering))
    return MultiplyAccumulates(dense, effective)


@jax.jit
def _through(part: Any, rows: jax.Array) -> jax.Array:
    return jax.lax.map(part.deliver, jnp.asarray(rows, part.dtype), batch_size=_ROWS)
