"""Records of the blocks of a long run: handed to a function, kept in memory, or kept in files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import jax
import numpy as np

from jsnn.long_runs.row_files import RowFile
from jsnn.spike_events import Events

OnBlock = Callable[[int, dict[str, Any]], Any]
"""A function (number of steps before the block, {name: recorded in the block})."""

Rows = dict[str, np.ndarray]
"""Rows by label: the name of a recording, and the path of an array in what it records."""

_PLAIN = " []'"
"""Characters that stand in the name of a file as they stand in the label."""


class Records(Protocol):
    """A place for the records of all blocks."""

    def add(self, first_step: int, traces: dict[str, Any], folds: dict[str, Any]) -> None:
        """Take the records of a block: traces, and the folds at its end."""
        ...

    def sync(self) -> dict[str, int]:
        """Make all rows so far durable; return their numbers by label."""
        ...

    def result(self) -> dict[str, Any]:
        """Return {trace: the rows of all blocks}."""
        ...


class Handed:
    """Records that a function of the user takes, and that are not kept."""

    def __init__(self, on_block: OnBlock) -> None:
        self._on_block = on_block

    def add(self, first_step: int, traces: dict[str, Any], folds: dict[str, Any]) -> None:
        self._on_block(first_step, traces | folds)

    def sync(self) -> dict[str, int]:
        return {}

    def result(self) -> dict[str, Any]:
        return {}


class InMemory:
    """Records in the memory of the process."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self._blocks: dict[str, list[np.ndarray]] = {label: [] for label in labelled(row)}

    def add(self, first_step: int, traces: dict[str, Any], folds: dict[str, Any]) -> None:
        for label, rows in labelled(traces).items():
            self._blocks[label].append(rows)

    def sync(self) -> dict[str, int]:
        return {}

    def result(self) -> dict[str, Any]:
        # one recording after the other, so that no more than one is in memory twice
        joined = {label: np.concatenate(self._blocks.pop(label)) for label in list(self._blocks)}
        return _joined(self._row, joined)


class InFiles:
    """Records in memory-mapped files of a directory, one for each array."""

    def __init__(self, directory: Path, row: dict[str, Any], num_rows: Mapping[str, int]) -> None:
        self._row = row
        self._files = {
            label: RowFile(_path(directory, label), like, num_rows.get(label, 0))
            for label, like in labelled(row).items()
        }

    def add(self, first_step: int, traces: dict[str, Any], folds: dict[str, Any]) -> None:
        for label, rows in labelled(traces).items():
            self._files[label].append(rows)

    def sync(self) -> dict[str, int]:
        for file in self._files.values():
            file.sync()
        return {label: file.num_rows for label, file in self._files.items()}

    def result(self) -> dict[str, Any]:
        return _joined(self._row, {label: file.rows() for label, file in self._files.items()})


def _path(directory: Path, label: str) -> Path:
    return directory / f"{quote(label, safe=_PLAIN)}.npy"


def check_no_files(directory: Path, row: dict[str, Any]) -> None:
    """Raise ValueError if a directory has files that a new run would write over."""
    for label in labelled(row):
        path = _path(directory, label)
        if path.exists():
            raise ValueError(
                f"{path}: given a file that no run in blocks has begun here; expected none (give "
                "another directory, or remove the file)"
            )


def check_labels(row: dict[str, Any]) -> None:
    """Raise ValueError if two arrays of the recordings have one label."""
    if len(labelled(row)) < len(jax.tree.leaves(row)):
        raise ValueError(
            f"record: given the names {list(row)}, and arrays in them that have the same label; "
            "expected other names"
        )


def labelled(traces: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of traces by label; the count of events, which is no row, is left out."""
    rows = {
        name: Events(x.steps, x.neurons, None) if isinstance(x, Events) else x
        for name, x in traces.items()
    }
    return {
        name + jax.tree_util.keystr(path): leaf
        for name, tree in rows.items()
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _joined(row: dict[str, Any], rows: Rows) -> dict[str, Any]:
    """Return traces from their arrays by label; `row` is a row of each of them."""
    traces = jax.tree.unflatten(jax.tree.structure(row), [rows[label] for label in labelled(row)])
    return {
        name: Events(x.steps, x.neurons, np.int32(len(x.steps))) if isinstance(x, Events) else x
        for name, x in traces.items()
    }
