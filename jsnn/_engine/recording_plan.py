"""Recording plan: recordings sorted by the way in which a run keeps them."""

import inspect
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._engine.record_checks import checked_record
from jsnn._summary import bytes_of_memory, size_of
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording import (
    FirstSpike,
    FirstSpikeTime,
    Fold,
    Rate,
    Recordings,
    SpikeCount,
    Spikes,
    SpikesOf,
    Trace,
    Variable,
    VariableFold,
    abstract_step,
)
from jsnn.spike_events import SpikeEvents


@dataclass(frozen=True)
class _Observation:
    """A plain function of (state, spikes) as a trace of every step.

    Attributes:
      observe: the function.
      meaning: from `_meaning`, so that a lambda made anew for each run is still the same value.
      every: 1.
    """

    observe: Callable[[State, SpikesOf], Any] = field(compare=False)
    meaning: Hashable
    every: int = 1

    def check(self, network: Network, what: str) -> None: ...


def _meaning(function: Callable[..., Any]) -> Hashable:
    """Return a value that is equal for functions with the same code and the same constants.

    A function that uses anything which could change in place has no equal but itself.
    """
    if not isinstance(function, FunctionType) or function.__kwdefaults__:
        return function
    code, free = function.__code__, inspect.getclosurevars(function)
    used = {**free.nonlocals, **free.globals, "": function.__defaults__ or ()}
    values = [x for value in used.values() for x in (value if type(value) is tuple else (value,))]
    has_inner_functions = any(isinstance(constant, CodeType) for constant in code.co_consts)
    if has_inner_functions or not all(isinstance(x, _CONSTANTS) for x in values):
        return function
    return code, repr(used)  # 1, 1.0 and True are equal, but not as text


_CONSTANTS = (bool, int, float, str, type(None), ModuleType)


@dataclass(frozen=True)
class Sampled:
    """A trace of every k-th step as a fold, so that the steps between take no memory."""

    trace: Trace
    num_rows: int

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> Any:
        observed = jax.eval_shape(self.trace.observe, *abstract_step(network))
        # One row more than needed takes the steps after the last whole k.
        rows = jax.tree.map(
            lambda leaf: jnp.zeros((self.num_rows + 1, *leaf.shape), leaf.dtype), observed
        )
        return jnp.zeros((), jnp.int32), rows

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        step, rows = kept
        observed = self.trace.observe(state, spikes)
        put = jax.lax.dynamic_update_index_in_dim
        row = step // self.trace.every
        return step + 1, jax.tree.map(lambda all_, new: put(all_, new, row, 0), rows, observed)

    def finish(self, kept: Any) -> Any:
        return jax.tree.map(lambda rows: rows[:-1], kept[1])


_FOLDS_OF_SPIKES = (SpikeCount, Rate, FirstSpike, FirstSpikeTime)


def part_seen_by(recording: Any) -> str | None:
    """Return the one part that a recording looks at, or None if there may be more."""
    if isinstance(recording, Sampled):
        return part_seen_by(recording.trace)
    if isinstance(recording, (Variable, VariableFold)):
        return recording.part
    of_spikes = (Spikes, SpikeEvents, *_FOLDS_OF_SPIKES)
    return recording.population if isinstance(recording, of_spikes) else None


def folds_each_neuron(recording: Any) -> bool:
    """Return True if a recording of a population keeps one value for each of its neurons."""
    return isinstance(recording, (*_FOLDS_OF_SPIKES, VariableFold))


@dataclass(frozen=True)
class RecordingPlan:
    """Recordings sorted by the way in which a run keeps them.

    Attributes:
      stacked: {name: trace} as pairs, stacked by `scan`.
      folded: {name: fold} as pairs, folded in the carry of `scan`.
    """

    stacked: tuple[tuple[str, Trace], ...]
    folded: tuple[tuple[str, Fold], ...]

    def of(self, parts: Collection[str]) -> "RecordingPlan":
        """Return the plan of the recordings of some parts of the network alone."""
        return RecordingPlan(
            tuple((name, r) for name, r in self.stacked if part_seen_by(r) in parts),
            tuple((name, r) for name, r in self.folded if part_seen_by(r) in parts),
        )

    def start(self, network: Network) -> dict[str, Any]:
        """Return the folds before the first step."""
        return {name: recording.start(network) for name, recording in self.folded}

    def fold(self, kept: dict[str, Any], state: State, spikes: SpikesOf) -> dict[str, Any]:
        """Return the folds after one more step."""
        return {name: r.fold(kept[name], state, spikes) for name, r in self.folded}

    def observe(self, state: State, spikes: SpikesOf) -> dict[str, Any]:
        """Return the traces of one step."""
        return {name: trace.observe(state, spikes) for name, trace in self.stacked}

    def finish(self, kept: dict[str, Any], stacked: dict[str, Any]) -> dict[str, Any]:
        """Return {recording: its result} from the last folds and the stacked traces."""
        recordings: dict[str, Any] = dict((*self.stacked, *self.folded))
        return {name: finished(recordings[name], x) for name, x in (stacked | kept).items()}


def finished(recording: Any, kept: Any) -> Any:
    """Return the result of a recording from its trace or its last fold."""
    return recording.finish(kept) if hasattr(recording, "finish") else kept


def plan_recordings(network: Network, record: Recordings | None, num_steps: int) -> RecordingPlan:
    """Check recordings against the network and sort them.

    Args:
      network: the network that is simulated.
      record: {name: recording}, or None for nothing.
      num_steps: T.

    Returns:
      A hashable plan.

    Raises:
      TypeError: if a recording is not one, or is not hashable.
      ValueError: if a recording does not fit the network.
    """
    stacked: list[tuple[str, Trace]] = []
    folded: list[tuple[str, Fold]] = []
    for name, recording in checked_record(record):
        if isinstance(recording, (Trace, Fold)):
            recording.check(network, f"recording {name!r}")
        else:
            recording = _Observation(recording, _meaning(recording))
        if isinstance(recording, Fold):
            folded.append((name, recording))
        elif recording.every > 1:
            folded.append((name, Sampled(recording, num_steps // recording.every)))
        else:
            stacked.append((name, recording))
    return RecordingPlan(tuple(stacked), tuple(folded))


def bytes_of(network: Network, plan: RecordingPlan, num_steps: int) -> dict[str, int]:
    """Return {recording: bytes} of one presentation, without a run."""
    return {
        name: _bytes_in(jax.eval_shape(partial(finished, recording), kept))
        for name, (recording, kept) in _kept_of(network, plan, num_steps).items()
    }


def _kept_of(network: Network, plan: RecordingPlan, num_steps: int) -> dict[str, tuple[Any, Any]]:
    """Return {recording: (itself, the shapes of what a run keeps of it before it is finished)}."""
    state, spikes = abstract_step(network)

    def rows(leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((num_steps, *leaf.shape), leaf.dtype)

    traces = {
        name: (r, jax.tree.map(rows, jax.eval_shape(r.observe, state, spikes)))
        for name, r in plan.stacked
    }
    folds = {name: (r, jax.eval_shape(r.start, network)) for name, r in plan.folded}
    return traces | folds


def _bytes_in(shapes: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def check_memory(
    network: Network, plan: RecordingPlan, num_steps: int, num_presentations: int = 1
) -> None:
    """Raise ValueError if the recordings of all presentations are larger than the memory."""
    memory = bytes_of_memory()
    arrays = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(network))
    more_than_most_record = arrays + 1000 * sum(network.sizes.values())
    if num_presentations * num_steps * more_than_most_record <= memory:
        return  # without the time that it takes to trace them
    each = bytes_of(network, plan, num_steps)
    needed = num_presentations * sum(each.values())
    if needed > memory:
        largest = max(each, key=lambda name: each[name])
        raise ValueError(
            f"record: given {size_of(needed)} of recordings, {largest!r} being the largest; "
            f"expected less than the {size_of(memory)} of memory of this machine (record fewer "
            "neurons=, every= few steps, or run in parts)"
        )
