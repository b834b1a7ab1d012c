"""Rearrangement of neurons as a connectivity: another order, a part of them, or silence around."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import pytree, static


@pytree
class Rearranged:
    """Values in other places: neuron i receives that of neuron `index[i]`, or 0 if it is -1.

    Transposition, slicing, framing with zeros and concatenation are of this kind. It has no weights
    of its own.

    Attributes:
      index: presynaptic neuron of each postsynaptic one, or -1.
      num_pre: number of presynaptic neurons.
      dtype: float32 or float64, that of the network.
    """

    index: tuple[int, ...] = static()
    num_pre: int = static()
    dtype: Any = static()

    @property
    def num_post(self) -> int:
        return len(self.index)

    def deliver(self, values: jax.Array) -> jax.Array:
        """Put values into their places, [pre] -> [post]."""
        index = np.asarray(self.index, np.int32)
        return jnp.where(index < 0, 0, values[np.maximum(index, 0)])
