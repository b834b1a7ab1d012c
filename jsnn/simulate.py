"""One step of a network, and many."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._arrays import check_finite, check_known, positive_int, real_array
from jsnn._pytree import replace
from jsnn.network import CurrentSource, Network, Population, Projection, check_numbers, source_params
from jsnn.neurons import Values
from jsnn.record import Plan, Recordings, SpikesOf, plan
from jsnn.state import State, abstract_state, init
from jsnn.surrogate import spike

Drive = Mapping[str, ArrayLike | Mapping[str, ArrayLike]]
"""The input of a presentation: {population: current in nA} or {current source: {parameter: value}}.

A current is a scalar or [N], constant in time, or [T, N], one row a step.
"""


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
    num_steps = positive_int(num_steps, "num_steps")
    check_numbers(network)
    constant, varying = check_drive(network, drive, num_steps)
    if state is None:
        state = init(network, key)
    elif key is not None:
        raise ValueError("key: given together with a state; expected one of them (a state has its key)")
    else:
        _check_state(network, state)
    return _run(network, state, constant, varying, num_steps, plan(network, record, num_steps))


def step(network: Network, state: State, drive: Drive) -> tuple[State, SpikesOf]:
    """One step, as a pure function; `drive` holds this step's currents, () or [N] each.

    Returns the new state and {population: spikes [N]}, 1.0 where a neuron spiked, else 0.0.
    """
    check_numbers(network)
    _check_state(network, state)
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
        name: jnp.broadcast_to(value, (*jnp.shape(value)[:-1], size))
        for name, value in params.items()
    }


def check_drive(
    network: Network, drive: Drive, num_steps: int | None
) -> tuple[dict[str, Any], dict[str, jax.Array]]:
    """The drive apart into what is constant over the run and what has a row for each step."""
    if not isinstance(drive, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"drive: given {type(drive).__name__}; expected a dict by population")
    sources = {source.name: source for source in network.sources}
    check_known(drive, [*network.sizes, *sources], "drive", "population or current source")
    constant: dict[str, Any] = {}
    varying: dict[str, jax.Array] = {}
    for name, given in drive.items():
        what = f"drive of {name!r}"
        if name in sources:
            constant[name] = _check_source_drive(network, sources[name], given, what)
            continue
        if isinstance(given, Mapping):
            raise TypeError(f"{what}: given a dict; expected a current, since it is a population")
        size, shape = network.sizes[name], jnp.shape(given)
        over_time = num_steps is not None and shape == (num_steps, size)
        if shape not in ((), (size,)) and not over_time:
            rows = "" if num_steps is None else f", or ({num_steps}, {size}), one row a step"
            raise ValueError(
                f"{what}: given shape {shape}; expected (), ({size},), one current per neuron{rows}"
            )
        (varying if over_time else constant)[name] = real_array(given, network.dtype, what)
    return constant, varying


def _check_source_drive(
    network: Network, source: CurrentSource, given: Any, what: str
) -> dict[str, jax.Array]:
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{what}: given {type(given).__name__}; expected a dict of its parameters, since it is "
            "a current source"
        )
    size = network.sizes[source.population]
    return source_params(source, given, size, network.dtype, f"{what}, parameter")


def _check_state(network: Network, state: State) -> None:
    if not isinstance(state, State):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"state: given {type(state).__name__}; expected a jsnn.State")
    given, expected = _shapes(state), _shapes(abstract_state(network))
    for where in [*expected, *given]:
        if given.get(where) != expected.get(where):
            raise ValueError(
                f"state{where}: given {given.get(where, 'nothing')}; expected "
                f"{expected.get(where, 'nothing')}, as jsnn.init(network) makes it"
            )


def _shapes(state: State) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(replace(state, key=None))
    return {
        jax.tree_util.keystr(path): f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"
        for path, leaf in leaves
    } | ({} if state.key is None else {".key": "a key"})
