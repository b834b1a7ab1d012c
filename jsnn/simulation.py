"""Simulation of a network: many steps, or one."""

from collections.abc import Iterable
from typing import Any

import jax

from jsnn._checks import (
    check_flag,
    check_type,
    is_concrete,
    number_of_steps,
    positive_int,
)
from jsnn._devices import on_all
from jsnn._engine.driven import split, with_driven_params
from jsnn._engine.groups import each_alone
from jsnn._engine.inputs import Drive, checked_drive
from jsnn._engine.plan import Plan, plan_run
from jsnn._engine.prepared import prepare, start, state_of
from jsnn._engine.record_checks import checked_record
from jsnn._engine.recording_plan import bytes_of, check_memory, plan_recordings
from jsnn._engine.schedule import together
from jsnn._engine.stages import run
from jsnn._engine.step import advance
from jsnn.network.network import Network, check_numbers
from jsnn.network.state import State, check_state, init
from jsnn.recording import NonFinite, Recordings, SpikesOf
from jsnn.spike_events import check_capacities


def simulate(
    network: Network,
    drive: Drive,
    num_steps: int,
    *,
    record: Recordings | None = None,
    state: State | None = None,
    key: jax.Array | None = None,
    scheduled: bool = True,
    check_finite: bool = False,
    checkpoint_every: int | None = None,
) -> tuple[State, dict[str, Any]]:
    """Simulate one presentation, as a pure function; `jax.vmap` simulates a batch.

    Args:
      network: the network; traced, so new weights or parameters never recompile.
      drive: {population: current in nA, () or [N]}, {population: {input or parameter: value}},
        {current source: {parameter: value}}, {projection: {parameter: value}} or {projection:
        {"plasticity": {parameter: value}}}. Parameters stand in place of the network's own. Values
        are constant in time; `jsnn.over_time(x)` marks a time course, x being [num_steps] or
        [num_steps, N].
      num_steps: T >= 1, static.
      record: {name: recording}, such as `jsnn.Spikes(population)`; static. Nothing else is kept.
      state: the state to go on from; a fresh one by default.
      key: `jax.random.key(seed)` for a fresh state, needed if the network is random.
      scheduled: run populations in the quickest order and with the quickest products. False steps
        all populations together with whole matrix products. Spikes are the same; XLA, which fuses
        multiplication and addition if it can, may round the last bit of a variable differently.
      checkpoint_every: for derivatives of long runs: keep the state of every K-th step and compute
        the steps between once more, which takes less memory and more time. K near the square root
        of T takes least.
      check_finite: look for a NaN or infinity after every step, which takes time; not under `jit`.

    Returns:
      The state after the last step, and {name: recorded}, traces with time as the first axis.

    Raises:
      TypeError: if an argument is of another type; raised before anything is compiled.
      ValueError: if an argument does not fit the network; raised before anything is compiled. Also
        if there were more spikes than a `SpikeEvents` has room for.
      FloatingPointError: if `check_finite` found a NaN or infinity; the message names the variable
        and the step.
    """
    for name, flag in (("scheduled", scheduled), ("check_finite", check_finite)):
        check_flag(flag, f"simulate, {name}")
    check_type(network, Network, "network")
    num_steps = number_of_steps(num_steps, "num_steps")
    if checkpoint_every is not None:
        checkpoint_every = positive_int(checkpoint_every, "checkpoint_every")
    check_numbers(network)
    drive = checked_drive(network, drive, num_steps)
    if check_finite:
        record = {**dict(checked_record(record)), _FOUND: NonFinite()}
    _check_axes((network, state, drive))
    recordings = plan_recordings(network, record, num_steps)
    check_memory(network, recordings, num_steps)
    start = start_of(network, num_steps, state=state, key=key)
    if state is None:
        plan = plan_run(
            *(network, drive, num_steps, recordings),
            scheduled=scheduled,
            checkpoint_every=checkpoint_every,
        )
    else:
        whole = together(network, event_driven=scheduled)
        plan = Plan(num_steps, recordings, whole, checkpoint_every)
    after, recorded = run(network, start, *split(network, drive), plan)
    if check_finite:
        _raise_if_found(recorded.pop(_FOUND))
    check_capacities(record or {}, recorded)
    return after, {name: recorded[name] for name in record or {} if name in recorded}


def step(network: Network, state: State, drive: Drive) -> tuple[State, SpikesOf]:
    """Take one step, as a pure function.

    A single step gives the same bits as a longer run. In a `jax.jit` or a loop of your own it is
    traced in line, and XLA may round the last bit differently. A single step costs as much as two;
    use `simulate` for many.

    Args:
      network: the network.
      state: before the step.
      drive: the input of this step, like that of `simulate`, but without time courses.

    Returns:
      The new state, and {population: spikes [N]}, 1.0 where a neuron spiked, else 0.0.
    """
    check_type(network, Network, "network")
    check_numbers(network)
    check_state(network, state)
    _check_step(state, 1)
    drive = checked_drive(network, drive, None)
    _check_axes((network, state, drive))
    driven, varying = split(network, drive)
    if not is_concrete(state.step) and network.mesh is None:
        network = with_driven_params(network, driven.params)
        prepared = prepare(network, each_alone(network.order), event_driven=True)
        carry, spikes = advance(prepared, start(prepared, state), driven.inputs)
        return state_of(prepared, carry), spikes
    recordings = plan_recordings(network, {"spikes": _all_spikes}, 1)
    plan = Plan(1, recordings, together(network, event_driven=True))
    state, recorded = run(network, _on_its_devices(network, state), driven, varying, plan)
    return state, {name: spikes[0] for name, spikes in recorded["spikes"].items()}


def recorded_bytes(
    network: Network, record: Recordings, num_steps: int, *, num_presentations: int = 1
) -> int:
    """Return the bytes that recordings would take, without a run.

    Args:
      network: the network.
      record: {name: recording}.
      num_steps: T.
      num_presentations: the number of presentations.
    """
    steps = number_of_steps(num_steps, "num_steps")
    recordings = plan_recordings(network, record, steps)
    per_presentation = sum(bytes_of(network, recordings, steps).values())
    return per_presentation * positive_int(num_presentations, "num_presentations")


def start_of(
    network: Network, num_steps: int, *, state: State | None, key: jax.Array | None
) -> State:
    """Return the state before a run: the one that is given, or else a fresh one.

    Raises:
      TypeError: if the state or the key is none.
      ValueError: if the state is not one of the network, cannot count `num_steps` more, or is given
        together with a key.
    """
    if state is None:
        return init(network, key)
    if key is not None:
        raise ValueError(
            "key: given together with a state; expected one of them (a state has its key)"
        )
    check_state(network, state)
    _check_step(state, num_steps)
    return _on_its_devices(network, state)


def _on_its_devices(network: Network, state: State) -> State:
    """Return a state on the devices over which a network is divided, wherever it was before."""
    return state if network.mesh is None else on_all(state, network.mesh)


def _check_step(state: State, num_steps: int) -> None:
    """Raise ValueError if the step of a state, an int32, cannot count `num_steps` more."""
    if is_concrete(state.step) and int(state.step) + num_steps > 2**31 - 1:
        raise ValueError(
            f"state.step: given {int(state.step)} before {num_steps} steps; expected a sum <= "
            f"{2**31 - 1} (start a new count: dataclasses.replace(state, step=jnp.int32(0)), which "
            "changes the random numbers to come)"
        )


_FOUND = "first step with a number that is not finite"


def _raise_if_found(first_steps: dict[str, jax.Array]) -> None:
    if not all(is_concrete(step) for step in first_steps.values()):
        raise TypeError(
            "check_finite: given True inside jax.jit, vmap or grad, where nothing can be raised; "
            "record jsnn.NonFinite() there, and look at what it found outside"
        )
    found = {path: step for path, step in first_steps.items() if step >= 0}
    if found:
        step = min(int(step) for step in found.values())
        names = ", ".join(path for path, at in found.items() if at == step)
        raise FloatingPointError(
            f"state.{names}: NaN or infinite from step {step} on; expected finite numbers"
        )


def _all_spikes(state: State, spikes: SpikesOf) -> SpikesOf:
    return spikes


def _check_axes(values: Any) -> None:
    """Raise ValueError where `jax.shard_map` checks which values vary from device to device."""
    traced = [leaf for leaf in jax.tree.leaves(values) if not is_concrete(leaf)]
    axes = {axis for leaf in traced for axis in _varying_axes(jax.typeof(leaf))}
    if axes:
        raise ValueError(
            f"simulate: given arrays that vary along the mesh axes {sorted(axes)}; expected "
            "jax.shard_map(..., check_vma=False) around a simulation, in which a state that is "
            "equal on all devices becomes one that varies"
        )


def _varying_axes(aval: Any) -> Iterable[str]:
    kind = getattr(aval, "manual_axis_type", aval)  # JAX 0.10 on
    return getattr(kind, "varying", getattr(kind, "vma", ()))
