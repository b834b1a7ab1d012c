"""Ends of synapses, as learning sees them: the source and the target of each."""

from typing import Any

import jax

from jsnn._kernels.visits import SynapsesOf
from jsnn._pytree import pytree, static


@pytree
class Ends:
    """The source and the target of each synapse, for learning.

    Attributes:
      sources: int32, shaped so that what it picks broadcasts with the weights.
      post: int32, likewise.
      dtype: of the weights.
    """

    sources: jax.Array
    post: jax.Array
    dtype: Any = static()

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [num_sources] into those at the source of each synapse."""
        return values[self.sources]

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those at the target of each synapse."""
        return values[self.post]


@pytree
class VisitableEnds(Ends):
    """Sources and targets of a list, with an index of the synapses of each of them.

    Attributes:
      indices: the synapses of each source, and of each target.
      exists: bool [S], False where there is no synapse to change; None if all exist.
    """

    indices: tuple[SynapsesOf, SynapsesOf]
    exists: jax.Array | None = None

    def synapses_of(self, side: int) -> SynapsesOf:
        """Return the synapses of each source, 0, or of each target, 1."""
        return self.indices[side]
