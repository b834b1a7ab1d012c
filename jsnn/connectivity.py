"""Connectivity: which neuron reaches which, with what weight; how spikes become input."""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_finite
from jsnn._pytree import pytree, static
from jsnn.products import ordered_product, product_of_trains, product_over_time


@runtime_checkable
class Connectivity(Protocol):
    """What a projection asks of its connectivity; a pytree whose float leaves are the weights."""

    @property
    def num_pre(self) -> int: ...

    @property
    def num_post(self) -> int: ...

    @property
    def dtype(self) -> Any: ...

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Spikes [pre], 0 or 1, to the summed weights that reach each neuron [post], in nA."""
        ...


@runtime_checkable
class EventDriven(Connectivity, Protocol):
    """A connectivity that can also deliver with no work for the neurons that are silent."""

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """The same sums as `deliver`, bit for bit."""
        ...

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """The same for all steps of a run: bool [T, pre] to what arrives in each, [T, post]."""
        ...


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
        given = getattr(self.weights, "dtype", None)
        if given not in (np.float32, np.float64):
            kind = type(self.weights).__name__ if given is None else f"an array of {given}"
            raise TypeError(f"Dense weights: given {kind}; expected an array of float32 or float64")
        if np.ndim(self.weights) != 2:
            raise ValueError(
                f"Dense weights: given shape {np.shape(self.weights)}; expected (pre, post)"
            )
        if given == np.float64 and not jax.config.read("jax_enable_x64"):
            raise TypeError(
                "Dense weights: given an array of float64 while jax_enable_x64 is off; expected "
                "float32 (cast it with .astype(np.float32), or enable x64)"
            )
        check_finite(self.weights, f"Dense weights of shape {np.shape(self.weights)}")
        object.__setattr__(self, "weights", jnp.asarray(self.weights))

    @property
    def num_pre(self) -> int:
        return int(self.weights.shape[0])

    @property
    def num_post(self) -> int:
        return int(self.weights.shape[1])

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

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
