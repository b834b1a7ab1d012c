"""All-to-all connectivity with one weight for all pairs."""

from typing import Any

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int, weight_array
from jsnn._kernels.dense import ordered_product
from jsnn._kernels.over_time import product_over_time
from jsnn._pytree import pytree, replace, static


@pytree
class AllToAll:
    """A synapse between every pair of neurons, all of one weight, which is stored once.

    Attributes:
      weights: (), one number in nA; float32 or float64, which becomes the dtype of the network.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
    """

    weights: Any
    num_pre: int = static()
    num_post: int = static()

    def __post_init__(self) -> None:
        for name in ("num_pre", "num_post"):
            size = positive_int(getattr(self, name), f"AllToAll {name}")
            object.__setattr__(self, name, size)
        object.__setattr__(self, "weights", weight_array(self.weights, (), "AllToAll weights"))

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def num_synapses(self) -> int:
        return self.num_pre * self.num_post

    def with_weights(self, weights: jax.Array) -> "AllToAll":
        """Return the synapses with another weight, ()."""
        return replace(self, weights=weights)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], adding the weight once for each spike."""
        return self._for_all(ordered_product(spikes, self._column, "highest"))

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], by a kernel that visits the spiking neurons alone.

        Without a C++ compiler the sums are those of `deliver`.
        """
        return self._for_all(ordered_product(spikes, self._column, "highest", event_driven=True))

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post]."""
        return self._for_all(product_over_time(spikes, self._column, "highest", delay))

    @property
    def _column(self) -> jax.Array:
        return jnp.broadcast_to(self.weights, (self.num_pre, 1))

    def _for_all(self, total: jax.Array) -> jax.Array:
        return jnp.broadcast_to(total, (*total.shape[:-1], self.num_post))
