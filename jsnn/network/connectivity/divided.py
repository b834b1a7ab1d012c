"""Connectivity whose postsynaptic neurons are divided over devices."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jsnn._pytree import pytree, static


@pytree
class Divided:
    """A `Dense` or `Sparse` connectivity, divided over D devices by its postsynaptic neurons.

    `jsnn.divide` makes it. Device d has the synapses of the neurons from d * n on, n being
    ceil(num_post / D). The last parts are filled up with synapses that deliver nothing.

    Attributes:
      mesh: the devices.
      arrays: the arrays of the parts, [D, ...] each, a row on each device.
      structure: the tree that the arrays of one part are the leaves of.
      shapes: their shapes and dtypes.
      num_post: the number of postsynaptic neurons of all parts together.
      num_synapses: their number of synapses, without those that fill up the parts.
      weights: the initial weights of synapses that learn, in the order in which they were given;
        None if they are static.
      places: int32 [S], the place of each synapse that learns in [D, synapses of a part]; None if
        they are static or a matrix.
    """

    mesh: Mesh = static()
    arrays: tuple[Any, ...]
    structure: Any = static()
    shapes: tuple[jax.ShapeDtypeStruct, ...] = static()
    num_post: int = static()
    num_synapses: int = static()
    weights: Any = None
    places: Any = None

    @property
    def part(self) -> Any:
        """The connectivity of one device, with shapes in place of arrays."""
        return jax.tree.unflatten(self.structure, self.shapes)

    @property
    def num_pre(self) -> int:
        return int(self.part.num_pre)

    @property
    def dtype(self) -> Any:
        return self.part.dtype

    @property
    def max_delay(self) -> int:
        """The longest delay of a synapse, in steps; 0 if synapses have no delays of their own."""
        return int(self.part.max_delay)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], part after part."""

        def by_part(*leaves: jax.Array) -> jax.Array:
            part: jax.Array = jax.tree.unflatten(self.structure, leaves).deliver(spikes)
            return part

        return jnp.ravel(jax.vmap(by_part)(*self.arrays))[: self.num_post]
