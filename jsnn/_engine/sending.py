"""Spikes and numbers that are sent in a step, and the products that turn them into sums."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn._engine.prepared import Prepared
from jsnn._engine.values import clock
from jsnn._kernels.delivery import Synapses, event_product, sparse_product
from jsnn.models.model import Values
from jsnn.models.surrogates import spike
from jsnn.network.connectivity import (
    Connectivity,
    Delayed,
    EventDriven,
    Listed,
    Modifiable,
    Shared,
)
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
      step: the number of the step.
    """

    before: dict[str, Values]
    after: dict[str, Values]
    spikes: SpikesOf
    groups: dict[str, Values]
    all_spikes: SpikesOf
    all_spikes_of_groups: SpikesOf
    synapses: dict[str, Values]
    step: jax.Array


def sent_by(prepared: Prepared, projection: Projection, now: Now) -> jax.Array:
    """Return the spikes of a population, its events or the numbers that it sends, [pre]."""
    name, model, devices = projection.pre, projection.synapse, prepared.devices
    function = model.sends or model.event
    if function is None:
        return now.all_spikes[name]
    params = {**projection.params, **clock(now.step, prepared.network.dt)}
    sent = function(params, {**now.after[name], "spike": now.spikes[name]})
    if model.event is not None:
        surrogate = prepared.network.population(name).model.surrogate
        sent = spike(surrogate, sent.astype(prepared.network.dtype))
    return devices.from_all(sent, devices.sizes[name])


def sum_of_each(
    prepared: Prepared, projection: Projection, plasticity: PlasticityState | None, now: Now
) -> jax.Array:
    """Return the sums of the numbers that each synapse sends, [post]."""
    devices, ends = prepared.devices, prepared.ends[projection.name]
    connectivity: Any = _connectivity(prepared, projection, plasticity)
    size = devices.sizes[projection.pre]
    of_pre = {**now.after[projection.pre], "spike": now.spikes[projection.pre]}
    pre = {k: ends.of_pre(devices.from_all(x, size)) if x.ndim else x for k, x in of_pre.items()}
    of_post = {**now.after[projection.post], "spike": now.spikes[projection.post]}
    post = {k: ends.of_post(x) if x.ndim else x for k, x in of_post.items()}
    declared = projection.synapse.params
    params = {
        k: ends.of_post(x) if x.ndim and not declared[k].ndim else x
        for k, x in projection.params.items()
    }
    params |= clock(now.step, prepared.network.dt)
    assert projection.synapse.sends_each is not None
    sent = projection.synapse.sends_each(params, connectivity.weights, pre, post)
    each = jnp.broadcast_to(sent, connectivity.weights.shape).astype(connectivity.dtype)
    return connectivity.with_weights(each).deliver(jnp.ones(size, connectivity.dtype))


def product_of(
    prepared: Prepared,
    projection: Projection,
    plasticity: PlasticityState | None,
    sent: jax.Array,
) -> jax.Array:
    """Turn what is sent [pre] into the sums that reach each neuron, [post]."""
    connectivity = _connectivity(prepared, projection, plasticity)
    by_events = prepared.event_driven and not projection.synapse.sends_numbers
    if by_events and isinstance(connectivity, EventDriven):
        sums = connectivity.deliver_events(sent)
    else:
        sums = connectivity.deliver(sent)
    is_divided = len(sums) == prepared.network.sizes[projection.post]
    return sums if is_divided else prepared.devices.own(sums)


def with_delays(
    prepared: Prepared,
    projection: Projection,
    sums: jax.Array | None,
    step: jax.Array,
    sent: jax.Array,
) -> jax.Array:
    """Add to the sums of steps to come what is sent to synapses with delays, without a list."""
    connectivity = prepared.connectivity[projection.name]
    assert isinstance(connectivity, Delayed)
    assert sums is not None
    by_events = prepared.event_driven and not projection.synapse.sends_numbers
    return connectivity.deliver_onto(sums, step, sent, event_driven=by_events)


def _connectivity(
    prepared: Prepared, projection: Projection, plasticity: PlasticityState | None
) -> Connectivity:
    """Return the connectivity with the weights that the synapses have."""
    connectivity = prepared.connectivity[projection.name]
    if plasticity is None:
        return connectivity
    assert isinstance(connectivity, Modifiable)
    weights, shared = plasticity.synapses["weight"], projection.connectivity
    own = shared.own_weights(weights) if isinstance(shared, Shared) else weights
    return connectivity.with_weights(own)


def plasticity_of(projection: Projection, state: State) -> PlasticityState | None:
    """Return the plastic synapses whose weights a projection reads, or None if they are static."""
    if projection.shares_learning_weights:
        assert isinstance(projection.connectivity, Shared)
        return state.projections[projection.connectivity.of].plasticity
    return state.projections[projection.name].plasticity


def synapses_now(
    prepared: Prepared, projection: Projection, plasticity: PlasticityState | None
) -> Synapses:
    """Return the list of synapses with the weights that they have."""
    synapses = prepared.synapses[projection.name]
    if plasticity is None:
        return synapses
    connectivity = _connectivity(prepared, projection, plasticity)
    assert isinstance(connectivity, Listed)
    return synapses._replace(weights=connectivity.sorted_weights())


def through_list(
    prepared: Prepared, state: State, projection: Projection, sent: jax.Array, onto: jax.Array
) -> jax.Array:
    """Add to sums [post] what arrives within a step through a list of synapses."""
    synapses = synapses_now(prepared, projection, plasticity_of(projection, state))
    by_events = prepared.event_driven and not projection.synapse.sends_numbers
    return (event_product if by_events else sparse_product)(sent, synapses, onto)
