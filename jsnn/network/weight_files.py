"""Weight files of feed-forward networks: weights_0_1.npy, weights_1_2.npy, ...

Each file holds one float32 array of shape (pre, post), for one projection, as in the repository of
GeNN's tutorial. `save_weights` puts a list of their checksums beside them, weights.sha256, in the
form that the program `sha256sum` checks.

The files of a set change together. `save_weights` writes each matrix to a file whose name ends in
its checksum, then the new list in place of the old one, and then gives the matrices their names.
If the process is killed before the list is written, the old set is there; if it is killed
afterwards, the new set is there, each file under one name or the other.
"""

import contextlib
import hashlib
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, host_array
from jsnn.network.feedforward import check_chain
from jsnn.network.whole_files import replace_durably, write_whole

CHECKSUMS = "weights.sha256"

Pair = tuple[int, int]
"""Numbers of the layers that a matrix joins."""


def load_weights(directory: str | PathLike[str]) -> list[np.ndarray]:
    """Load all weights_i_j.npy of a directory, in order: float32 [pre, post] each.

    If there is a weights.sha256, each file has to be the one that was saved with the others.

    Raises:
      FileNotFoundError: if there is no such directory, or no such file in it.
      ValueError: if a number is missing in the sequence or occurs twice, a file is truncated or not
        an array of float32 with two axes, holds a NaN or an infinity, was not saved with the
        others, or two files do not chain.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(
            f"{directory}: no such directory; expected one with weights_0_1.npy"
        )
    checksums = _read_checksums(directory)
    found = [path.name for path in directory.iterdir()]
    paths = _in_order(directory, [*checksums, *found])
    for path in paths if checksums else []:
        if path.name not in checksums:
            raise ValueError(
                f"{path}: not among the files in {CHECKSUMS}; expected {', '.join(checksums)} "
                f"alone (remove {CHECKSUMS} if the files belong together)"
            )
    weights = [_load(path, checksums.get(path.name)) for path in paths]
    try:
        check_chain([w.shape for w in weights])
    except ValueError as error:
        raise ValueError(f"{directory}: {error}") from None
    return weights


def save_weights(directory: str | PathLike[str], weights: Sequence[ArrayLike]) -> list[Path]:
    """Write float32 matrices [pre, post] as weights_0_1.npy, ..., all of them or none.

    The directory is made if it does not exist. A list of checksums, weights.sha256, tells
    `load_weights` that the files belong together.

    Returns:
      The paths of the files.

    Raises:
      ValueError: if there are no weights, or they are of another dtype, do not chain or are not
        finite, or if the directory holds weight files that the new ones would not replace.
      OSError: if a file cannot be written, for instance to a full disk; the old files are loaded
        as before.
    """
    directory = Path(directory)
    arrays = [host_array(w, f"weights {i}_{i + 1}") for i, w in enumerate(weights)]
    if not arrays:
        raise ValueError("weights: given no matrix; expected at least one")
    paths = [directory / f"weights_{i}_{i + 1}.npy" for i in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        _check_kind(array.shape, array.dtype, path)
        check_finite(array, str(path))
    check_chain([array.shape for array in arrays])
    _give_names(directory, _read_checksums(directory))
    check_no_others(directory, len(arrays))
    checksums: dict[str, str] = {}
    nameless: list[Path] = []
    try:
        for path, array in zip(paths, arrays, strict=True):
            content = _npy(array)
            checksums[path.name] = hashlib.sha256(content).hexdigest()
            nameless.append(_nameless(path, checksums[path.name]))
            write_whole(nameless[-1], content)
        lines = "".join(f"{checksum}  {name}\n" for name, checksum in checksums.items())
        write_whole(directory / CHECKSUMS, lines.encode())
    except BaseException:
        for path in nameless if _read_checksums(directory) != checksums else []:
            path.unlink(missing_ok=True)
        raise
    _give_names(directory, checksums)
    return paths


def check_no_others(directory: str | PathLike[str], num_matrices: int) -> None:
    """Raise ValueError if a directory holds weight files beyond the first `num_matrices`."""
    expected = {f"weights_{i}_{i + 1}.npy" for i in range(num_matrices)}
    found = sorted(Path(directory).glob("weights_*_*.npy"))
    others = [path.name for path in found if path.name not in expected or not path.is_file()]
    if others:
        raise ValueError(
            f"{directory}: holds {others[0]}, which would not be part of these {num_matrices} "
            "matrices; expected a directory without it"
        )


def _pair(name: str) -> Pair | None:
    match = re.fullmatch(r"weights_([0-9]+)_([0-9]+)\.npy", name)
    return match and (int(match[1]), int(match[2]))


def _in_order(directory: Path, names: Iterable[str]) -> list[Path]:
    """Return the paths of the weight files among `names`, from the first layer to the last."""
    of_pair: dict[Pair, str] = {}
    for name in sorted(names):
        pair = _pair(name)
        if pair is not None and of_pair.setdefault(pair, name) != name:
            raise ValueError(
                f"{directory}: {of_pair[pair]} and {name} are for the same layers; expected one"
            )
    if not of_pair:
        found = ", ".join(sorted(names)[:5]) or "nothing"
        raise FileNotFoundError(f"{directory}: found {found}; expected weights_0_1.npy")
    expected = [(i, i + 1) for i in range(len(of_pair))]
    if sorted(of_pair) != expected:
        missing = next(pair for pair in expected if pair not in of_pair)
        found = ", ".join(of_pair[pair] for pair in sorted(of_pair))
        raise ValueError(
            f"{directory}: found {found}; expected no gap, but "
            f"weights_{missing[0]}_{missing[1]}.npy is missing"
        )
    return [directory / of_pair[pair] for pair in expected]


def _read_checksums(directory: Path) -> dict[str, str]:
    """Return {name of a weight file: its SHA-256}, empty if there is no list."""
    path = directory / CHECKSUMS
    if not path.exists():
        return {}
    try:
        lines = [line.split("  ") for line in path.read_text("ascii").splitlines()]
        checksums = {name: checksum for checksum, name in lines}
        if checksums and all(map(_pair, checksums)):
            return checksums
    except ValueError:
        pass
    raise ValueError(
        f"{path}: damaged; expected a SHA-256 and a name in each line (remove the file to load "
        "weights unchecked)"
    )


def _nameless(path: Path, checksum: str) -> Path:
    """Return the path of a weight file before it has its name."""
    target = path.resolve()
    return target.with_name(f"{target.name}.{checksum[:16]}")


def _give_names(directory: Path, checksums: Mapping[str, str]) -> None:
    for name, checksum in checksums.items():
        path = directory / name
        with contextlib.suppress(FileNotFoundError):  # it has its name
            replace_durably(_nameless(path, checksum), path.resolve())


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def _load(path: Path, checksum: str | None) -> np.ndarray:
    if checksum is None:
        return _read(path)
    for candidate in (path, _nameless(path, checksum)):
        if candidate.is_file() and _sha256(candidate) == checksum:
            return _read(candidate)
    if not path.exists():
        raise ValueError(f"{path.parent}: {path.name} is missing, but stands in {CHECKSUMS}")
    _read(path)  # says more about the fault, if the file is no matrix
    raise ValueError(
        f"{path}: altered, or not saved with the other files: SHA-256 is {_sha256(path)}; "
        f"expected {checksum} (remove {CHECKSUMS} if the files belong together)"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f"{path}: not an array of numbers, as it is no file; expected float32")
    with path.open("rb") as file:
        _check_header(file, path)
        array = np.load(file, allow_pickle=False)
    check_finite(array, str(path))
    return array


def _check_header(file: BinaryIO, path: Path) -> None:
    """Raise ValueError, before memory is taken, if a file is no matrix or not as long as told."""
    try:
        if np.lib.format.read_magic(file) == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        given = path.stat().st_size - file.tell()
        whole = all(type(size) is int and size > 0 for size in shape)
        if not whole or given != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"given {given} bytes of numbers; expected {dtype} of shape {shape}")
    except Exception as error:  # a damaged header fails in many ways
        reason = str(error).split("\n")[0]
        raise ValueError(f"{path}: truncated or not an array of numbers ({reason})") from None
    _check_kind(shape, dtype, path)
    file.seek(0)


def _check_kind(shape: tuple[int, ...], dtype: np.dtype[Any], path: Path) -> None:
    if dtype != np.float32:
        raise ValueError(f"{path}: given {dtype}; expected float32")
    if len(shape) != 2 or not all(shape):
        raise ValueError(f"{path}: given shape {shape}; expected (pre, post)")
