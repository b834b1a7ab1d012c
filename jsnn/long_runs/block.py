"""One block of a long run: the compiled program, and the recordings by what a block does to them.

A trace has rows of its own in every block. A fold goes on from block to block. Spikes as events are
recorded as bools, which become events on the host while the next block runs: there is always room.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import unwrap
from typing import Any

import jax
import numpy as np

from jsnn._engine.driven import Driven
from jsnn._engine.plan import Plan
from jsnn._engine.recording_plan import (
    RecordingPlan,
    Sampled,
    check_memory,
    finished,
    plan_recordings,
)
from jsnn._engine.schedule import together
from jsnn._engine.stages import run
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording import Fold, Recordings, Spikes, SpikesOf, abstract_step
from jsnn.spike_events import Events, SpikeEvents, spike_list

Folds = dict[str, Any]


class Blocks:
    """The blocks of a run, as far as they do not depend on the state.

    Attributes:
      record: {name: recording}.
    """

    def __init__(self, network: Network, record: Recordings, event_driven: bool) -> None:
        self.record = record
        self._network = network
        self._event_driven = event_driven
        self._events = {name: r for name, r in record.items() if isinstance(r, SpikeEvents)}

    def check(self, num_steps: int, steps_per_block: int, *, in_memory: bool) -> None:
        """Check the recordings.

        Args:
          num_steps: of the run.
          steps_per_block: of a block.
          in_memory: if True, the rows of all blocks are kept in memory.

        Raises:
          TypeError: if a recording is not one.
          ValueError: if a recording does not fit the network, the blocks or the memory.
        """
        plan_recordings(self._network, self.record, num_steps)
        if in_memory:
            others = {name: r for name, r in self.record.items() if name not in self._events}
            check_memory(
                self._network, plan_recordings(self._network, others, num_steps), num_steps
            )
        longest = min(num_steps, steps_per_block)
        check_memory(self._network, self._recordings(longest), longest)
        for name, recording in self.record.items():
            every = getattr(recording, "every", 1)
            if num_steps > steps_per_block and steps_per_block % every:
                raise ValueError(
                    f"recording {name!r}: given every={every}; expected a divisor of "
                    f"steps_per_block, which is {steps_per_block}"
                )

    def plan(self, num_steps: int) -> Plan:
        """Return the plan of a block of `num_steps`."""
        schedule = together(self._network, event_driven=self._event_driven)
        return Plan(num_steps, self._recordings(num_steps), schedule)

    def _recordings(self, num_steps: int) -> RecordingPlan:
        record = {
            name: Spikes(r.population, r.neurons) if isinstance(r, SpikeEvents) else r
            for name, r in self.record.items()
        }
        return plan_recordings(self._network, record, num_steps)

    def recorded(self, first_step: int, traces: Mapping[str, Any]) -> dict[str, Any]:
        """Return the traces of a block as arrays of NumPy, and spikes as events.

        Args:
          first_step: the number of steps before the block.
          traces: from `run_block`.
        """
        on_host = jax.tree.map(np.asarray, dict(traces))
        events = {n: _events(on_host[n], r, first_step) for n, r in self._events.items()}
        return on_host | events

    def start(self) -> Folds:
        """Return the folds before the first block."""
        folds = {name: r.start(self._network) for name, r in _folds(self._recordings(1)).items()}
        return jax.tree.map(np.asarray, folds)  # without weak types

    def finished(self, folds: Folds) -> dict[str, Any]:
        """Return the results of the folds from their values, as arrays of NumPy."""
        on_host = jax.tree.map(np.asarray, folds)
        results = {name: finished(self.record[name], kept) for name, kept in on_host.items()}
        return jax.tree.map(np.asarray, results)

    def row(self) -> dict[str, Any]:
        """Return the shapes and dtypes of a row of each trace."""
        plan, of_step = self._recordings(1), abstract_step(self._network)
        traces = dict(plan.stacked)
        traces |= {name: r.trace for name, r in plan.folded if isinstance(r, Sampled)}
        number = jax.ShapeDtypeStruct((), np.int32)
        return {
            name: Events(number, number, None)
            if name in self._events
            else jax.eval_shape(trace.observe, *of_step)
            for name, trace in traces.items()
        }


def _folds(plan: RecordingPlan) -> dict[str, Fold]:
    return {name: r for name, r in plan.folded if not isinstance(r, Sampled)}


def _events(spikes: np.ndarray, recording: SpikeEvents, first_step: int) -> Events:
    steps, neurons = spike_list(spikes)
    if recording.neurons:
        neurons = np.asarray(recording.neurons)[neurons]
    counted = (steps + first_step).astype(np.int32)
    return Events(counted, neurons.astype(np.int32), np.int32(len(steps)))


@dataclass(frozen=True, eq=False)
class _GoingOn:
    """A fold that goes on from its value at the end of the block before."""

    recording: Fold
    kept: Any

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> Any:
        return self.kept

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        return self.recording.fold(kept, state, spikes)


@partial(jax.jit, static_argnames="plan", donate_argnames="state")
def run_block(
    network: Network,
    state: State,
    folds: Folds,
    constant: Driven,
    varying: Driven,
    plan: Plan,
) -> tuple[State, Folds, dict[str, Any]]:
    """Run a block.

    Args:
      network: the network that is simulated.
      state: before the block; donated.
      folds: {fold: its value before the block}.
      constant: the part of the drive that is constant in time.
      varying: the rows of the time courses for the steps of the block.
      plan: from `Blocks.plan`.

    Returns:
      The state and the folds after the block, and {trace: its rows}.
    """
    going_on = tuple(
        (name, _GoingOn(r, folds[name]) if name in folds else r)
        for name, r in plan.recordings.folded
    )
    plan = replace(plan, recordings=replace(plan.recordings, folded=going_on))
    state, recorded = unwrap(run)(network, state, constant, varying, plan)
    return state, {name: recorded.pop(name) for name in folds}, recorded
