"""Batches of equal size from a data set: from arrays, memory-mapped files or an iterator."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_dtype, check_finite, check_type
from jsnn._engine.inputs import checked_drive, takes_spikes
from jsnn.evaluation.presentation import filled
from jsnn.network.network import Network

Drives = Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""Drives of n presentations, [n, ...] each, or an iterable of the next few in each item."""


def check_drives(
    network: Network,
    drives: Mapping[str, Any],
    num_presentations: int | None,
    num_steps: int,
    what: str = "drives",
) -> tuple[int, dict[str, Any]]:
    """Check the drives of some presentations.

    The numbers of a memory-mapped file are checked later, when they are read.

    Args:
      network: the network that is simulated.
      drives: [n, ...] each.
      num_presentations: the number of labels, if known.
      num_steps: T.
      what: the drives, for messages.

    Returns:
      n, and the drive of the first presentation with every number an array.

    Raises:
      TypeError: if an array is of another dtype than the network.
      ValueError: if arrays have different numbers of rows, or do not fit the network.
    """
    check_type(drives, Mapping, what, " by population, like the drive of simulate")
    for path, leaf in jax.tree_util.tree_leaves_with_path(dict(drives)):
        name = f"{what}{_named(path)}"
        rows = len(leaf) if np.ndim(leaf) else 0
        each = "label" if num_presentations else "presentation"
        num_presentations = rows if num_presentations is None else num_presentations
        if not rows or rows != num_presentations:
            raise ValueError(
                f"{name}: given shape {np.shape(leaf)}; expected ({num_presentations or 'n'}, "
                f"...), one row for each {each}"
            )
        array = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
        if not (array.dtype == np.bool_ and path[0].key in _sources_of_spikes(network)):
            check_dtype(array, network.dtype, name)
        if not isinstance(leaf, np.memmap):
            check_finite(leaf, name)
    try:
        first = jax.tree.map(lambda leaf: leaf[0], dict(drives))
        drive = checked_drive(network, first, num_steps)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{what}: {error}") from None
    return num_presentations or 0, drive


def _named(path: Any) -> str:
    """Return the place of an array in the drives, such as "['layer0']"."""
    return jax.tree_util.keystr(tuple(key for key in path if hasattr(key, "key")))


def _sources_of_spikes(network: Network) -> set[str]:
    return {population.name for population in network.populations if takes_spikes(population)}


def batches(
    network: Network, drives: Drives, num_presentations: int, num_steps: int, size: int
) -> Iterator[dict[str, Any]]:
    """Yield the drives, `size` presentations at a time; the last batch repeats the last one.

    Args:
      network: the network that is simulated.
      drives: the drives of the data set.
      num_presentations: the number of labels.
      num_steps: T.
      size: the number of presentations in a batch.

    Raises:
      TypeError: if the data of a batch are of another type; the message names the batch.
      ValueError: if the data end early, go on for too long or do not fit; the message names the
        batch.
    """
    if isinstance(drives, Mapping):
        yield from _of_arrays(dict(drives), num_presentations, size)
    else:
        yield from _of_items(network, drives, num_presentations, num_steps, size)


def _of_arrays(
    drives: dict[str, Any], num_presentations: int, size: int
) -> Iterator[dict[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(drives)
    for start in range(0, num_presentations, size):
        rows = jax.tree.map(lambda leaf: np.asarray(leaf[start : start + size]), drives)  # noqa: B023
        for (path, leaf), here in zip(leaves, jax.tree.leaves(rows), strict=True):
            if isinstance(leaf, np.memmap):
                check_finite(here, f"drives{_named(path)}, presentations from {start}")
        yield jax.tree.map(lambda leaf: filled(leaf, size), rows)


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
        seen += check_drives(network, item, None, num_steps, f"drives, batch {number}")[0]
        if seen > num_presentations:
            raise ValueError(
                f"drives, batch {number}: given presentation {seen} and on; expected "
                f"{num_presentations} in all, one for each label"
            )
        waiting.append(jax.tree.map(np.asarray, dict(item)))
        while seen - given >= size or (seen == num_presentations and seen > given):
            rows = jax.tree.map(lambda *parts: np.concatenate(parts), *waiting)
            yield jax.tree.map(lambda leaf: filled(leaf[:size], size), rows)
            waiting = [jax.tree.map(lambda leaf: leaf[size:], rows)]
            given = min(given + size, seen)
    if seen < num_presentations:
        raise ValueError(
            f"drives: ended after {seen} presentations; expected {num_presentations}, one for each "
            "label"
        )
