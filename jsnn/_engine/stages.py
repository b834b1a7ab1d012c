"""Execution of a schedule: `lax.scan` over the steps of each stage."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from jsnn._engine.devices import Devices
from jsnn._engine.distinct_currents import tabulated
from jsnn._engine.divided import Parts, apart, own_drive, own_network, own_state, state_of_all
from jsnn._engine.driven import Driven, joined, with_driven_params
from jsnn._engine.groups import each_alone, have_equal_numbers, parameters
from jsnn._engine.plan import Plan
from jsnn._engine.prepared import (
    Carry,
    Prepared,
    connectivity_of,
    prepare,
    start,
    state_of,
)
from jsnn._engine.recording_plan import RecordingPlan
from jsnn._engine.schedule import Stage, leaving, parts_in
from jsnn._engine.step import advance
from jsnn._engine.steps import all_steps
from jsnn._kernels.dense import delayed
from jsnn._pytree import replace
from jsnn.network.connectivity import Connectivity, Dense, EventDriven
from jsnn.network.division import AXIS
from jsnn.network.network import Network
from jsnn.network.state import State, in_flight_after, part_of, with_part, with_projection

Recorded = dict[str, Any]
Spikes = dict[str, jax.Array]
"""Spikes by population, {population: [T, N]}, bools or floats."""


@partial(jax.jit, static_argnames="plan")
def run(
    network: Network,
    state: State,
    constant: Driven,
    varying: Driven,
    plan: Plan,
) -> tuple[State, Recorded]:
    """Run all steps of a plan.

    Args:
      network: the network that is simulated.
      state: before the first step.
      constant: the part of the drive that is constant in time.
      varying: the part of the drive that has one row for each step.
      plan: from `jsnn._engine.plan`.

    Returns:
      The state after the last step, and {recording: result}.
    """
    network = with_driven_params(network, constant.params)
    grouped = any(len(group) > 1 for group in plan.schedule.groups)
    if len(plan.schedule.stages) == 1 and not grouped:
        return _together(plan, network, state, constant, varying)
    return _quickly(plan, network, state, constant, varying)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _quickly(
    plan: Plan, network: Network, state: State, constant: Driven, varying: Driven
) -> tuple[State, Recorded]:
    """Run stage after stage, or populations in groups, which has no derivative of its own."""
    if len(plan.schedule.stages) > 1:
        return _in_stages(plan, network, state, constant, varying)
    return _together(plan, network, state, constant, varying)


@_quickly.defjvp
def _quickly_jvp(plan: Plan, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Differentiate through the steps of each population by itself."""
    schedule = plan.schedule
    alone = replace(plan, schedule=replace(schedule, groups=each_alone(primals[0].order)))
    if len(schedule.stages) == 1:
        return jax.jvp(partial(_together, alone), primals, tangents)
    untabulated = replace(plan, schedule=replace(schedule, tabulated=()))
    return jax.jvp(partial(_in_stages, untabulated, differentiable=True), primals, tangents)


def _together(
    plan: Plan,
    network: Network,
    state: State,
    constant: Driven,
    varying: Driven,
) -> tuple[State, Recorded]:
    """Run all populations together, on each of the devices over which neurons are divided."""
    if network.mesh is None:
        one = Devices(1, network.sizes)
        return _steps(plan, one, network, network, state, constant, varying)
    devices = Devices(network.mesh.size, network.sizes)

    def on_one(
        parts: Parts, network: Network, state: State, constant: Any, varying: Any
    ) -> tuple[State, Recorded]:
        own = own_network(devices, network, parts)
        own_constant = own_drive(devices, network, constant, varies=False)
        own_varying = own_drive(devices, network, varying, varies=True)
        own_before = own_state(devices, network, state)
        return _steps(plan, devices, network, own, own_before, own_constant, own_varying)

    others, parts = apart(network)
    by_part, on_all = PartitionSpec(AXIS), PartitionSpec()
    return jax.shard_map(
        on_one,
        mesh=network.mesh,
        in_specs=(by_part, on_all, on_all, on_all, on_all),
        out_specs=on_all,
        check_vma=False,
    )(parts, others, state, constant, varying)


def _steps(
    plan: Plan,
    devices: Devices,
    network: Network,
    own: Network,
    state: State,
    constant: Driven,
    varying: Driven,
) -> tuple[State, Recorded]:
    """Take all steps of the neurons of this device.

    Args:
      plan: with a single stage.
      devices: the devices over which the network is divided.
      network: the network, as recordings see it.
      own: the network of this device, and likewise all that follow.
      state: before the first step.
      constant: the part of the drive that is constant in time.
      varying: the part of the drive that has one row for each step.

    Returns:
      The state of all devices after the last step, and {recording: result}.
    """
    recordings, schedule = plan.recordings, plan.schedule
    prepared = prepare(
        own,
        schedule.groups or each_alone(network.order),
        event_driven=schedule.event_driven,
        devices=devices,
        constant=constant.inputs,
        varying=varying.names,
    )

    def seen(carry: Carry) -> State:
        return state_of_all(devices, network, state_of(prepared, carry))

    def taken(prepared: Prepared, first: Any) -> tuple[Any, Any]:
        def body(before: tuple[Carry, Any], now: Driven) -> tuple[Any, Any]:
            carry, kept = before
            inputs = joined(constant.inputs, now.inputs)
            carry, spikes = advance(prepared, carry, inputs, now.params)
            state = seen(carry)
            return (carry, recordings.fold(kept, state, spikes)), recordings.observe(state, spikes)

        return all_steps(body, first, varying, plan.num_steps, plan.checkpoint_every)

    first = (start(prepared, state), recordings.start(network))
    if max(map(len, prepared.groups)) > 1:
        equal = prepared._replace(params=parameters(own, prepared.groups, are_equal=True))
        (carry, kept), stacked = jax.lax.cond(
            have_equal_numbers(own, prepared.groups),
            partial(taken, equal),
            partial(taken, prepared),
            first,
        )
    else:
        (carry, kept), stacked = taken(prepared, first)
    return seen(carry), recordings.finish(kept, stacked)


def _in_stages(
    plan: Plan,
    network: Network,
    state: State,
    constant: Driven,
    varying: Driven,
    *,
    differentiable: bool = False,
) -> tuple[State, Recorded]:
    """Run stage after stage, each over all steps; `state` is a fresh one.

    With `differentiable`, spikes pass from stage to stage as floats, which have derivatives.
    """
    schedule, num_steps = plan.schedule, plan.num_steps
    sums: dict[str, jax.Array] = {}
    recorded: Recorded = {}
    for stage in schedule.stages:
        name, mine = stage[0], plan.recordings.of(parts_in(network, stage))
        if name in schedule.tabulated:
            current = constant.inputs[name]["current"]
            currents = jnp.broadcast_to(current, (network.sizes[name],))
            table = tabulated(network, name, currents, num_steps, mine)
            state = replace(state, populations=state.populations | {name: table.variables})
            for sent, rows in table.in_flight.items():
                state = with_projection(state, sent, in_flight=rows)
            sums |= table.sums
            recorded |= table.kept
            continue
        if name in schedule.given:
            state, kept, spikes = _given(
                network, name, state, varying.inputs[name]["current"], mine
            )
        else:
            own = replace(plan, recordings=mine)
            kind = network.dtype if differentiable else jnp.bool_
            state, kept, spikes = _stage(network, stage, state, constant, varying, sums, own, kind)
        recorded |= kept
        for projection in leaving(network, stage):
            left = in_flight_after(spikes[projection.pre], projection.delay, network.dtype)
            state = with_projection(state, projection.name, in_flight=left)
            connectivity = connectivity_of(network, projection)
            sums[projection.name] = _over_time(
                connectivity,
                projection.delay,
                spikes[projection.pre],
                differentiable=differentiable,
            )
    return replace(state, step=state.step + num_steps), recorded


def _stage(
    network: Network,
    stage: Stage,
    state: State,
    constant: Driven,
    varying: Driven,
    sums: dict[str, jax.Array],
    plan: Plan,
    kind: Any,
) -> tuple[State, Recorded, Spikes]:
    """Run one stage; return the state, the recordings, and the spikes that leave the stage.

    The spikes have the dtype `kind`.
    """
    mine = parts_in(network, stage)
    from_others = [p for p in network.projections if p.post in stage and p.pre not in stage]
    incoming = {p.name: sums[p.name] for p in from_others}
    sending = {p.pre for p in leaving(network, stage)}
    part = _without_incoming(part_of(state, mine), incoming)

    prepared = prepare(network, each_alone(stage), event_driven=plan.schedule.event_driven)

    def body(before: tuple[Carry, Any], now: Any) -> tuple[Any, Any]:
        carry, kept = before
        changing, arriving = now
        inputs = joined(constant.inputs, changing.inputs)
        carry, spikes = advance(prepared, carry, inputs, changing.params, arriving=arriving)
        state = state_of(prepared, carry)
        kept = plan.recordings.fold(kept, state, spikes)
        spiked = {name: spikes[name] > 0 if kind is jnp.bool_ else spikes[name] for name in sending}
        return (carry, kept), (plan.recordings.observe(state, spikes), spiked)

    first = (start(prepared, part), plan.recordings.start(network))
    changing = varying.of(mine)
    (carry, kept), (stacked, spikes) = jax.lax.scan(
        body, first, (changing, incoming), length=plan.num_steps
    )
    part = state_of(prepared, carry)
    for name in incoming:  # an earlier stage has left these spikes in flight
        part = with_projection(part, name, in_flight=state.projections[name].in_flight)
    return (
        with_part(state, replace(part, step=state.step)),
        plan.recordings.finish(kept, stacked),
        spikes,
    )


def _without_incoming(part: State, incoming: dict[str, jax.Array]) -> State:
    """Return the state of a stage without spikes in flight to it, which it gets as sums instead."""
    for name in incoming:
        part = with_projection(part, name, in_flight=None)
    return part


def _given(
    network: Network, name: str, state: State, spikes: jax.Array, recordings: RecordingPlan
) -> tuple[State, Recorded, Spikes]:
    """Run a stage whose spikes are given as input; all its recordings count spikes."""
    count = spikes.sum(axis=0, dtype=jnp.int32).astype(network.dtype)
    last = {name: {"spike": spikes[-1].astype(network.dtype)}}
    after = replace(state, populations=state.populations | last)
    return after, {recording: count for recording, _ in recordings.folded}, {name: spikes}


def _over_time(
    connectivity: Connectivity, delay: int, spikes: jax.Array, *, differentiable: bool
) -> jax.Array:
    """Turn spikes, bools or floats [T, pre], into the sums that arrive in every step, [T, post]."""
    has_rule = isinstance(connectivity, Dense) or not differentiable
    if has_rule and isinstance(connectivity, EventDriven):
        return connectivity.deliver_over_time(spikes, delay)
    return jax.vmap(connectivity.deliver)(delayed(spikes, delay).astype(connectivity.dtype))
