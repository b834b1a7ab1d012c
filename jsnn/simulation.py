"""Runs of a network: many steps, or one."""

from typing import Any

import jax

from jsnn._checks import check_type, is_concrete, positive_int
from jsnn._engine.inputs import Drive, check_drive
from jsnn._engine.recording_plan import plan
from jsnn._engine.schedule import scheduled, together
from jsnn._engine.stages import run
from jsnn._engine.step import advance
from jsnn.network.network import Network, check_numbers
from jsnn.network.state import State, check_state, init
from jsnn.recording import NonFinite, Recordings, SpikesOf, abstract_step


def simulate(
    network: Network,
    drive: Drive,
    num_steps: int,
    *,
    record: Recordings | None = None,
    state: State | None = None,
    key: jax.Array | None = None,
    plain: bool = False,
    check_finite: bool = False,
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
      plain: step everything together with whole matrix products, instead of as `jsnn.schedule`
        finds quickest. The results are the same, except that XLA, which multiplies and adds in one
        go where it can, may round the last bit of a variable otherwise.
      check_finite: look for a NaN or infinity after every step, which takes time; not under `jit`.

    Returns:
      The state after the last step, and {name: recorded}, traces with time as the first axis.

    Raises ValueError or TypeError, before anything is compiled, where something does not fit, and
    FloatingPointError where `check_finite` finds something; it names the variable and the step.
    """
    check_type(network, Network, "network")
    num_steps = positive_int(num_steps, "num_steps")
    check_numbers(network)
    constant, varying = check_drive(network, drive, num_steps)
    if check_finite:
        record = {**(record or {}), _FOUND: NonFinite()}
    planned = plan(network, record, num_steps)
    schedule = together(network, event_driven=not plain)
    if state is None:
        state = init(network, key)
        if not plain:
            schedule = scheduled(network, constant, varying, planned, num_steps)
    elif key is not None:
        raise ValueError(
            "key: given together with a state; expected one of them (a state has its key)"
        )
    else:
        check_state(network, state)
    state, recorded = run(network, state, constant, varying, num_steps, planned, schedule)
    if check_finite:
        _raise_if_found(recorded.pop(_FOUND))
    return state, recorded


_FOUND = "first step with a number that is not finite"


def _raise_if_found(first_steps: dict[str, jax.Array]) -> None:
    if not all(is_concrete(step) for step in first_steps.values()):
        raise TypeError(
            "check_finite: given True inside jax.jit, vmap or grad, where nothing can be raised; "
            "record jsnn.NonFinite() there, and look at it outside"
        )
    found = {path: step for path, step in first_steps.items() if step >= 0}
    if found:
        step = min(int(step) for step in found.values())
        names = ", ".join(path for path, at in found.items() if at == step)
        raise FloatingPointError(
            f"state.{names}: NaN or infinite from step {step} on; expected finite numbers"
        )


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
        return advance(network, state, constant | varying, event_driven=True)
    record = plan(network, {"spikes": _all_spikes}, 1)
    schedule = together(network, event_driven=True)
    state, recorded = run(network, state, constant, varying, 1, record, schedule)
    return state, {name: spikes[0] for name, spikes in recorded["spikes"].items()}


def _all_spikes(state: State, spikes: SpikesOf) -> SpikesOf:
    return spikes


def recorded_bytes(
    network: Network, record: Recordings, num_steps: int, *, num_presentations: int = 1
) -> int:
    """The bytes that `record` takes for that many steps and presentations; nothing is run."""
    planned = plan(network, record, positive_int(num_steps, "num_steps"))
    one_step = jax.eval_shape(planned.observe, *abstract_step(network))
    folded = jax.eval_shape(lambda n: planned.finish(planned.start(n), {}), network)
    per_presentation = num_steps * _bytes(one_step) + _bytes(folded)
    return per_presentation * positive_int(num_presentations, "num_presentations")


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
