"""Checkpoints of long computations: whole, checked, two of them, for one process at a time."""

import fcntl
import hashlib
import importlib.metadata
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jsnn
from jsnn.network.whole_files import read_checked, write_checked

KEPT = 2
"""Number of checkpoints that are kept, so that there is another one if the last is damaged."""


class Checkpoints:
    """The last checkpoints of one computation, in files called <name>-<step>.checkpoint.

    A file is a line with the SHA-256 of the rest, and the rest is what `np.savez` makes of the
    arrays of a pytree, each under its path.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name

    def path(self, step: int) -> Path:
        """Return the file of the checkpoint after a number of steps."""
        return self.directory / f"{self.name}-{step}.checkpoint"

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints that there are, the last one first."""
        prefix = f"{self.name}-"
        paths = self.directory.glob(f"{prefix}*.checkpoint")
        steps = [path.stem.removeprefix(prefix) for path in paths]
        return sorted((int(step) for step in steps if step.isdecimal()), reverse=True)

    def latest_step(self) -> int | None:
        """Return the step of the last checkpoint, or None if there is none."""
        return next(iter(self.steps()), None)

    def save(self, step: int, tree: Any) -> None:
        """Write a checkpoint, and remove all but the last ones.

        Args:
          step: the number of steps that are done.
          tree: a pytree of arrays.
        """
        content = io.BytesIO()
        np.savez(content, **{name: np.asarray(leaf) for name, leaf in _named_leaves(tree)})
        write_checked(self.path(step), content.getbuffer())
        for old in self.steps()[KEPT:]:
            self.path(old).unlink()
        self._remove_unfinished()

    def restore(self, like: Any) -> tuple[int, Any] | None:
        """Read the last checkpoint that is intact; name each damaged one on the way.

        Args:
          like: a pytree of arrays of the same shapes and dtypes.

        Returns:
          The number of steps that were done and the pytree, or None if there is no checkpoint.

        Raises:
          ValueError: if there are checkpoints, but none is intact.
        """
        fault = None
        for step in self.steps():
            try:
                return step, self.read(step, like)
            except ValueError as error:
                print(f"warning: {error}; the checkpoint before it is taken", file=sys.stderr)
                fault = fault or error
        if fault is not None:
            raise ValueError(f"{fault}; no other checkpoint is intact: remove it to start anew")
        return None

    def read(self, step: int, like: Any) -> Any:
        """Read the checkpoint after a number of steps.

        Args:
          step: one of `steps()`.
          like: a pytree of arrays of the same shapes and dtypes, or a part of it.

        Raises:
          ValueError: if the file is damaged, or holds other arrays; the message names it.
        """
        path = self.path(step)
        with np.load(io.BytesIO(read_checked(path)), allow_pickle=False) as kept:
            leaves = [_leaf(kept, name, leaf, path) for name, leaf in _named_leaves(like)]
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def remove(self) -> None:
        """Remove all checkpoints of the computation."""
        for step in self.steps():
            self.path(step).unlink()
        self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        for path in self.directory.glob(f"{self.name}-*.checkpoint.*.part"):
            path.unlink()


@contextmanager
def only_process_in(directory: Path) -> Iterator[None]:
    """Keep other processes out of a directory of checkpoints until the end of the context.

    Raises:
      ValueError: if another process is in the directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        _lock(handle, directory)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"--out: another process computes in {directory}; wait for its end, or give another "
            "directory"
        ) from None
    except OSError:
        pass  # a file system without locks


def fingerprint(*parts: Any) -> str:
    """Return a hash of everything that a computation depends on, its code included.

    Args:
      parts: pytrees of arrays, numbers and strings.
    """
    digest = hashlib.sha256(repr(made_with()).encode())
    for name, leaf in _named_leaves(parts):
        array = np.asarray(leaf, order="C")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def made_with() -> dict[str, str]:
    """Return what results depend on beside settings: code, packages, device and precision."""
    code = hashlib.sha256()
    for package in (Path(jsnn.__file__).parent, Path(__file__).parent):
        for path in sorted(package.rglob("*")):
            if path.suffix in (".py", ".cc"):
                code.update(path.read_bytes())
    packages = ("jax", "jaxlib", "numpy", "flax", "optax")
    return {
        "code": code.hexdigest()[:16],
        "packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages),
        "device": jax.default_backend(),
        "precision": "float64" if jax.config.jax_enable_x64 else "float32",
    }


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]


def _leaf(kept: Any, name: str, like: Any, path: Path) -> np.ndarray:
    if name not in kept:
        raise ValueError(f"{path}: holds no {name}; expected a checkpoint of this computation")
    leaf = kept[name]
    if (leaf.shape, leaf.dtype) != (like.shape, like.dtype):
        raise ValueError(
            f"{path}: {name} is {leaf.dtype} {leaf.shape}; expected {like.dtype} {like.shape}"
        )
    return leaf
