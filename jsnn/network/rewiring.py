"""Rewiring: synapses go and others come, with all shapes as they were."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_known, check_type
from jsnn._pytree import FrozenDict, replace
from jsnn.models.quantity import defaults
from jsnn.network.connectivity import Sparse
from jsnn.network.network import Network
from jsnn.network.plasticity import Plasticity
from jsnn.network.state import State
from jsnn.network.updates import check_pair, with_synapses
from jsnn.network.values import Given, cast_initial, check_values, completed


def rewire(
    network: Network,
    state: State,
    projection: str,
    remove: ArrayLike,
    add: ArrayLike,
    pre: ArrayLike,
    post: ArrayLike,
    weights: ArrayLike,
    delays: ArrayLike | None = None,
    axonal: ArrayLike | None = None,
    variables: Given | None = None,
) -> tuple[Network, State]:
    """Remove synapses of a `Sparse` projection with a capacity, then add others in empty places.

    Every array has one element for each place, S in all, so whatever goes and comes, nothing is
    compiled again, and network and state can be the carry of `jax.lax.scan`. The other synapses
    keep their places and their values. Spikes in flight arrive through the synapses that existed
    when they reached them.

        synapses = network.projection("a_to_b").connectivity  # made with capacity=1000
        weak = synapses.exists & (state.projections["a_to_b"].plasticity.synapses["weight"] < 0.1)
        network, state = jsnn.rewire(network, state, "a_to_b", weak, weak, pre, post, weights)

    Args:
      network: the network of the state.
      state: the state; it is not changed.
      projection: the name of the projection.
      remove: bool [S], True where the synapse goes; an empty place stays empty.
      add: bool [S], True where a new synapse comes, in places that are empty or where `remove` is
        True. Elsewhere the other arguments do not count.
      pre: integers [S], the presynaptic neurons of the new synapses.
      post: integers [S], their postsynaptic neurons.
      weights: [S], their weights.
      delays: integers [S], needed if synapses have delays, at most the longest that there was when
        the connectivity was made.
      axonal: integers [S], needed if plastic synapses have axonal parts of their own, likewise.
      variables: values that replace the initial values of the rule's own variables, each a scalar
        or [S].

    Returns:
      The network, which has the new synapses with their weights as initial values too, and the
      state.

    Raises:
      TypeError: if the connectivity is not `Sparse` or has no capacity, a mask is not of bools, or
        an index is not an integer.
      ValueError: if the projection is unknown, an index is outside, a synapse is added in a place
        that is not empty, shapes differ, a variable is unknown, or a weight is outside the bounds
        of the plasticity. Masks, indices and weights that are traced are not checked; a synapse
        that is added in a place that is not empty then replaces the one there.
    """
    what = f"rewire of {projection!r}"
    check_pair(network, state, what)
    check_known([projection], [p.name for p in network.projections], what, "projection")
    old = network.projection(projection)
    sparse: Any = old.connectivity
    check_type(sparse, Sparse, what, " connectivity")
    try:
        shortest_delay = 1 + (old.axonal or 0)
        connectivity = sparse.rewired(
            *(remove, add, pre, post, weights, delays, axonal, shortest_delay)
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None
    rule = old.plasticity
    if rule is None:
        if variables:
            raise ValueError(f"{what}, variables: given some without a plasticity; expected none")
    else:
        rule.check_weights(weights, f"{what}, weights", add)
        starts = _starts(rule, variables or {}, np.shape(weights), network.dtype, what)
        starts["weight"] = jnp.where(jnp.asarray(add), weights, 0)
        changed = jnp.asarray(remove) | jnp.asarray(add)

        def merged(name: str, values: jax.Array) -> jax.Array:
            return jnp.where(changed, starts[name].astype(values.dtype), values)

        own = {k: merged(k, v) if np.ndim(v) else v for k, v in rule.initial.items()}
        rule = replace(rule, initial=FrozenDict(own))
        before = state.projections[projection].plasticity
        assert before is not None
        synapses = {name: merged(name, values) for name, values in before.synapses.items()}
        state = with_synapses(state, projection, synapses)
    new = replace(old, connectivity=connectivity, plasticity=rule)
    projections = tuple(new if p.name == projection else p for p in network.projections)
    return replace(network, projections=projections), state


def _starts(
    rule: Plasticity, given: Any, each: tuple[int, ...], dtype: Any, what: str
) -> dict[str, jax.Array]:
    """Return the initial values of the variables of new synapses, () or [S] each."""
    model = rule.model
    check_type(given, Mapping, f"{what}, variables", " by name")
    of_all = {name: value for name, value in rule.initial.items() if np.ndim(value) == 0}
    values = completed(
        defaults(model.variables) | of_all | given, model.variables, what, "variable"
    )
    check_values(values, model.variables, each, f"{what}, variable", ", one for each place")
    return dict(cast_initial(values, model.variables, dtype, f"{what}, variable"))
