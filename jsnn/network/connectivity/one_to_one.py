"""One-to-one connectivity."""

from typing import Any

import jax

from jsnn._checks import weight_array
from jsnn._pytree import pytree, replace


@pytree
class OneToOne:
    """A synapse from neuron i to neuron i, for each of N neurons on either side.

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

    @property
    def num_synapses(self) -> int:
        return self.num_pre

    def with_weights(self, weights: jax.Array) -> "OneToOne":
        """Return the synapses with other weights, [N]."""
        return replace(self, weights=weights)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Return values [N] of the presynaptic neurons, which are those of the synapses."""
        return values

    def of_post(self, values: jax.Array) -> jax.Array:
        """Return values [N] of the postsynaptic neurons, which are those of the synapses."""
        return values

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [N] into the weights of the neurons that spiked, [N]."""
        return spikes * self.weights
