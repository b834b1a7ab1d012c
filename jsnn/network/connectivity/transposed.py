"""Transposition of connectivity: the two sides of each synapse are exchanged."""

from typing import Any

import jax.numpy as jnp

from jsnn._pytree import replace
from jsnn.network.connectivity.dense import Dense
from jsnn.network.connectivity.indices import EMPTY, on_host
from jsnn.network.connectivity.one_to_one import OneToOne
from jsnn.network.connectivity.sparse import Sparse


def transposed(connectivity: Any) -> Any:
    """Return connectivity with the two sides of each synapse exchanged, and weights of its own.

        back = jsnn.Projection("b", "a", jsnn.transposed(forward.connectivity))

    `jsnn.Shared(forward, transposed=True)` uses the weights of another projection instead, also
    while they learn.

    Args:
      connectivity: `Dense`, `Sparse` or `OneToOne`.

    Raises:
      TypeError: if the connectivity is of another kind.
      ValueError: if its synapses have axonal parts of their own.
    """
    if not isinstance(connectivity, Dense | Sparse | OneToOne):
        raise TypeError(
            f"transposed: given {type(connectivity).__name__}; expected Dense, Sparse or OneToOne"
        )
    if getattr(connectivity, "axonal", None) is not None:
        raise ValueError(
            "transposed: given synapses with axonal parts of their own, which lie on the "
            "presynaptic side; expected none"
        )
    if isinstance(connectivity, Sparse):
        return _transposed_list(connectivity)
    if isinstance(connectivity, OneToOne):
        return connectivity
    delays = None if connectivity.delays is None else connectivity.delays.T
    return replace(connectivity, weights=connectivity.weights.T, delays=delays)


def _transposed_list(sparse: Sparse) -> Sparse:
    """Return a list of synapses with exchanged sides; the weights keep their order."""
    by_post = sparse.indexed_by_post().by_post
    assert by_post is not None
    slots = by_post.others
    if sparse.max_delay:
        delays: Any = on_host(sparse.delays)
        slots = (delays[by_post.order] - 1) * sparse.num_pre + slots
    if sparse.has_capacity:
        slots = jnp.where(jnp.asarray(sparse.exists)[by_post.order], slots, EMPTY)
    return replace(
        sparse,
        order=by_post.order,
        starts=by_post.starts,
        slots=jnp.asarray(slots),
        num_pre=sparse.num_post,
        num_post=sparse.num_pre,
        by_post=None,
    )
