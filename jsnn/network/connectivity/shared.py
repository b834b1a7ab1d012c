"""Weights that a projection shares with another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax

from jsnn._checks import check_flag
from jsnn._pytree import pytree, static
from jsnn.network.connectivity.dense import Dense
from jsnn.network.connectivity.one_to_one import OneToOne
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.connectivity.transposed import transposed

if TYPE_CHECKING:
    from jsnn.network.projection import Projection


@pytree
class Shared:
    """The synapses of another projection, with its weights, also while they learn.

        forward = jsnn.Projection("a", "b", jsnn.Dense(weights), plasticity=learning)
        back = jsnn.Projection("b", "a", jsnn.Shared(forward, transposed=True))

    A spike reads the weight before the learning of the step in which it is emitted.

    Args:
      projection: the projection that has the weights, of `Dense`, `Sparse` or `OneToOne`.
      transposed: if True, the two sides of each synapse are exchanged.

    Attributes:
      of: the name of the projection that has the weights.
      is_transposed: True if the two sides of each synapse are exchanged.
      num_pre: the size of the presynaptic population.
      num_post: the size of the postsynaptic population.
      dtype: of the weights.
      max_delay: the longest delay of a synapse; 0 if synapses have none of their own.
      is_listed: True if the synapses are visited as a list.
      learns: True if the weights are plastic.

    Raises:
      TypeError: if `projection` is no projection, or its connectivity is of another kind.
      ValueError: if its synapses have axonal parts of their own.
    """

    of: str = static()
    is_transposed: bool = static()
    num_pre: int = static()
    num_post: int = static()
    dtype: Any = static()
    max_delay: int = static()
    is_listed: bool = static()
    learns: bool = static()

    def __init__(self, projection: Projection, transposed: bool = False) -> None:
        check_flag(transposed, "Shared, transposed")
        connectivity: Any = getattr(projection, "connectivity", None)
        if not isinstance(connectivity, Dense | Sparse | OneToOne):
            given = type(projection if connectivity is None else connectivity).__name__
            raise TypeError(
                f"Shared: given {given}; expected a projection of Dense, Sparse or OneToOne"
            )
        if getattr(connectivity, "axonal", None) is not None:
            raise ValueError(
                f"Shared: given projection {projection.name!r}, whose synapses have axonal parts "
                "of their own; expected none"
            )
        sides = (connectivity.num_pre, connectivity.num_post)
        num_pre, num_post = sides[::-1] if transposed else sides
        canonical = {
            "of": projection.name,
            "is_transposed": bool(transposed),
            "num_pre": num_pre,
            "num_post": num_post,
            "dtype": connectivity.dtype,
            "max_delay": getattr(connectivity, "max_delay", 0),
            "is_listed": projection.is_listed,
            "learns": projection.plasticity is not None,
        }
        for name, value in canonical.items():
            object.__setattr__(self, name, value)

    def resolved(self, connectivity: Any) -> Any:
        """Return the synapses of this projection.

        Args:
          connectivity: that of the projection that has the weights.
        """
        return transposed(connectivity) if self.is_transposed else connectivity

    def own_weights(self, weights: jax.Array) -> jax.Array:
        """Return weights in the shape that the synapses of this projection have.

        Args:
          weights: in the shape that they have in the projection that has them.
        """
        return weights.T if self.is_transposed else weights

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Raise an error, since the weights are those of another projection."""
        raise TypeError(
            f"Shared: the weights are those of projection {self.of!r}; deliver through its "
            "connectivity"
        )
