"""One step of a network, and many."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_type, positive_int
from jsnn._pytree import replace
from jsnn.drive import Drive, check_drive
from jsnn.network import Network, check_numbers
from jsnn.neurons import Values
from jsnn.parts import Population, Projection
from jsnn.record import Plan, Recordings, SpikesOf, plan
from jsnn.state import State, check_state, init
from jsnn.surrogate import spike


def simulate(
    network: Network,
    drive: Drive,
    num_steps: int,
    *,
    record: Recordings | None = None,
    state: State | None = None,
    key: jax.Array | None = None,
) -> tuple[State, dict[str, Any]]:
    """Run one presentation; a pure function. For a batch, `jax.vmap` it.

    Args:
      network: what to run; traced, so new weights or parameters never recompile.
      drive: {population: current in nA, (), [N] or [num_steps, N]}, or, for a current source,
        {source: {parameter: value}} for this presentation.
      num_steps: T >= 1, static.
      record: {name: recording}, see `jsnn.record`; static. Nothing is kept that is not asked for.
      state: where to go on from; a fresh one by default.
      key: `jax.random.key(seed)` for a fresh state, needed where a current source is random.

    Returns:
      The state after the last step, and {name: recorded}, traces with time as the first axis.

    Raises ValueError or TypeError, before anything is compiled, where something does not fit.
    """
    check_type(network, Network, "network")
    num_steps = positive_int(num_steps, "num_steps")
    check_numbers(network)
    constant, varying = check_drive(network, drive, num_steps)
    if state is None:
        state = init(network, key)
    elif key is not None:
        raise ValueError(
            "key: given together with a state; expected one of them (a state has its key)"
        )
    else:
        check_state(network, state)
    return _run(network, state, constant, varying, num_steps, plan(network, record, num_steps))


def step(network: Network, state: State, drive: Drive) -> tuple[State, SpikesOf]:
    """One step, as a pure function; `drive` holds this step's currents, () or [N] each.

    Returns the new state and {population: spikes [N]}, 1.0 where a neuron spiked, else 0.0.
    """
    check_type(network, Network, "network")
    check_numbers(network)
    check_state(network, state)
    constant, varying = check_drive(network, drive, None)
    return _step(network, state, constant | varying)


@partial(jax.jit, static_argnames=("num_steps", "planned"))
def _run(
    network: Network,
    state: State,
    constant: dict[str, Any],
    varying: dict[str, jax.Array],
    num_steps: int,
    planned: Plan,
) -> tuple[State, dict[str, Any]]:
    def body(carry: tuple[State, Any], now: dict[str, jax.Array]) -> tuple[Any, Any]:
        state, kept = carry
        state, spikes = _step(network, state, constant | now)
        return (state, planned.fold(kept, state, spikes)), planned.observe(state, spikes)

    start = (state, planned.start(network))
    (state, kept), stacked = jax.lax.scan(body, start, varying, length=num_steps)
    return state, planned.finish(kept, stacked)


def _step(network: Network, state: State, drive: dict[str, Any]) -> tuple[State, SpikesOf]:
    source_states, source_currents = _source_currents(network, state, drive)
    variables: dict[str, Values] = {}
    synapses: dict[str, Values] = {}
    spikes: SpikesOf = {}
    for name in network.order:
        population = network.population(name)
        current = jnp.zeros(population.size, network.dtype)
        for projection in network.projections:
            if projection.post == name:
                arriving = projection.connectivity.deliver(_arriving(projection, state, spikes))
                synapses[projection.name], incoming = projection.synapse.update(
                    _per_neuron(projection.params, population.size),
                    state.synapses[projection.name],
                    arriving,
                    network.dt,
                )
                current = current + incoming
        for source in network.sources:
            if source.population == name:
                current = current + source_currents[source.name]
        if name in drive:
            current = current + drive[name]
        variables[name], spikes[name] = _update_neurons(
            population, state.variables[name], current, network.dt
        )
    return replace(
        state,
        step=state.step + 1,
        variables=variables,
        synapses=synapses,
        sources=source_states,
        in_flight=_put_in_flight(state, spikes),
    ), spikes


def _update_neurons(
    population: Population, variables: Values, current: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    model, params = population.model, _per_neuron(population.params, population.size)
    updated = model.update(params, variables, current, dt)
    spikes = spike(model.surrogate, model.threshold(params, updated))
    reset = model.reset(params, updated)
    spiked = spikes > 0
    return {k: jnp.where(spiked, reset[k], updated[k]) for k in updated}, spikes


def _source_currents(
    network: Network, state: State, drive: dict[str, Any]
) -> tuple[dict[str, Values], dict[str, jax.Array]]:
    key = None if state.key is None else jax.random.fold_in(state.key, state.step)
    states: dict[str, Values] = {}
    currents: dict[str, jax.Array] = {}
    for i, source in enumerate(network.sources):
        params = _per_neuron(
            {**source.params, **drive.get(source.name, {})}, network.sizes[source.population]
        )
        own_key = jax.random.key(0) if key is None else jax.random.fold_in(key, i)
        states[source.name], currents[source.name] = source.model.current(
            params, state.sources[source.name], own_key, network.dt
        )
    return states, currents


def _arriving(projection: Projection, state: State, spikes: SpikesOf) -> jax.Array:
    """The spikes [pre] that arrive now: those of `delay` steps ago."""
    if projection.delay == 0:
        return spikes[projection.pre]
    in_flight = state.in_flight[projection.pre]
    if in_flight.shape[0] == 1:
        return in_flight[0]
    row = (state.step - projection.delay) % in_flight.shape[0]
    return jax.lax.dynamic_index_in_dim(in_flight, row, keepdims=False)


def _put_in_flight(state: State, spikes: SpikesOf) -> dict[str, jax.Array]:
    def put(in_flight: jax.Array, new: jax.Array) -> jax.Array:
        if in_flight.shape[0] == 1:
            return new[None]
        row = state.step % in_flight.shape[0]
        return jax.lax.dynamic_update_index_in_dim(in_flight, new, row, 0)

    return {name: put(rows, spikes[name]) for name, rows in state.in_flight.items()}


def _per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
