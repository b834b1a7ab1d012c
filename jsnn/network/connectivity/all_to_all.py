"""Every presynaptic neuron reaches every postsynaptic one with the same weight."""

from typing import Any

import jax
import jax.numpy as jnp

from jsnn._checks import positive_int, weight_array
from jsnn._kernels.dense import ordered_product, product_over_time
from jsnn._pytree import pytree, static


@pytree
class AllToAll:
    """Every presynaptic neuron reaches every postsynaptic one with one weight, stored once.

    Attributes:
      weight: (), in nA; float32 or float64, which becomes the dtype of the network.
      num_pre: the number of presynaptic neurons.
      num_post: the number of postsynaptic neurons.
    """

    weight: Any
    num_pre: int = static()
    num_post: int = static()

    def __post_init__(self) -> None:
        for name in ("num_pre", "num_post"):
            size = positive_int(getattr(self, name), f"AllToAll {name}")
            object.__setattr__(self, name, size)
        object.__setattr__(self, "weight", weight_array(self.weight, (), "AllToAll weight"))

    @property
    def dtype(self) -> Any:
        return self.weight.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """[pre] -> [post]: the weight once for each spike, added up one after the other."""
        return self._for_all(ordered_product(spikes, self._column, "highest"))

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """The same by a kernel that visits the spiking neurons alone, where it can be had."""
        return self._for_all(ordered_product(spikes, self._column, "highest", event_driven=True))

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """The same for all steps of a run: bool [T, pre] to what arrives in each, [T, post]."""
        return self._for_all(product_over_time(spikes, self._column, "highest", delay))

    @property
    def _column(self) -> jax.Array:
        return jnp.broadcast_to(self.weight, (self.num_pre, 1))

    def _for_all(self, total: jax.Array) -> jax.Array:
        return jnp.broadcast_to(total, (*total.shape[:-1], self.num_post))
