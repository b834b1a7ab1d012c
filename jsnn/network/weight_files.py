"""Weight files of feed-forward networks: weights_0_1.npy, weights_1_2.npy, ...

Each file holds one float32 array of shape (pre, post), for one projection, as in the repository of
GeNN's tutorial.
"""

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite
from jsnn.network.feedforward import check_chain


def load_weights(directory: str | PathLike[str]) -> list[np.ndarray]:
    """Load all weights_i_j.npy of a directory, in order: float32 [pre, post] each.

    Raises:
      FileNotFoundError: if there is no such directory, or no such file in it.
      ValueError: if a number is missing in the sequence, a file is truncated or not an array of
        float32 with two axes, holds a NaN or an infinity, or two files do not chain.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(
            f"{directory}: no such directory; expected one with weights_0_1.npy"
        )
    paths = {
        (int(match[1]), int(match[2])): path
        for path in directory.iterdir()
        if (match := re.fullmatch(r"weights_(\d+)_(\d+)\.npy", path.name))
    }
    if not paths:
        found = ", ".join(sorted(path.name for path in directory.iterdir())[:5]) or "nothing"
        raise FileNotFoundError(f"{directory}: found {found}; expected weights_0_1.npy")
    expected = [(i, i + 1) for i in range(len(paths))]
    if sorted(paths) != expected:
        missing = next(pair for pair in expected if pair not in paths)
        names = ", ".join(paths[pair].name for pair in sorted(paths))
        raise ValueError(
            f"{directory}: found {names}; expected no gap, but "
            f"weights_{missing[0]}_{missing[1]}.npy is missing"
        )
    weights = [_load(paths[pair]) for pair in expected]
    try:
        check_chain([w.shape for w in weights])
    except ValueError as error:
        raise ValueError(f"{directory}: {error}") from None
    return weights


def save_weights(directory: str | PathLike[str], weights: Sequence[ArrayLike]) -> list[Path]:
    """Write float32 matrices [pre, post] as weights_0_1.npy, ...

    The directory is made if it does not exist.

    Returns:
      The paths of the files.

    Raises:
      ValueError: if weights are of another dtype, do not chain or are not finite, or if the
        directory holds weight files that the new ones would not replace.
    """
    directory = Path(directory)
    arrays = [np.asarray(w) for w in weights]
    paths = [directory / f"weights_{i}_{i + 1}.npy" for i in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        _check_matrix(array, path)
    check_chain([array.shape for array in arrays])
    check_no_others(directory, len(arrays))
    directory.mkdir(parents=True, exist_ok=True)
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths


def check_no_others(directory: str | PathLike[str], num_matrices: int) -> None:
    """Raise ValueError if a directory holds weight files beyond the first `num_matrices`."""
    expected = {f"weights_{i}_{i + 1}.npy" for i in range(num_matrices)}
    others = sorted(
        p.name for p in Path(directory).glob("weights_*_*.npy") if p.name not in expected
    )
    if others:
        raise ValueError(
            f"{directory}: holds {others[0]}, which would not be part of these {num_matrices} "
            "matrices; expected a directory without it"
        )


def _load(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).split("\n")[0]
        raise ValueError(f"{path}: truncated or not an array of numbers ({reason})") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: given an archive of arrays; expected one array")
    _check_matrix(array, path)
    return array


def _check_matrix(array: np.ndarray, path: Path) -> None:
    if array.dtype != np.float32:
        raise ValueError(f"{path}: given {array.dtype}; expected float32")
    if array.ndim != 2:
        raise ValueError(f"{path}: given shape {array.shape}; expected (pre, post)")
    check_finite(array, str(path))
