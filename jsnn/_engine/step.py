"""One step of a network: spikes arrive, synapses and sources make current, neurons update."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._engine.plasticity_step import learn
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.models.surrogates import spike
from jsnn.network.connectivity import Connectivity, DelayedEach, EventDriven, Modifiable
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.state import Plastic, State
from jsnn.recording import SpikesOf


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
    sent: dict[str, jax.Array] = {}
    for name in network.order:
        if name not in stepped:
            continue
        population = network.population(name)
        inputs = {
            target: jnp.zeros(population.size, network.dtype)
            for target in population.model.inputs or ("current",)
        }
        for projection in network.projections:
            if projection.post == name:
                arrived = given.get(projection.name)
                if arrived is None:
                    arrived = _arriving(projection, state, spikes, sent, event_driven)
                before = state.synapses[projection.name]
                params = _per_neuron(projection.of_synapse(projection.params), population.size)
                reads = {k: state.variables[name][k] for k in projection.synapse.reads}
                after, incoming = projection.synapse.update(
                    params, before, arrived, reads, network.dt
                )
                synapses[projection.name] = _strong(after, before)
                inputs[projection.target] = inputs[projection.target] + incoming
        for source in network.sources:
            if source.population == name:
                inputs[source.target] = inputs[source.target] + source_currents[source.name]
        if name in drive:
            driven = jnp.asarray(drive[name], network.dtype)
            inputs["current"] = inputs["current"] + driven
        variables[name], spikes[name] = _update_neurons(
            population,
            state.variables[name],
            inputs if population.model.inputs else inputs["current"],
            _draws(network, state, population),
            network.dt,
        )
        for projection in network.projections:
            if projection.pre == name and projection.synapse.sends is not None:
                params = projection.of_synapse(projection.params)
                sent[projection.name] = projection.synapse.sends(params, variables[name])
    return replace(
        state,
        step=state.step + 1,
        variables=variables,
        synapses=synapses,
        sources=dict(state.sources) | source_states,
        in_flight=_put_in_flight(state, spikes | sent),
        arriving=_on_its_way(network, state, spikes, sent, event_driven),
        plastic=_learnt(network, state, variables, drive, spikes),
    ), spikes


def _arriving(
    projection: Projection,
    state: State,
    spikes: SpikesOf,
    sent: Mapping[str, jax.Array],
    event_driven: bool,
) -> jax.Array:
    """What reaches each postsynaptic neuron now, [post].

    `state` is that before the step; `spikes` and what is `sent` are those of the step itself.
    """
    if projection.delayed_each:
        return state.arriving[projection.name][0]
    if projection.synapse.sends is not None:
        values = _delayed(projection, projection.name, state, sent)
        return _connectivity(projection, state).deliver(values)
    return deliver(
        _connectivity(projection, state),
        _delayed(projection, projection.pre, state, spikes),
        event_driven,
    )


def _delayed(
    projection: Projection, name: str, state: State, now: Mapping[str, jax.Array]
) -> jax.Array:
    """What `name` emitted `delay` steps ago, [pre]; `now` holds what is emitted in this step."""
    if projection.delay == 0:
        return now[name]
    in_flight = state.in_flight[name]
    if in_flight.shape[0] == 1:
        return in_flight[0]
    row = (state.step - projection.delay) % in_flight.shape[0]
    return jax.lax.dynamic_index_in_dim(in_flight, row, keepdims=False)


def _connectivity(projection: Projection, state: State) -> Connectivity:
    """With the weights that the synapses have now."""
    if projection.plasticity is None:
        return projection.connectivity
    assert isinstance(projection.connectivity, Modifiable)
    return projection.connectivity.with_weights(state.plastic[projection.name].synapses["weight"])


def deliver(connectivity: Connectivity, spikes: jax.Array, event_driven: bool) -> jax.Array:
    """Spikes [pre] to the summed weights that reach each neuron [post]."""
    if event_driven and isinstance(connectivity, EventDriven):
        return connectivity.deliver_events(spikes)
    return connectivity.deliver(spikes)


def _update_neurons(
    population: Population, variables: Values, current: Any, draws: Values, dt: jax.Array
) -> tuple[Values, jax.Array]:
    model, params = population.model, _per_neuron(population.params, population.size) | draws
    updated = model.update(params, variables, current, dt)
    spikes = spike(model.surrogate, model.threshold(params, updated))
    reset = model.reset(params, updated)
    spiked = spikes > 0
    after = {k: jnp.where(spiked, reset[k], updated[k]) for k in updated}
    return _strong(after, variables), spikes


def _draws(network: Network, state: State, population: Population) -> Values:
    """The random numbers that a neuron model asks for in this step, [N] each."""
    if not population.model.draws:
        return {}
    assert state.key is not None
    which = _STREAMS + [p.name for p in network.populations].index(population.name)
    own_key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), which)
    return {
        name: sampler(jax.random.fold_in(own_key, i), (population.size,), network.dtype)
        for i, (name, sampler) in enumerate(population.model.draws)
    }


_STREAMS = 2**16
"""From here on, random streams are those of populations; those before are of current sources."""


def _on_its_way(
    network: Network,
    state: State,
    spikes: SpikesOf,
    sent: Mapping[str, jax.Array],
    event_driven: bool,
) -> dict[str, jax.Array]:
    """What arrives in the steps to come, where each synapse has a delay of its own."""
    after = {}
    for projection in network.projections:
        if projection.name in state.arriving:
            connectivity = _connectivity(projection, state)
            assert isinstance(connectivity, DelayedEach)
            rows = state.arriving[projection.name]
            later = jnp.concatenate([rows[1:], jnp.zeros_like(rows[:1])])
            emitted = sent.get(projection.name)
            after[projection.name] = later + (
                connectivity.deliver_delayed(spikes[projection.pre], event_driven=event_driven)
                if emitted is None
                else connectivity.deliver_delayed(emitted, event_driven=False)
            )
    return after


def _learnt(
    network: Network,
    state: State,
    variables: Mapping[str, Values],
    drive: Mapping[str, Any],
    spikes: SpikesOf,
) -> dict[str, Plastic]:
    """The plastic synapses after the spikes of this step; `variables` are those after it."""
    return {
        p.name: learn(
            p,
            state.plastic[p.name],
            p.of_rule(p.params) | drive.get(p.name, {}),
            _side(spikes[p.pre], variables[p.pre], p.plasticity.reads_pre),
            _side(spikes[p.post], variables[p.post], p.plasticity.reads_post),
            network.dt,
        )
        for p in network.projections
        if p.plasticity is not None and p.name in state.plastic
    }


def _side(spikes: jax.Array, variables: Values, reads: Sequence[str]) -> Values:
    """What a learning rule sees of the neurons on one side."""
    return {"spike": spikes, **{name: variables[name] for name in reads}}


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
