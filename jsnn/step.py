"""One step of a network: spikes arrive, synapses and sources make current, neurons update."""

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import replace
from jsnn.connectivity import EventDriven
from jsnn.network import Network
from jsnn.neurons import Values
from jsnn.parts import Population, Projection
from jsnn.record import SpikesOf
from jsnn.state import State
from jsnn.surrogate import spike


def advance(
    network: Network,
    state: State,
    drive: Mapping[str, Any],
    *,
    populations: Collection[str] | None = None,
    sums: Mapping[str, jax.Array] | None = None,
    event_driven: bool = False,
) -> tuple[State, SpikesOf]:
    """One step, as the README's semantics have it.

    Args:
      network: what is simulated.
      state: of all populations, or at least of `populations`.
      drive: this step's currents, () or [N] each.
      populations: those that are to be stepped; all by default.
      sums: {projection: [post]}, what arrives now from populations that are not stepped.
      event_driven: deliver by events where a connectivity can, instead of by whole products.
    """
    stepped = network.order if populations is None else populations
    given = {} if sums is None else sums
    source_states, source_currents = _source_currents(network, state, drive, stepped)
    variables, synapses, spikes = dict(state.variables), dict(state.synapses), SpikesOf()
    for name in network.order:
        if name not in stepped:
            continue
        population = network.population(name)
        current = jnp.zeros(population.size, network.dtype)
        for projection in network.projections:
            if projection.post == name:
                arrived = given.get(projection.name)
                if arrived is None:
                    arrived = deliver(projection, arriving(projection, state, spikes), event_driven)
                before = state.synapses[projection.name]
                params = _per_neuron(projection.params, population.size)
                after, incoming = projection.synapse.update(params, before, arrived, network.dt)
                synapses[projection.name] = _strong(after, before)
                current = current + incoming
        for source in network.sources:
            if source.population == name:
                current = current + source_currents[source.name]
        if name in drive:
            current = current + jnp.asarray(drive[name], network.dtype)
        variables[name], spikes[name] = _update_neurons(
            population, state.variables[name], current, network.dt
        )
    return replace(
        state,
        step=state.step + 1,
        variables=variables,
        synapses=synapses,
        sources=dict(state.sources) | source_states,
        in_flight=_put_in_flight(state, spikes),
    ), spikes


def arriving(projection: Projection, state: State, spikes: SpikesOf) -> jax.Array:
    """The presynaptic spikes [pre] that arrive now, those of `delay` steps ago.

    `state` is that before the step, and `spikes` are those of the step itself.
    """
    if projection.delay == 0:
        return spikes[projection.pre]
    in_flight = state.in_flight[projection.pre]
    if in_flight.shape[0] == 1:
        return in_flight[0]
    row = (state.step - projection.delay) % in_flight.shape[0]
    return jax.lax.dynamic_index_in_dim(in_flight, row, keepdims=False)


def deliver(projection: Projection, spikes: jax.Array, event_driven: bool) -> jax.Array:
    """Spikes [pre] to the summed weights that reach each neuron [post]."""
    connectivity = projection.connectivity
    if event_driven and isinstance(connectivity, EventDriven):
        return connectivity.deliver_events(spikes)
    return connectivity.deliver(spikes)


def _update_neurons(
    population: Population, variables: Values, current: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    model, params = population.model, _per_neuron(population.params, population.size)
    updated = model.update(params, variables, current, dt)
    spikes = spike(model.surrogate, model.threshold(params, updated))
    reset = model.reset(params, updated)
    spiked = spikes > 0
    after = {k: jnp.where(spiked, reset[k], updated[k]) for k in updated}
    return _strong(after, variables), spikes


def _source_currents(
    network: Network, state: State, drive: Mapping[str, Any], stepped: Collection[str]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        if source.population not in stepped:
            continue
        params = _per_neuron(
            {**source.params, **drive.get(source.name, {})}, network.sizes[source.population]
        )
        own_key = jax.random.key(0) if key is None else jax.random.fold_in(key, i)
        before = state.sources[source.name]
        after, currents[source.name] = source.model.current(params, before, own_key, network.dt)
        states[source.name] = _strong(after, before)
    return states, currents


def _put_in_flight(state: State, spikes: SpikesOf) -> dict[str, jax.Array]:
    def put(in_flight: jax.Array, new: jax.Array) -> jax.Array:
        if in_flight.shape[0] == 1:
            return new[None]
        row = state.step % in_flight.shape[0]
        return jax.lax.dynamic_update_index_in_dim(in_flight, new, row, 0)

    return {
        name: put(rows, spikes[name]) if name in spikes else rows
        for name, rows in state.in_flight.items()
    }


def _strong(after: Values, before: Values) -> Values:
    """Variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def _per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
