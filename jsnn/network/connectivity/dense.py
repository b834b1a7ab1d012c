"""Every presynaptic neuron reaches every postsynaptic one: a matrix."""

from typing import Any

import jax

from jsnn._checks import weight_array
from jsnn._kernels.dense import ordered_product, product_of_trains, product_over_time
from jsnn._pytree import pytree, replace, static


@pytree
class Dense:
    """Every presynaptic neuron reaches every postsynaptic one.

    Attributes:
      weights: [pre, post], in nA; a floating dtype, which becomes the dtype of the network.
      precision: of the matrix product, as `jax.lax.Precision` names it. The default keeps full
        float32 on devices that would otherwise round their operands.
    """

    weights: Any
    precision: str = static(default="highest")

    def __post_init__(self) -> None:
        weights = weight_array(self.weights, ("pre", "post"), "Dense weights")
        object.__setattr__(self, "weights", weights)

    @property
    def num_pre(self) -> int:
        return int(self.weights.shape[0])

    @property
    def num_post(self) -> int:
        return int(self.weights.shape[1])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def num_synapses(self) -> int:
        return self.num_pre * self.num_post

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """[pre] -> [post]: the weights of the spiking neurons, added up in neuron order."""
        return ordered_product(spikes, self.weights, self.precision)

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """The same by a kernel that visits the spiking neurons alone, where it can be had."""
        return ordered_product(spikes, self.weights, self.precision, event_driven=True)

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """The same for all steps of a run: bool [T, pre] to what arrives in each, [T, post]."""
        return product_over_time(spikes, self.weights, self.precision, delay)

    def deliver_trains(self, trains: jax.Array, index: jax.Array) -> jax.Array:
        """What arrives in every step, [T, R, post]: neuron i of row r has train index[r, i].

        trains bool [T, U], index int32 [R, pre]. Needs `jsnn.native`.
        """
        return product_of_trains(trains, index, self.weights)

    def with_weights(self, weights: jax.Array) -> "Dense":
        """The same synapses with other weights."""
        return replace(self, weights=weights)

    def of_pre(self, values: jax.Array) -> jax.Array:
        """[pre] -> [pre, 1]: what each synapse has on its presynaptic side."""
        return values[:, None]

    def of_post(self, values: jax.Array) -> jax.Array:
        """[post] -> [1, post]."""
        return values[None, :]
