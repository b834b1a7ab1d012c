"""Connectivity whose postsynaptic neurons are divided over devices."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jsnn._checks import check_finite, is_concrete
from jsnn._pytree import pytree, replace, static
from jsnn.network.connectivity.sparse import Sparse


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
      exists: bool [S], False where there is no synapse that learns; None if all exist.
    """

    mesh: Mesh = static()
    arrays: tuple[Any, ...]
    structure: Any = static()
    shapes: tuple[jax.ShapeDtypeStruct, ...] = static()
    num_post: int = static()
    num_synapses: int = static()
    weights: Any = None
    places: Any = None
    exists: Any = None

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

    def __repr__(self) -> str:
        return f"Divided over {self.mesh.size} devices, each with {self.part!r}"

    def check_indices(self, what: str) -> None:
        """Check arrays that `jax.tree.map` may have changed; traced ones are not checked.

        Those of other processes are not checked either.

        Raises:
          TypeError: if an array is of another kind, shape or dtype.
          ValueError: if a weight is NaN or infinite, or an index or a delay is out of range.
        """
        if not all(map(is_concrete, self.arrays)):
            return
        shapes = [(self.mesh.size, *x.shape) for x in self.shapes]
        for array, shape, like in zip(self.arrays, shapes, self.shapes, strict=True):
            is_like = isinstance(array, jax.Array) and array.dtype == like.dtype
            if not is_like or array.shape != shape:
                raise TypeError(
                    f"{what}: given {type(array).__name__} {array.dtype}{list(array.shape)} in its "
                    f"parts; expected a JAX array {like.dtype}{list(shape)}, as jsnn.divide makes "
                    "it (change numbers before you divide)"
                )
        rows = [[row for x in array.addressable_shards for row in x.data] for array in self.arrays]
        for leaves in zip(*rows, strict=True):
            part = jax.tree.unflatten(self.structure, map(np.asarray, leaves))
            check_finite(part.weights, what)
            (_without_filling(part) if isinstance(part, Sparse) else part).check_indices(what)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into sums [post], part after part."""

        def by_part(*leaves: jax.Array) -> jax.Array:
            part: jax.Array = jax.tree.unflatten(self.structure, leaves).deliver(spikes)
            return part

        return jnp.ravel(jax.vmap(by_part)(*self.arrays))[: self.num_post]


def _without_filling(part: Sparse) -> Sparse:
    """Return a part without the synapses that fill it up, and without an index of them."""
    number = int(part.starts[-1])
    return replace(part, weights=part.weights[:number], slots=part.slots[:number], by_post=None)
