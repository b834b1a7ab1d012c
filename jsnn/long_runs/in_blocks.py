"""Simulation in blocks: a loop over blocks of steps, with one compiled program for all of them."""

import os
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jsnn._checks import (
    check_flag,
    check_type,
    check_untraced,
    number_of_steps,
    positive_int,
)
from jsnn._engine.driven import split
from jsnn._engine.inputs import Drive, checked_drive
from jsnn._engine.record_checks import checked_record
from jsnn._progress import progress_bar
from jsnn.long_runs.block import Blocks, run_block
from jsnn.long_runs.records import (
    Handed,
    InFiles,
    InMemory,
    OnBlock,
    Records,
    check_labels,
    check_no_files,
)
from jsnn.long_runs.saved_run import Position, SavedRun, fingerprint, fingerprint_of_text
from jsnn.network.network import Network, check_numbers
from jsnn.network.state import State
from jsnn.recording import Recordings
from jsnn.simulation import start_of


def simulate_in_blocks(
    network: Network,
    drive: Drive,
    num_steps: int,
    *,
    steps_per_block: int = 1000,
    record: Recordings | None = None,
    state: State | None = None,
    key: jax.Array | None = None,
    on_block: OnBlock | None = None,
    directory: str | os.PathLike[str] | None = None,
    blocks_per_save: int = 10,
    progress: bool = False,
    scheduled: bool = True,
) -> tuple[State, dict[str, Any]]:
    """Simulate one presentation of many steps, block after block.

    The result is that of `simulate`, in arrays of NumPy. All blocks run one compiled program, for
    any number of steps; a last block that is shorter has one of its own. The records of a block are
    dealt with while the next block runs, so those of two blocks are in memory, and what is kept.

    A recording of `SpikeEvents` gets all spikes, whatever its capacity.

    Args:
      network: as in `simulate`.
      drive: as in `simulate`; a time course covers the whole run.
      num_steps: the number of steps of the whole run.
      steps_per_block: the number of steps in a block. A recording of every k-th step needs a
        multiple of k.
      record: as in `simulate`. `SpikeCount` and other folds are of the whole run.
      state: as in `simulate`; not donated.
      key: as in `simulate`.
      on_block: a function (number of steps before the block, {name: recorded in the block}) that
        takes the records, which are not kept then. It gets folds as they are at the end of the
        block.
      directory: a directory in which the run is kept, and from which it goes on, bit for bit, if
        it was cut off: call again with the same arguments. Traces are appended to files and
        returned memory-mapped. With `on_block`, blocks since the last save are handed over again.
      blocks_per_save: the number of blocks from one save in `directory` to the next.
      progress: show a progress bar (needs tqdm).
      scheduled: as in `simulate`.

    Returns:
      The state after the last step, and {name: recorded}; with `on_block`, folds alone.

    Raises:
      TypeError: if an argument is of another type; raised before anything is compiled.
      ValueError: if an argument does not fit the network, or the directory holds another run;
        raised before anything is compiled.
    """
    for name, flag in (("progress", progress), ("scheduled", scheduled)):
        check_flag(flag, f"simulate_in_blocks, {name}")
    given = (network, drive, state, key)
    check_untraced(given, "simulate_in_blocks", "jsnn.simulate can be traced")
    check_type(network, Network, "network")
    num_steps = number_of_steps(num_steps, "num_steps")
    steps_per_block = positive_int(steps_per_block, "steps_per_block")
    blocks_per_save = positive_int(blocks_per_save, "blocks_per_save")
    if on_block is not None and not callable(on_block):
        raise TypeError(f"on_block: given {type(on_block).__name__}; expected a function")
    if directory is not None and not isinstance(directory, (str, os.PathLike)):
        raise TypeError(f"directory: given {type(directory).__name__}; expected a path")
    check_numbers(network)
    drive = checked_drive(network, drive, num_steps)
    blocks = Blocks(network, dict(checked_record(record)), scheduled)
    blocks.check(num_steps, steps_per_block, in_memory=directory is None and on_block is None)
    row = blocks.row()
    check_labels(row)
    start = Position(0, start_of(network, num_steps, state=state, key=key), blocks.start(), {})
    saved = _saved_run(directory, start, network, drive, num_steps, blocks, on_block)
    begin = start
    if saved is not None and saved.path.exists():
        begin = saved.read(start)
    elif saved is not None:
        if on_block is None:
            check_no_files(saved.path.parent, row)
        saved.write(start)  # from now on the files in the directory are those of this run
    if begin is start and state is not None:
        begin = replace(begin, state=jax.tree.map(_copied, state))  # as each block takes its state

    records = _records(row, on_block, directory, begin)
    now, running = begin, deque[tuple[int, dict[str, Any], dict[str, Any]]]()
    constant, varying = split(network, drive)
    courses = jax.tree.map(np.asarray, varying)
    with progress_bar(num_steps, "step", done=begin.num_steps, shown=progress) as bar:
        for first in range(begin.num_steps, num_steps, steps_per_block):
            end = min(first + steps_per_block, num_steps)
            driven = jax.tree.map(lambda course: course[first:end], courses)  # noqa: B023
            state, folds, traces = run_block(
                network, now.state, now.folds, constant, driven, blocks.plan(end - first)
            )
            running.append((first, traces, folds))
            is_last = end == num_steps
            is_saved = saved is not None and (
                is_last or end // steps_per_block % blocks_per_save == 0
            )
            while len(running) > (0 if is_last or is_saved else 1):
                before, rows, after = running.popleft()
                records.add(before, blocks.recorded(before, rows), blocks.finished(after))
                if bar is not None:
                    bar.update(min(steps_per_block, num_steps - before))
            now = Position(end, state, folds, records.sync() if is_saved else {})
            if saved is not None and is_saved:
                saved.write(now)
    recorded = records.result() | blocks.finished(now.folds)
    return now.state, {name: recorded[name] for name in record or {} if name in recorded}


def _saved_run(
    directory: str | os.PathLike[str] | None,
    start: Position,
    network: Network,
    drive: Drive,
    num_steps: int,
    blocks: Blocks,
    on_block: OnBlock | None,
) -> SavedRun | None:
    """Return the file of a run, which knows it by everything that it depends on."""
    if directory is None:
        return None
    identity = {
        "network": fingerprint(network),
        "drive": fingerprint(drive),
        "state or key": fingerprint(start.state),
        "record": fingerprint_of_text(repr(blocks.record)),
        "on_block": str(on_block is not None),
        "num_steps": str(num_steps),
    }
    Path(directory).mkdir(parents=True, exist_ok=True)
    return SavedRun(Path(directory) / "run.npz", identity)


def _records(
    row: dict[str, Any],
    on_block: OnBlock | None,
    directory: str | os.PathLike[str] | None,
    begin: Position,
) -> Records:
    if on_block is not None:
        return Handed(on_block)
    if directory is not None:
        return InFiles(Path(directory), row, begin.num_rows)
    return InMemory(row)


_copied = partial(jax.device_put, may_alias=False)
