"""Batches of equal size from a data set: from arrays, memory-mapped files or an iterator."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_dtype, check_finite, check_type
from jsnn._engine.inputs import check_drive_values, checked_drive, takes_spikes
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
        if not (array.dtype == np.bool_ and path[0].key not in _takers_of_numbers(network)):
            check_dtype(array, network.dtype, name)
        if not isinstance(leaf, np.memmap):
            check_finite(leaf, name)
    try:
        drive = checked_drive(network, _row(drives, 0), num_steps)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{what}: {error}") from None
    if not any(isinstance(leaf, np.memmap) for leaf in jax.tree.leaves(dict(drives))):
        _check_values(network, drives, num_presentations or 0, what)
    return num_presentations or 0, drive


def _row(drives: Mapping[str, Any], index: int) -> dict[str, Any]:
    return jax.tree.map(lambda leaf: leaf[index], dict(drives))


def _check_values(
    network: Network, drives: Mapping[str, Any], num_presentations: int, what: str, start: int = 0
) -> None:
    """Check the numbers of all presentations at once; `start` is the index of the first one.

    Raises:
      ValueError: if a number is not allowed; the message names the first presentation with one.
    """
    try:
        check_drive_values(network, drives, batch_axes=1)
    except ValueError:
        for index in range(num_presentations):
            try:
                check_drive_values(network, _row(drives, index))
            except ValueError as error:
                raise ValueError(f"{what}, presentation {start + index}: {error}") from None


def _named(path: Any) -> str:
    """Return the place of an array in the drives, such as "['layer0']"."""
    return jax.tree_util.keystr(tuple(key for key in path if hasattr(key, "key")))


def _takers_of_numbers(network: Network) -> set[str]:
    return {part.name for part in network.parts} - {
        population.name for population in network.populations if takes_spikes(population)
    }


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
        yield from _of_arrays(network, dict(drives), num_presentations, size)
    else:
        yield from _of_items(network, drives, num_presentations, num_steps, size)


def _of_arrays(
    network: Network, drives: dict[str, Any], num_presentations: int, size: int
) -> Iterator[dict[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(drives)
    is_mapped = any(isinstance(leaf, np.memmap) for _, leaf in leaves)
    for start in range(0, num_presentations, size):
        rows = jax.tree.map(lambda leaf: np.asarray(leaf[start : start + size]), drives)  # noqa: B023
        for (path, leaf), here in zip(leaves, jax.tree.leaves(rows), strict=True):
            if isinstance(leaf, np.memmap):
                check_finite(here, f"drives{_named(path)}, presentations from {start}")
        if is_mapped:
            _check_values(network, rows, min(size, num_presentations - start), "drives", start)
        yield jax.tree.map(lambda leaf: filled(leaf, size), rows)


def _of_items(
    network: Network,
    items: Iterable[Mapping[str, Any]],
    num_presentations: int,
    num_steps: int,
    size: int,
) -> Iterator[dict[str, Any]]:
    """Copy items, whose memory the iterator may use again, into batches."""
    form = ""
    batch: Any = None
    seen = waiting = 0
    for number, given in enumerate(items):
        what = f"drives, batch {number}"
        count = check_drives(network, given, None, num_steps, what)[0]
        item = jax.tree.map(np.asarray, dict(given))
        form = form or _form(item)
        if _form(item) != form:
            raise ValueError(
                f"{what}: given presentations of {_form(item) or 'nothing'}; expected {form}, as "
                "in batch 0"
            )
        seen += count
        if seen > num_presentations:
            raise ValueError(
                f"{what}: given presentation {seen} and on; expected {num_presentations} in all, "
                "one for each label"
            )
        start = 0
        while start < count:
            if not waiting:
                batch = jax.tree.map(lambda x: np.empty((size, *x.shape[1:]), x.dtype), item)
            stop = min(count, start + size - waiting)
            for into, rows in zip(jax.tree.leaves(batch), jax.tree.leaves(item), strict=True):
                into[waiting : waiting + stop - start] = rows[start:stop]
            waiting, start = waiting + stop - start, stop
            if waiting == size or (seen == num_presentations and start == count):
                yield jax.tree.map(lambda rows: filled(rows[:waiting], size), batch)  # noqa: B023
                waiting = 0
    if seen < num_presentations:
        raise ValueError(
            f"drives: ended after {seen} presentations; expected {num_presentations}, one for each "
            "label"
        )


def _form(item: dict[str, Any]) -> str:
    """Return the dtype and the shape of a presentation, by the names of its arrays."""
    leaves = jax.tree_util.tree_leaves_with_path(item)
    return ", ".join(
        f"{jax.tree_util.keystr(path)} {leaf.dtype}{list(leaf.shape[1:])}" for path, leaf in leaves
    )
