"""Neuron i reaches neuron i."""

from typing import Any

import jax

from jsnn._checks import weight_array
from jsnn._pytree import pytree


@pytree
class OneToOne:
    """Neuron i reaches neuron i, and no other; N neurons on either side.

    Attributes:
      weights: [N], in nA; float32 or float64, which becomes the dtype of the network.
    """

    weights: Any

    def __post_init__(self) -> None:
        weights = weight_array(self.weights, ("N",), "OneToOne weights")
        object.__setattr__(self, "weights", weights)

    @property
    def num_pre(self) -> int:
        return int(self.weights.shape[0])

    @property
    def num_post(self) -> int:
        return int(self.weights.shape[0])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """[N] -> [N]: every spiking neuron's weight."""
        return spikes * self.weights
