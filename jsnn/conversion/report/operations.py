"""Operations and energy of a network, for spikes and for activations.

A synaptic operation is one addition of a weight to a potential. A spike makes as many as its
neuron has synapses with a weight other than 0. An artificial neuron makes as many multiply-
accumulates, and those with an activation of 0 can be skipped. These are the effective ACs and MACs
of NeuroBench (Yik et al. 2025, "The neurobench framework for benchmarking neuromorphic computing
algorithms and systems", Nat. Commun. 16, 1545).

Pooling and biases are not counted on either side: the maxima of max pooling are comparisons, and
an average has no weights of its own (a spike that goes through one to a layer has the synapses of
both together). Input of a potential without a spike is not counted either: a held input current
and a bias, one addition each for every neuron and step.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.channel_scaling import has_weights
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.network.connectivity import Connectivity
from jsnn.network.network import Network

_ROWS = 128
"""Presynaptic neurons per batch."""


class Energy(NamedTuple):
    """Energy of one operation in pJ: 45 nm, 0.9 V, float32 (Horowitz 2014, ISSCC, figure 1.1.9).

    Attributes:
      multiply_accumulate: a multiplication and an addition.
      accumulate: an addition.
    """

    multiply_accumulate: float = 4.6
    accumulate: float = 0.9


def fan_out(connectivity: Connectivity, *, zeros: bool = False) -> np.ndarray:
    """Count the synapses of each presynaptic neuron with a weight other than 0, int64 [pre].

    At the border of a convolution only neurons within the image count.

    Args:
      connectivity: any connectivity.
      zeros: count weights of 0 too.
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
    """Count the synaptic operations of a spike of each neuron, {projection: int64 [pre]}."""
    return {
        projection.name: fan_out(projection.connectivity)
        for projection in network.projections
        if not isinstance(projection.connectivity, MaxPool2D)
    }


@dataclass(frozen=True)
class MultiplyAccumulates:
    """Multiply-accumulates of a linear map.

    Attributes:
      parts: connectivities, one after the other.
      fan_outs: synapses of the neurons in front of each part, int64 [pre]; 0 without weights.
      dense: all multiply-accumulates for one image.
    """

    parts: tuple[Any, ...]
    fan_outs: tuple[np.ndarray, ...]
    dense: int

    def effective(self, entering: np.ndarray) -> np.ndarray:
        """Count those with an input and a weight other than 0, int64 [n], for inputs [n, pre]."""
        number = np.zeros(len(entering), np.int64)
        for part, reached in zip(self.parts, self.fan_outs, strict=True):
            if reached.any():
                number += (entering != 0) @ reached
            if part is not self.parts[-1]:
                entering = np.asarray(_delivered(part, entering))
        return number


def multiply_accumulates(parts: tuple[Any, ...]) -> MultiplyAccumulates:
    """Count the multiply-accumulates of connectivities that follow each other."""
    weighted = [part for part in parts if has_weights(part)]
    return MultiplyAccumulates(
        parts=parts,
        fan_outs=tuple(
            fan_out(part) if has_weights(part) else np.zeros(part.num_pre, np.int64)
            for part in parts
        ),
        dense=sum(int(fan_out(part, zeros=True).sum()) for part in weighted),
    )


@jax.jit
def _delivered(part: Any, rows: jax.Array) -> jax.Array:
    return jax.lax.map(part.deliver, jnp.asarray(rows, part.dtype), batch_size=_ROWS)
