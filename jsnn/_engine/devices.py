"""Neurons of a step on one device, and the exchange of spikes and variables among devices."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn._kernels.settled import settled
from jsnn.network.division import AXIS, share


class Devices(NamedTuple):
    """The devices over which the neurons of a network are divided.

    Attributes:
      number: the number of devices; with one there is nothing to divide or to exchange.
      sizes: {population: N}, the number of neurons on all devices together.
    """

    number: int
    sizes: Mapping[str, int]

    def own(self, values: jax.Array) -> jax.Array:
        """Return the share of this device in values [..., N].

        The last devices repeat the last neuron if N is no multiple of their number.
        """
        if self.number == 1:
            return values
        size = values.shape[-1]
        each = share(size, self.number)
        filling = [(0, 0)] * (values.ndim - 1) + [(0, each * self.number - size)]
        padded = jnp.pad(values, filling, mode="edge")
        return jax.lax.dynamic_slice_in_dim(padded, jax.lax.axis_index(AXIS) * each, each, -1)

    def from_all(self, values: jax.Array, size: int) -> jax.Array:
        """Return values [..., N] of the neurons of all devices, from those of this one."""
        if self.number == 1:
            return values
        axis = values.ndim - 1
        return jax.lax.all_gather(values, AXIS, axis=axis, tiled=True)[..., :size]

    def spikes_from_all(self, spikes: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Return the spikes of populations on all devices, {population: [N]}.

        Args:
          spikes: those of the neurons of this device.
        """
        if self.number == 1:
            return dict(spikes)
        rows = _all_spikes(jnp.concatenate(list(spikes.values())))
        found, first = {}, 0
        for name, mine in spikes.items():
            own_columns = rows[:, first : first + len(mine)]
            found[name] = jnp.ravel(own_columns)[: self.sizes[name]]
            first += len(mine)
        return found


@jax.custom_jvp
def _all_spikes(spikes: jax.Array) -> jax.Array:
    """Return the spikes [n] of each device, [D, n], exchanged as bits of words.

    Bit b of word w is neuron b * W + w, so that a processor handles many words at once.
    """
    size = len(spikes)
    padded = jnp.pad(settled(spikes) > 0, (0, -size % _WORD)).reshape(_WORD, -1)
    words = jnp.zeros(padded.shape[1], jnp.uint32)
    for bit in range(_WORD):
        words |= padded[bit].astype(jnp.uint32) << bit
    rows = jax.lax.all_gather(words, AXIS)
    spiked = jnp.stack([rows >> bit & 1 for bit in range(_WORD)], axis=1)
    return settled(spiked.reshape(len(rows), -1)[:, :size].astype(spikes.dtype))


_WORD = 32
"""Number of bits of a word."""


@_all_spikes.defjvp
def _all_spikes_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _all_spikes(*primals), jax.lax.all_gather(tangents[0], AXIS)
