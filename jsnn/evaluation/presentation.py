"""Presentations in batches, each batch one compiled program."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jsnn._checks import positive_int
from jsnn._devices import on_all
from jsnn._engine.driven import split
from jsnn._engine.plan import Plan, plan_run
from jsnn._engine.recording_plan import plan_recordings
from jsnn._engine.schedule import bytes_over_time, together
from jsnn._engine.stages import run
from jsnn._pytree import replace
from jsnn.evaluation.between import Between, fresh, next_state
from jsnn.evaluation.devices import ROWS, WHOLE, fetched, mesh_of, spread
from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state, init
from jsnn.recording import Recordings

Reduce = Callable[[dict[str, Any]], Any]
"""A function from the recordings of one presentation to the values to keep of it; hashable."""


@dataclass(frozen=True)
class How:
    """The static part of the presentations of a data set.

    Attributes:
      plan: of each presentation.
      reduce: the reduction of the recordings of each presentation.
      between: the rule for the state between presentations.
      mesh: the devices that share the presentations.
    """

    plan: Plan
    reduce: Reduce
    between: Between
    mesh: Mesh


def plan_presentations(
    network: Network,
    drive: dict[str, Any],
    num_steps: int,
    record: Recordings,
    between: Between,
    *,
    scheduled: bool,
) -> Plan:
    """Plan each presentation of a data set; `drive` is that of one, from `checked_drive`."""
    recordings = plan_recordings(network, record, num_steps)
    if between is fresh:
        return plan_run(network, drive, num_steps, recordings, scheduled=scheduled)
    return Plan(num_steps, recordings, together(network, event_driven=scheduled))


@partial(jax.jit, static_argnames="how")
def present(
    network: Network,
    state: State,
    key: jax.Array | None,
    drives: dict[str, Any],
    indices: jax.Array,
    how: How,
) -> tuple[State, Any]:
    """Run presentations of a data set: side by side if fresh, else one after another.

    Args:
      network: the network that is simulated.
      state: before the first of the presentations, if they run in sequence.
      key: of the whole data set.
      drives: of the presentations, [n, ...] each.
      indices: of the presentations in the data set, int32 [n].
      how: the static part of the presentations.

    Returns:
      The state after the last presentation, and the reduced recordings, [n, ...].
    """
    if how.between is fresh:

        def present_fresh(
            network: Network, key: jax.Array | None, drive: dict[str, Any], index: jax.Array
        ) -> Any:
            start = init(network, _own_key(key, index))
            return how.reduce(run(network, start, *split(network, drive), how.plan)[1])

        share = jax.shard_map(
            jax.vmap(present_fresh, in_axes=(None, None, 0, 0)),
            mesh=how.mesh,
            in_specs=(WHOLE, WHOLE, ROWS, ROWS),
            out_specs=ROWS,
            check_vma=False,
        )
        return state, share(network, key, drives, indices)

    def present_next(state: State, now: tuple[Any, jax.Array]) -> tuple[State, Any]:
        drive, index = now
        start = next_state(how.between, network, state, _own_key(key, index))
        state, recorded = run(network, start, *split(network, drive), how.plan)
        return state, how.reduce(recorded)

    return jax.lax.scan(present_next, state, (drives, indices))


def _own_key(key: jax.Array | None, index: jax.Array) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, index)


@dataclass
class Program:
    """`present`, compiled for batches of one size.

    Attributes:
      size: the number of presentations in a batch.
      network: on the devices that share the presentations.
      state: before the next batch, if presentations depend on the one before.
      key: of the whole data set.
    """

    size: int
    network: Network
    state: State
    key: jax.Array | None
    how: How
    compiled: Any

    def results(
        self, batches: Iterator[dict[str, Any]], num_presentations: int, first_index: int
    ) -> Iterator[Any]:
        """Run the batches and yield the reduced recordings of each, in order.

        Batches that do not depend on each other overlap: one is made ready or read out, or steps
        through a scan on one core, while others compute.

        Args:
          batches: the drives of each batch.
          num_presentations: in all.
          first_index: the index of the first presentation.

        Raises:
          SourceError: if a batch cannot be read; raised after the results of all batches before it.
        """
        indices = first_index + np.arange(self.size, dtype=np.int32)
        calls, running = self._calls(), deque[Future[Any]]()
        with ThreadPoolExecutor(calls) as pool:
            for start in range(0, num_presentations + self.size, self.size):
                try:
                    rows = next(batches, None)
                except Exception as error:
                    while running:
                        yield running.popleft().result()
                    raise SourceError(str(error)) from error
                if rows is not None:
                    given = spread((rows, indices + start), self.how.mesh)
                    running.append(pool.submit(self._run, *given))
                while len(running) > (calls if rows is not None else 0):
                    yield running.popleft().result()

    def _calls(self) -> int:
        """Return the number of batches that are under way at once."""
        if self.how.between is not fresh or jax.process_count() > 1:
            return 1
        # On two cores a third call still gains time; several devices overlap with each other.
        return 3 if self.how.mesh.size == 1 else 2

    def _run(self, *rows: Any) -> Any:
        after, kept = self.compiled(self.network, self.state, self.key, *rows)
        if self.how.between is not fresh:
            self.state = after
        return fetched(kept)


class SourceError(Exception):
    """An error in reading the data of an evaluation."""


def compile_program(
    network: Network,
    one: dict[str, Any],
    num_presentations: int,
    how: How,
    *,
    key: jax.Array | None = None,
    batch_size: int | None = None,
    max_bytes: int | None = None,
) -> Program:
    """Compile `present` for batches of `batch_size`, or for as many as `max_bytes` have room for.

    The size is a multiple of the number of devices.

    Args:
      network: the network that is simulated.
      one: the drive of one presentation, [1, ...].
      num_presentations: in all.
      how: the static part of the presentations.
      key: of the whole data set.
      batch_size: the number of presentations in one call.
      max_bytes: the most bytes that one call may take on each device; by default the size of the
        cache of a CPU, or 1 GiB on other devices.

    Raises:
      ValueError: if both are given, or a single presentation on each device takes too many bytes.
    """
    if batch_size is None:
        room = _room(max_bytes) // _bytes_of_one(network, one, how.plan)
        size = min(max(room, 1) * how.mesh.size, num_presentations)
    elif max_bytes is None:
        size = min(positive_int(batch_size, "batch_size"), num_presentations)
    else:
        raise ValueError("max_bytes: given together with batch_size; expected one of them")
    network, state, key = on_all((network, init(network, key), key), how.mesh)
    least = how.mesh.size
    while True:
        size = -(-max(size, 1) // least) * least
        rows = jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf), size, axis=0), one)  # noqa: B023
        arguments = spread((rows, np.arange(size, dtype=np.int32)), how.mesh)
        with jax.set_mesh(how.mesh):  # in place of one that the caller may have set
            compiled = present.lower(network, state, key, *arguments, how).compile()
        used = _bytes_used(compiled)
        if max_bytes is None or used <= max_bytes:
            return Program(size, network, state, key, how, compiled)
        if size == least:
            raise ValueError(
                f"max_bytes: given {max_bytes:,}; expected at least {used:,}, which one "
                f"presentation of {how.plan.num_steps} steps needs"
            )
        size = min(size * max_bytes // used, size - 1)


def present_all(
    network: Network,
    drives: dict[str, np.ndarray],
    num_steps: int,
    record: Recordings,
    *,
    key: jax.Array | None = None,
) -> dict[str, np.ndarray]:
    """Run all presentations of a data set, each from a fresh state.

    Args:
      network: the network that is simulated.
      drives: {population: [n, ...]}, checked.
      num_steps: T.
      record: {name: recording}.
      key: presentation i uses `jax.random.fold_in(key, i)`.

    Returns:
      {name: [n, ...]}, the recordings.
    """
    number = len(jax.tree.leaves(drives)[0])
    one = jax.tree.map(lambda leaf: np.asarray(leaf[:1]), drives)
    drive = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), one)
    plan = plan_presentations(network, drive, num_steps, record, fresh, scheduled=True)
    how = How(plan, _all_recorded, fresh, mesh_of(jax.devices()[:1]))
    program = compile_program(network, one, number, how, key=key)
    batches = (
        jax.tree.map(lambda leaf: filled(leaf[start : start + program.size], program.size), drives)  # noqa: B023
        for start in range(0, number, program.size)
    )
    kept = list(program.results(batches, number, 0))
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:number], *kept)


def _all_recorded(recorded: dict[str, Any]) -> dict[str, Any]:
    return recorded


def filled(rows: np.ndarray, size: int) -> np.ndarray:
    """Return rows [n, ...] with the last one repeated, [size, ...]."""
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def _room(max_bytes: int | None) -> int:
    if max_bytes is not None:
        return positive_int(max_bytes, "max_bytes", most=2**63 - 1)
    return 2**24 if jax.default_backend() == "cpu" else 2**30


def _bytes_of_one(network: Network, one: dict[str, Any], plan: Plan) -> int:
    """Return an estimate of the bytes of one presentation; those of a batch are measured later."""
    leaves = jax.tree.leaves((one, replace(abstract_state(network), key=None)))
    numbers = sum(np.size(leaf) * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    return 2 * numbers + bytes_over_time(network, plan.schedule.stages, plan.num_steps)


def _bytes_used(program: Any) -> int:
    """Return the bytes of arguments, results and intermediate values on one device."""
    memory = program.memory_analysis()
    return int(
        memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    )
