"""A schedule carried out: `lax.scan` over the steps of each stage."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.distinct_currents import tabulated
from jsnn._engine.recording_plan import Plan
from jsnn._engine.schedule import Schedule, Stage, leaving
from jsnn._engine.step import advance
from jsnn._kernels.dense import delayed
from jsnn._pytree import replace
from jsnn.network.connectivity import EventDriven
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import State, in_flight_after


@partial(jax.jit, static_argnames=("num_steps", "planned", "schedule"))
def run(
    network: Network,
    state: State,
    constant: dict[str, Any],
    varying: dict[str, jax.Array],
    num_steps: int,
    planned: Plan,
    schedule: Schedule,
) -> tuple[State, dict[str, Any]]:
    """The state after `num_steps` under the drive, and what was `planned` to be recorded."""
    how = _together if len(schedule.stages) == 1 else _in_stages
    return how(num_steps, planned, schedule, network, state, constant, varying)


def _together(
    num_steps: int,
    planned: Plan,
    schedule: Schedule,
    network: Network,
    state: State,
    constant: dict[str, Any],
    varying: dict[str, jax.Array],
) -> tuple[State, dict[str, Any]]:
    def body(carry: tuple[State, Any], now: dict[str, jax.Array]) -> tuple[Any, Any]:
        state, kept = carry
        drive = constant | now
        state, spikes = advance(network, state, drive, event_driven=schedule.event_driven)
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


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _in_stages(
    num_steps: int,
    planned: Plan,
    schedule: Schedule,
    network: Network,
    state: State,
    constant: dict[str, Any],
    varying: dict[str, jax.Array],
) -> tuple[State, dict[str, Any]]:
    """Stage after stage, each over all steps; `state` is a fresh one."""
    sums: dict[str, jax.Array] = {}
    recorded: dict[str, Any] = {}
    for stage in schedule.stages:
        mine = planned.of(stage)
        if stage[0] in schedule.tabulated:
            name = stage[0]
            currents = jnp.broadcast_to(constant[name], (network.sizes[name],))
            table = tabulated(network, name, currents, num_steps, mine)
            state = replace(
                state,
                variables=state.variables | {name: table.variables},
                in_flight=state.in_flight | table.in_flight,
            )
            sums, recorded = sums | table.sums, recorded | table.kept
        else:
            if stage[0] in schedule.given:
                state, kept, spikes = _given(network, stage[0], state, varying[stage[0]], mine)
            else:
                state, kept, spikes = _stage(
                    network, stage, state, constant, varying, sums, num_steps, mine, schedule
                )
            recorded |= kept
            for projection in leaving(network, stage):
                sums[projection.name] = _over_time(projection, spikes[projection.pre])
    return replace(state, step=state.step + num_steps), recorded


@_in_stages.defjvp
def _in_stages_jvp(
    num_steps: int, planned: Plan, schedule: Schedule, primals: Any, tangents: Any
) -> tuple[Any, Any]:
    """Derivatives are those of stepping everything together."""
    return jax.jvp(partial(_together, num_steps, planned, schedule), primals, tangents)


def _stage(
    network: Network,
    stage: Stage,
    state: State,
    constant: dict[str, Any],
    varying: dict[str, jax.Array],
    sums: dict[str, jax.Array],
    num_steps: int,
    planned: Plan,
    schedule: Schedule,
) -> tuple[State, dict[str, Any], dict[str, jax.Array]]:
    """The state after it, what was recorded, and {population: spikes bool [T, N]}, where needed."""
    own = [p for p in network.projections if p.post in stage]
    within = [p for p in own if p.pre in stage and p.delay]
    looped = {p.pre if p.synapse.sends is None else p.name for p in within} & set(state.in_flight)
    needed = {p.pre for p in leaving(network, stage)} | (set(stage) & set(state.in_flight)) - looped
    arriving = {p.name: sums[p.name] for p in own if p.pre not in stage}
    sources = [s.name for s in network.sources if s.population in stage]
    part = replace(
        state,
        variables={name: state.variables[name] for name in stage},
        synapses={p.name: state.synapses[p.name] for p in own},
        sources={name: state.sources[name] for name in sources},
        in_flight={name: state.in_flight[name] for name in looped},
        arriving={p.name: state.arriving[p.name] for p in own if p.name in state.arriving},
        plastic={p.name: state.plastic[p.name] for p in own if p.name in state.plastic},
    )

    def body(carry: tuple[State, Any], now: Any) -> tuple[Any, Any]:
        state, kept = carry
        changing, arrived = now
        state, spikes = advance(
            network,
            state,
            constant | changing,
            populations=stage,
            sums=arrived,
            event_driven=schedule.event_driven,
        )
        spiked = {name: spikes[name] > 0 for name in needed}
        return (state, planned.fold(kept, state, spikes)), (planned.observe(state, spikes), spiked)

    start = (part, planned.start(network))
    inputs = {*stage, *(p.name for p in own)}
    changing = {name: rows for name, rows in varying.items() if name in inputs}
    (part, kept), (stacked, spikes) = jax.lax.scan(
        body, start, (changing, arriving), length=num_steps
    )
    in_flight: dict[str, jax.Array] = {}
    for name in needed - looped:
        in_flight |= in_flight_after(network, name, spikes[name])
    after = replace(
        state,
        variables=state.variables | part.variables,
        synapses=state.synapses | part.synapses,
        sources=state.sources | part.sources,
        in_flight=state.in_flight | part.in_flight | in_flight,
        arriving=state.arriving | part.arriving,
        plastic=state.plastic | part.plastic,
    )
    return after, planned.finish(kept, stacked), spikes


def _given(
    network: Network, name: str, state: State, spikes: jax.Array, planned: Plan
) -> tuple[State, dict[str, Any], dict[str, jax.Array]]:
    """The same of a population of which the drive holds the spikes; all recordings count them."""
    count = spikes.sum(axis=0, dtype=jnp.int32).astype(network.dtype)
    last = {name: {"spike": spikes[-1].astype(network.dtype)}}
    after = replace(
        state,
        variables=state.variables | last,
        in_flight=state.in_flight | in_flight_after(network, name, spikes),
    )
    return after, {recording: count for recording, _ in planned.folded}, {name: spikes}


def _over_time(projection: Projection, spikes: jax.Array) -> jax.Array:
    """What arrives through a projection in every step, [T, post], of spikes bool [T, pre]."""
    connectivity, delay = projection.connectivity, projection.delay
    if isinstance(connectivity, EventDriven):
        return connectivity.deliver_over_time(spikes, delay)
    return jax.vmap(connectivity.deliver)(delayed(spikes, delay).astype(connectivity.dtype))
