"""A data set in batches of equal size: from arrays, memory-mapped files or an iterator."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_dtype, check_finite, check_type
from jsnn._engine.inputs import check_drive, given_spikes
from jsnn.network.network import Network

Drives = Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""The drives of n presentations, [n, ...] each, or an iterable of the next few in each item."""


def check_drives(
    network: Network,
    drives: Mapping[str, Any],
    num_presentations: int | None,
    num_steps: int,
    what: str = "drives",
) -> int:
    """How many presentations these are, or an error that names `what` does not fit.

    The numbers of a memory-mapped file are left for when they are read.
    """
    check_type(drives, Mapping, what, " by population, like the drive of simulate")
    for path, leaf in jax.tree_util.tree_leaves_with_path(dict(drives)):
        where = f"{what}{jax.tree_util.keystr(path)}"
        rows = len(leaf) if np.ndim(leaf) else 0
        each = "label" if num_presentations else "presentation"
        num_presentations = rows if num_presentations is None else num_presentations
        if not rows or rows != num_presentations:
            raise ValueError(
                f"{where}: given shape {np.shape(leaf)}; expected ({num_presentations or 'n'}, "
                f"...), one row for each {each}"
            )
        array = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
        if not (array.dtype == np.bool_ and path[0].key in _sources_of_spikes(network)):
            check_dtype(array, network.dtype, where)
        if not isinstance(leaf, np.memmap):
            check_finite(leaf, where)
    try:
        check_drive(network, jax.tree.map(lambda leaf: leaf[0], dict(drives)), num_steps)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{what}: {error}") from None
    return num_presentations or 0


def _sources_of_spikes(network: Network) -> set[str]:
    return {name for name in network.sizes if given_spikes(network, name)}


def batches(
    network: Network, drives: Drives, num_presentations: int, num_steps: int, size: int
) -> Iterator[dict[str, Any]]:
    """The drives, `size` presentations at a time; at the end the last one is repeated.

    Raises ValueError or TypeError that names the batch where the data end early, go on for too
    long or do not fit.
    """
    if isinstance(drives, Mapping):
        for start in range(0, num_presentations, size):
            rows = jax.tree.map(lambda leaf: np.asarray(leaf[start : start + size]), dict(drives))  # noqa: B023
            leaves = jax.tree_util.tree_leaves_with_path(dict(drives))
            for (path, leaf), here in zip(leaves, jax.tree.leaves(rows), strict=True):
                if isinstance(leaf, np.memmap):
                    name = jax.tree_util.keystr(path)
                    check_finite(here, f"drives{name}, presentations from {start}")
            yield _filled(rows, size)
    else:
        yield from _of_items(network, drives, num_presentations, num_steps, size)


def _of_items(
    network: Network,
    items: Iterable[Mapping[str, Any]],
    num_presentations: int,
    num_steps: int,
    size: int,
) -> Iterator[dict[str, Any]]:
    waiting: list[dict[str, Any]] = []
    seen = given = 0
    for number, item in enumerate(items):
        seen += check_drives(network, item, None, num_steps, f"drives, batch {number}")
        if seen > num_presentations:
            raise ValueError(
                f"drives, batch {number}: given presentation {seen} and on; expected "
                f"{num_presentations} in all, one for each label"
            )
        waiting.append(jax.tree.map(np.asarray, dict(item)))
        while seen - given >= size or (seen == num_presentations and seen > given):
            rows = jax.tree.map(lambda *parts: np.concatenate(parts), *waiting)
            yield _filled(jax.tree.map(lambda leaf: leaf[:size], rows), size)
            waiting = [jax.tree.map(lambda leaf: leaf[size:], rows)]
            given = min(given + size, seen)
    if seen < num_presentations:
        raise ValueError(
            f"drives: ended after {seen} presentations; expected {num_presentations}, one for each "
            "label"
        )


def _filled(rows: dict[str, Any], size: int) -> dict[str, Any]:
    def filled(leaf: np.ndarray) -> np.ndarray:
        missing = size - len(leaf)
        return np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]) if missing else leaf

    return jax.tree.map(filled, rows)
