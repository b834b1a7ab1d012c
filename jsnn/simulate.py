"""One step of a network, and many."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_type, is_concrete, positive_int
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

    Returns the new state and {population: spikes [N]}, 1.0 where a neuron spiked, else 0.0. Called
    on its own it gives, bit for bit, what a longer run gives; in a `jax.jit` or a loop of your own
    it is traced in line, and XLA may round the last bit differently. On its own it costs two steps;
    for many, use `simulate`.
    """
    check_type(network, Network, "network")
    check_numbers(network)
    check_state(network, state)
    constant, varying = check_drive(network, drive, None)
    if not is_concrete(state.step):
        return _step(network, state, constant | varying)
    record = plan(network, {"spikes": _all_spikes}, 1)
    state, recorded = _run(network, state, constant, varying, 1, record)
    return state, {name: spikes[0] for name, spikes in recorded["spikes"].items()}


def _all_spikes(state: State, spikes: SpikesOf) -> SpikesOf:
    return spikes


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
    if num_steps == 1:
        (state, kept), stacked = _first_of_two(body, start, varying)
    else:
        (state, kept), stacked = jax.lax.scan(body, start, varying, length=num_steps)
    return state, planned.finish(kept, stacked)


def _first_of_two(body: Any, start: Any, varying: dict[str, jax.Array]) -> tuple[Any, Any]:
    """A scan of one step, run as two: XLA would unroll one, and then fuse and round differently."""

    def keeping_the_carry(carry: Any, now: Any) -> tuple[Any, Any]:
        carry, stacked = body(carry, now)
        return carry, (carry, stacked)

    twice = jax.tree.map(lambda rows: jnp.concatenate([rows, rows]), varying)
    _, (carries, stacked) = jax.lax.scan(keeping_the_carry, start, twice, length=2)
    return jax.tree.map(lambda rows: rows[0], carries), jax.tree.map(lambda r: r[:1], stacked)


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
                before = state.synapses[projection.name]
                params = _per_neuron(projection.params, population.size)
                after, incoming = projection.synapse.update(params, before, arriving, network.dt)
                synapses[projection.name] = _strong(after, before)
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
    after = {k: jnp.where(spiked, reset[k], updated[k]) for k in updated}
    return _strong(after, variables), spikes


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
        before = state.sources[source.name]
        after, currents[source.name] = source.model.current(params, before, own_key, network.dt)
        states[source.name] = _strong(after, before)
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


def _strong(after: Values, before: Values) -> Values:
    """Variables without weak types, which a constant in a model's code would bring in."""
    return {name: after[name].astype(before[name].dtype) for name in before}


def _per_neuron(params: Mapping[str, Any], size: int) -> Values:
    return {
        name: jnp.broadcast_to(value, (*np.shape(value)[:-1], size))
        for name, value in params.items()
    }
