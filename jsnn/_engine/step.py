"""One step of a network: spikes arrive, synapses and sources make current, neurons update."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._engine.plasticity_step import learn
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.models.surrogates import spike
from jsnn.network.connectivity import Connectivity, EventDriven, Modifiable, SynapticDelays
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.state import PlasticityState, ProjectionState, State
from jsnn.recording import SpikesOf


def advance(
    network: Network,
    state: State,
    drive: Mapping[str, Any],
    *,
    arriving: Mapping[str, jax.Array] | None = None,
    event_driven: bool = False,
) -> tuple[State, SpikesOf]:
    """Take one step of the populations that `state` holds.

    Args:
      network: the network that is simulated.
      state: of all populations, or of some, with the projections that reach them.
      drive: the input of this step, without time courses.
      arriving: {projection: [post]}, the sums that arrive now through projections from
        populations that `state` does not hold.
      event_driven: deliver by events if a connectivity can, instead of by whole products.

    Returns:
      The new state, and {population: spikes [N]}.
    """
    given = arriving or {}
    source_states, currents = _source_currents(network, state, drive)
    populations, spikes, sent = dict(state.populations), SpikesOf(), SpikesOf()
    synapses: dict[str, Values] = {}
    for name in network.order:
        if name not in state.populations:
            continue
        population = network.population(name)
        total = {
            target: jnp.zeros(population.size, network.dtype) for target in population.model.targets
        }
        for projection in network.projections:
            if projection.post == name:
                arrived = given.get(projection.name)
                if arrived is None:
                    arrived = _arriving(projection, state, spikes, sent, event_driven)
                synapses[projection.name], incoming = _through_synapses(
                    projection, state, arrived, network.dt
                )
                total[projection.target] = total[projection.target] + incoming
        for source in network.sources:
            if source.population == name:
                total[source.target] = total[source.target] + currents[source.name]
        if name in drive:
            total["current"] = total["current"] + jnp.asarray(drive[name], network.dtype)
        populations[name], spikes[name] = _update_neurons(
            population,
            state.populations[name],
            total if population.model.inputs else total["current"],
            _draws(network, state, population),
            network.dt,
        )
        sent |= _sent(network, name, populations[name], spikes[name])

    def send_and_learn(
        projection: Projection, before: ProjectionState
    ) -> tuple[jax.Array | None, PlasticityState | None]:
        """Return the sums that are now on their way, and the plastic synapses after this step."""
        rule = projection.plasticity
        if rule is not None and rule.model.delivers_learnt_weight:
            learnt = _learnt(
                projection, before, None, populations, drive, spikes, network.dt, event_driven
            )
            return _on_its_way(projection, before, learnt, sent, event_driven), learnt
        sums = _on_its_way(projection, before, before.plasticity, sent, event_driven)
        return sums, _learnt(
            projection, before, sums, populations, drive, spikes, network.dt, event_driven
        )

    after = replace(
        state,
        step=state.step + 1,
        populations=populations,
        sources=dict(state.sources) | source_states,
        projections={
            p.name: ProjectionState(
                synapse=synapses[p.name],
                in_flight=_put_in_flight(before.in_flight, state.step, sent.get(p.name)),
                arriving=arriving,
                plasticity=plasticity,
            )
            for p in network.projections
            if (before := state.projections.get(p.name)) is not None
            for arriving, plasticity in [send_and_learn(p, before)]
        },
    )
    return after, spikes


def _sent(network: Network, population: str, variables: Values, spikes: jax.Array) -> SpikesOf:
    """Return {projection: [pre]}, the spikes of a population or the numbers that it sends."""
    return {
        p.name: spikes if p.synapse.sends is None else p.synapse.sends(dict(p.params), variables)
        for p in network.projections
        if p.pre == population
    }


def _arriving(
    projection: Projection, state: State, spikes: SpikesOf, sent: SpikesOf, event_driven: bool
) -> jax.Array:
    """Return the sum that reaches each neuron now, [post]; `state` is before the step."""
    before = state.projections[projection.name]
    if before.arriving is not None:
        return before.arriving[0]
    emitted = _delayed(projection.delay, before, state.step, sent.get(projection.name))
    connectivity = _connectivity(projection, before.plasticity)
    return deliver(connectivity, emitted, event_driven and projection.synapse.sends is None)


def _delayed(
    delay: int, before: ProjectionState, step: jax.Array, now: jax.Array | None
) -> jax.Array:
    """Return the spikes of `delay` steps ago, [pre]; `now` are the spikes of this step."""
    if delay == 0:
        assert now is not None
        return now
    assert before.in_flight is not None
    if delay == 1:
        return before.in_flight[0]
    row = (step - delay) % delay
    return jax.lax.dynamic_index_in_dim(before.in_flight, row, keepdims=False)


def _connectivity(projection: Projection, plasticity: PlasticityState | None) -> Connectivity:
    """Return the connectivity with the weights that the synapses have."""
    if plasticity is None:
        return projection.connectivity
    assert isinstance(projection.connectivity, Modifiable)
    return projection.connectivity.with_weights(plasticity.synapses["weight"])


def deliver(connectivity: Connectivity, spikes: jax.Array, event_driven: bool) -> jax.Array:
    """Turn spikes [pre] into the summed weights that reach each neuron [post]."""
    if event_driven and isinstance(connectivity, EventDriven):
        return connectivity.deliver_events(spikes)
    return connectivity.deliver(spikes)


def _through_synapses(
    projection: Projection, state: State, arrived: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    """Update the synapse model; return its variables and the input that it makes, [post]."""
    model, variables = projection.synapse, state.populations[projection.post]
    before = state.projections[projection.name].synapse
    params = _per_neuron(projection.params, arrived.shape[0])
    reads = {name: variables[name] for name in model.reads}
    after, incoming = model.update(params, before, arrived, reads, dt)
    return _strong(after, before), incoming


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
    """Return the random numbers that a neuron model asks for in this step, [N] each."""
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
"""The first random stream of populations; the streams below are those of current sources."""


def _put_in_flight(
    in_flight: jax.Array | None, step: jax.Array, emitted: jax.Array | None
) -> jax.Array | None:
    """Put the spikes of this step in the place of those that have just arrived."""
    if in_flight is None or emitted is None:
        return in_flight
    delay = in_flight.shape[0]
    if delay == 1:
        return emitted[None]
    return jax.lax.dynamic_update_index_in_dim(in_flight, emitted, step % delay, 0)


def _on_its_way(
    projection: Projection,
    before: ProjectionState,
    plasticity: PlasticityState | None,
    sent: SpikesOf,
    event_driven: bool,
) -> jax.Array | None:
    """Return the sums that arrive in the steps to come, of a projection that keeps them."""
    if before.arriving is None:
        return None
    connectivity = _connectivity(projection, plasticity)
    events = event_driven and projection.synapse.sends is None
    if not projection.has_synaptic_delays:
        return deliver(connectivity, sent[projection.name], events)[None]
    assert isinstance(connectivity, SynapticDelays)
    new = connectivity.deliver_delayed(sent[projection.name], event_driven=events)
    later = jnp.concatenate([before.arriving[1:], jnp.zeros_like(before.arriving[:1])])
    return later + new


def _learnt(
    projection: Projection,
    before: ProjectionState,
    delivered: jax.Array | None,
    variables: Mapping[str, Values],
    drive: Mapping[str, Any],
    spikes: SpikesOf,
    dt: jax.Array,
    event_driven: bool,
) -> PlasticityState | None:
    """Return the plastic synapses after this step.

    Args:
      projection: the projection that learns.
      before: its state before the step.
      delivered: sums of the weights before this step's learning, if they are made in this step.
      variables: of all populations after the step.
      drive: the input of this step.
      spikes: of this step.
      dt: in ms.
      event_driven: visit the synapses of the neurons that spiked alone, where that is quicker.
    """
    rule = projection.plasticity
    if rule is None or before.plasticity is None:
        return before.plasticity
    assert isinstance(projection.connectivity, Modifiable)
    return learn(
        rule.model,
        projection.connectivity,
        before.plasticity,
        {**rule.params, **drive.get(projection.name, {})},
        _side(spikes[projection.pre], variables[projection.pre], rule.model.reads_pre),
        _side(spikes[projection.post], variables[projection.post], rule.model.reads_post),
        dt,
        delivered,
        event_driven=event_driven,
    )


def _side(spikes: jax.Array, variables: Values, reads: Sequence[str]) -> Values:
    """Return the view that a learning rule has of the neurons on one side."""
    return {"spike": spikes, **{name: variables[name] for name in reads}}


def _source_currents(
    network: Network, state: State, drive: Mapping[str, Any]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    """Return the variables of the current sources after this step, and their currents."""
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        if source.population not in state.populations:
            continue
        params = _per_neuron(
            {**source.params, **drive.get(source.name, {})}, network.sizes[source.population]
        )
        own_key = (
            jax.random.key(0, impl="threefry2x32") if key is None else jax.random.fold_in(key, i)
        )
        before = state.sources[source.name]
        after, currents[source.name] = source.model.current(params, before, own_key, network.dt)
        states[source.name] = _strong(after, before)
    return states, currents


def _strong(after: Values, before: Values) -> Values:
    """Return variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def _per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
