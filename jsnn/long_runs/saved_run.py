"""Long run on disk: its state, its folds and the lengths of its files, as they were at a save."""

import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.state import State
from jsnn.network.whole_files import write_whole

_FILE = "run.npz"
_ABOUT = "about"
_UNREADABLE = (
    *(ValueError, TypeError, LookupError, OSError, EOFError),
    *(zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Position:
    """The point that a run has reached.

    Attributes:
      num_steps: the number of steps that are done.
      state: after these steps.
      folds: {fold: its value after these steps}.
      num_rows: {label: the number of rows in its file}.
    """

    num_steps: int
    state: State
    folds: dict[str, Any]
    num_rows: dict[str, int]


@dataclass(frozen=True)
class SavedRun:
    """The file of a run in a directory: the arrays of a position, and JSON about them.

    Attributes:
      path: of the file.
      identity: {argument: its fingerprint}, of everything that the run depends on.
    """

    path: Path
    identity: dict[str, str]

    def write(self, position: Position) -> None:
        """Write the position of the run, whole or not at all."""
        about = {
            "identity": self.identity,
            "num_steps": position.num_steps,
            "num_rows": position.num_rows,
        }
        arrays = {name: _host(leaf) for name, leaf in _named_leaves(_tree(position))}
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **{_ABOUT: np.array(json.dumps(about))}, **arrays)
        write_whole(self.path, content.getvalue())

    def read(self, start: Position) -> Position:
        """Read the position of the run, which has the shapes and dtypes of `start`.

        Raises:
          ValueError: if the file cannot be read or belongs to another run; the message names it.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                arrays = dict(saved)
            about = json.loads(str(arrays[_ABOUT]))
            identity, num_rows = about["identity"], about["num_rows"]
            num_steps = about["num_steps"]
        except _UNREADABLE as error:
            raise ValueError(
                f"{self.path}: cannot be read ({error}); expected the file of a run in blocks "
                "(give another directory, or remove this one to start anew)"
            ) from error
        for argument, fingerprint in self.identity.items():
            if identity.get(argument) != fingerprint:
                raise ValueError(
                    f"{self.path}: belongs to a run with another {argument}; expected the "
                    f"{argument} with which it began (or give another directory)"
                )
        named = dict(_named_leaves(_tree(start)))
        for name, leaf in named.items():
            given, expected = _described(arrays.get(name)), _described(_host(leaf))
            if given != expected:
                raise ValueError(
                    f"{self.path}: holds {given} as {name}; expected {expected} (another version "
                    "of jsnn may have written it: remove the directory to start anew)"
                )
        leaves = [_on_device(arrays[name], leaf) for name, leaf in named.items()]
        state, folds = jax.tree.unflatten(jax.tree.structure(_tree(start)), leaves)
        return Position(num_steps, state, folds, num_rows)


def fingerprint(tree: Any) -> str:
    """Return a checksum of the structure and the arrays of a pytree.

    The addresses of functions, which differ between processes, do not count.
    """
    structure = f"{jax.tree.structure(tree)}"
    checksum = zlib.crc32(_without_addresses(structure).encode())
    for name, leaf in _named_leaves(tree):
        array = np.ascontiguousarray(_host(leaf))
        checksum = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), checksum)
        checksum = zlib.crc32(array.reshape(-1).view(np.uint8).data, checksum)
    return f"{checksum:08x}"


def fingerprint_of_text(text: str) -> str:
    """Return a checksum of what `repr` makes of objects."""
    return f"{zlib.crc32(_without_addresses(text).encode()):08x}"


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _tree(position: Position) -> Any:
    return position.state, position.folds


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _host(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _described(array: np.ndarray | None) -> str:
    return "nothing" if array is None else f"{array.dtype}{list(array.shape)}"


def _on_device(array: np.ndarray, like: Any) -> Any:
    if _is_key(like):
        return jax.random.wrap_key_data(jnp.array(array), impl="threefry2x32")
    return jax.device_put(array, may_alias=False)
