"""Projections whose spikes reach a neuron within the step in which they happen.

A spike at a time e <= 0 from the end of its step arrives with the start of the next step, e too
late, and a neuron that it makes spike within these e has taken its step already. So spikes are
delivered a step ahead where the graph allows it: they arrive at the start of a step, dt + e too
early, which the step takes into account.
"""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.quantity import Quantity
from jsnn.models.synapses import SynapseModel
from jsnn.network.network import Network
from jsnn.training.exact.model import MARGIN, SHIFT


def projections_ahead(network: Network, shifting: set[str]) -> set[str]:
    """Return the names of projections that can deliver a step ahead.

    They have one delay for all synapses, which is longer than a step, or is one step and not part
    of a cycle of such delays.

    Args:
      network: the network.
      shifting: the populations whose spikes have shifts.
    """
    whole = [
        p
        for p in network.projections
        if p.pre in shifting and p.synapse.sends_spikes and not p.has_synaptic_delays
    ]
    quick = [(p.pre, p.post) for p in network.projections if p.delay <= 1]
    return {
        p.name
        for p in whole
        if p.delay > 1 or (p.delay == 1 and p.pre not in _reached(p.post, quick))
    }


def _reached(start: str, edges: Iterable[tuple[str, str]]) -> set[str]:
    """Return the populations that edges reach from one, which is among them."""
    edges, found, new = list(edges), {start}, {start}
    while new:
        new = {post for pre, post in edges if pre in new} - found
        found |= new
    return found


def as_they_arrive(
    p: Values, x: Values, arriving: jax.Array, post: Values, dt: jax.Array
) -> tuple[Any, jax.Array]:
    """Update of synapses that have no variables."""
    return x, arriving


def _send_offset(p: Values, pre: Values) -> jax.Array:
    return jnp.where(pre[MARGIN] >= 0, p["dt"] + pre[SHIFT], 0)


SHIFTS_AHEAD = SynapseModel(
    name="SHIFTS_AHEAD",
    description="Times of spikes from the start of their step: Σ w (dt + e) over the spikes.",
    params={"dt": Quantity(1.0, "ms")},
    variables={},
    update=as_they_arrive,
    sends=_send_offset,
)
