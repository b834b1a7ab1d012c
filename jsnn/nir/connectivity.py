"""Linear nodes of NIR as connectivities: a bias and a flattening.

Signals are flattened in the order of NIR, the last axis fastest, so an image has its channels
first: neuron (c * height + y) * width + x is that at channel c, row y, column x.
"""

from math import prod
from typing import Any

import jax

from jsnn._checks import weight_array
from jsnn._pytree import pytree, replace, static
from jsnn.network import Connectivity

Shape = tuple[int, ...]


@pytree
class Biased:
    """A connectivity with a bias, a constant that is added to what arrives in every step.

    Attributes:
      part: the connectivity.
      bias: one number for each channel of the postsynaptic side, [channels], where channels is the
        length of its first axis.
    """

    part: Connectivity
    bias: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", weight_array(self.bias, ("channels",), "bias"))

    @property
    def num_pre(self) -> int:
        return self.part.num_pre

    @property
    def num_post(self) -> int:
        return self.part.num_post

    @property
    def dtype(self) -> Any:
        return self.part.dtype

    @property
    def num_synapses(self) -> int | None:
        """The number of synapses of the part, if it tells."""
        return getattr(self.part, "num_synapses", None)

    @property
    def weights(self) -> Any:
        """The weights of the part."""
        return self.part.weights  # type: ignore[attr-defined]

    def with_weights(self, weights: jax.Array) -> "Biased":
        """Return the connectivity with other weights of the same shape."""
        return replace(self, part=self.part.with_weights(weights))  # type: ignore[attr-defined]

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn signals [pre] into sums [post], and add the bias."""
        channels = self.part.deliver(spikes).reshape(self.bias.shape[0], -1)
        return (channels + self.bias[:, None]).ravel()


@pytree
class Flattening:
    """A signal as it is, with some of its axes made one.

    Attributes:
      input_shape: the axes of the signal.
      start_dim: the first of the axes that become one.
      end_dim: the last of them; -1 for the last of all.
      dtype: float32 or float64.
    """

    input_shape: Shape = static()
    start_dim: int = static()
    end_dim: int = static()
    dtype: Any = static()

    @property
    def output_shape(self) -> Shape:
        """The axes afterwards."""
        return flattened(self.input_shape, self.start_dim, self.end_dim)

    @property
    def num_pre(self) -> int:
        return prod(self.input_shape)

    @property
    def num_post(self) -> int:
        return prod(self.input_shape)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Return the signals, [pre]."""
        return spikes


def flattened(shape: Shape, start_dim: int, end_dim: int) -> Shape:
    """Return a shape with the axes from `start_dim` to `end_dim`, both included, made one."""
    start, end = start_dim % len(shape), end_dim % len(shape)
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])
