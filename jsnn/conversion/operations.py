"""What a network costs: operations and energy, of spikes and of activations.

A synaptic operation is one addition of a weight to a potential. A spike makes as many as its
neuron has synapses with a weight other than 0; an artificial neuron makes as many multiply-
accumulates, and those with an activation of 0 can be skipped. These are the effective ACs and MACs
of NeuroBench (Yik et al. 2025, "The neurobench framework for benchmarking neuromorphic computing
algorithms and systems", Nat. Commun. 16, 1545).

Not counted, on either side, are pooling and biases: the maxima of max pooling are comparisons, and
an average has no weights of its own (a spike that goes through one to a layer has the synapses of
both together). Nor is what a potential takes in without a spike: a held input current and a bias,
one addition each for every neuron and step.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.ann import has_weights
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.network.connectivity import Connectivity
from jsnn.network.network import Network

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
        if not isinstance(projection.connectivity, MaxPool2D):
            total[projection.pre] += fan_out(projection.connectivity)
    return total


@dataclass(frozen=True)
class MultiplyAccumulates:
    """Of a linear map, which an artificial network or an analog input is passed through.

    Attributes:
      parts: connectivities, one after the other.
      fan_outs: int64 [pre] of each; 0 where it has no weights.
      dense: for one image, all of them.
    """

    parts: tuple[Any, ...]
    fan_outs: tuple[np.ndarray, ...]
    dense: int

    def effective(self, entering: np.ndarray) -> np.ndarray:
        """int64 [n]: those with an input and a weight other than 0, for inputs [n, pre]."""
        number = np.zeros(len(entering), np.int64)
        for part, reached in zip(self.parts, self.fan_outs, strict=True):
            if reached.any():
                number += (entering != 0) @ reached
            if part is not self.parts[-1]:
                entering = np.asarray(_through(part, entering))
        return number


def multiply_accumulates(parts: tuple[Any, ...]) -> MultiplyAccumulates:
    """Of the linear map that connectivities one after the other are."""
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
def _through(part: Any, rows: jax.Array) -> jax.Array:
    return jax.lax.map(part.deliver, jnp.asarray(rows, part.dtype), batch_size=_ROWS)
