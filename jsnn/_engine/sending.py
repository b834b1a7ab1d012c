"""Spikes and numbers that are sent in a step, and the products that turn them into sums."""

from typing import NamedTuple

import jax

from jsnn._engine.prepared import Prepared
from jsnn._kernels.delivery import Synapses, event_product, sparse_product
from jsnn.models.model import Values
from jsnn.network.connectivity import Connectivity, EventDriven, Listed, Modifiable
from jsnn.network.projection import Projection
from jsnn.network.state import PlasticityState, State
from jsnn.recording import SpikesOf


class Now(NamedTuple):
    """State of a step in its course.

    Attributes:
      before: {population: {variable: [N]}} before the step.
      after: {population: {variable: [N]}} after it, of the populations that were updated.
      spikes: {population: [N]}, of these.
      groups: {group: {variable: [N of the group]}} after the step, of these.
      all_spikes: {population: [N]}, of the neurons of all devices.
      all_spikes_of_groups: {group: [N of the group]}, of these.
      synapses: {projection: {variable: [post]}} after the step, of projections to these.
    """

    before: dict[str, Values]
    after: dict[str, Values]
    spikes: SpikesOf
    groups: dict[str, Values]
    all_spikes: SpikesOf
    all_spikes_of_groups: SpikesOf
    synapses: dict[str, Values]


def sent_by(prepared: Prepared, projection: Projection, now: Now) -> jax.Array:
    """Return the spikes of a population or the numbers that it sends, [pre]."""
    if projection.synapse.sends is None:
        return now.all_spikes[projection.pre]
    sent = projection.synapse.sends(dict(projection.params), now.after[projection.pre])
    return prepared.devices.from_all(sent, prepared.devices.sizes[projection.pre])


def product_of(
    prepared: Prepared,
    projection: Projection,
    plasticity: PlasticityState | None,
    sent: jax.Array,
) -> jax.Array:
    """Turn what is sent [pre] into the sums that reach each neuron, [post]."""
    connectivity = _connectivity(projection, plasticity)
    by_events = prepared.event_driven and projection.synapse.sends is None
    if by_events and isinstance(connectivity, EventDriven):
        sums = connectivity.deliver_events(sent)
    else:
        sums = connectivity.deliver(sent)
    is_divided = len(sums) == prepared.network.sizes[projection.post]
    return sums if is_divided else prepared.devices.own(sums)


def _connectivity(projection: Projection, plasticity: PlasticityState | None) -> Connectivity:
    """Return the connectivity with the weights that the synapses have."""
    if plasticity is None:
        return projection.connectivity
    assert isinstance(projection.connectivity, Modifiable)
    return projection.connectivity.with_weights(plasticity.synapses["weight"])


def synapses_now(
    prepared: Prepared, projection: Projection, plasticity: PlasticityState | None
) -> Synapses:
    """Return the list of synapses with the weights that they have."""
    synapses = prepared.synapses[projection.name]
    if plasticity is None:
        return synapses
    connectivity = _connectivity(projection, plasticity)
    assert isinstance(connectivity, Listed)
    return synapses._replace(weights=connectivity.sorted_weights())


def through_list(
    prepared: Prepared, state: State, projection: Projection, sent: jax.Array, onto: jax.Array
) -> jax.Array:
    """Add to sums [post] what arrives within a step through a list of synapses."""
    synapses = synapses_now(prepared, projection, state.projections[projection.name].plasticity)
    by_events = prepared.event_driven and projection.synapse.sends is None
    return (event_product if by_events else sparse_product)(sent, synapses, onto)
