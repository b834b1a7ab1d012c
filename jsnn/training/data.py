"""Data of a training: checked before anything is compiled, as far as they are known."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from jsnn._checks import check_finite, check_type, check_untraced
from jsnn.evaluation.batches import check_drives
from jsnn.evaluation.data_set import check_labels
from jsnn.network.network import Network
from jsnn.training.batches import Arrays, Data, Seekable
from jsnn.training.update import Task


def training_data(
    network: Network, task: Task, drives: Any, targets: Any, size: int, seed: int
) -> Data:
    """Return the data of a training.

    Args:
      network: the network that is trained.
      task: what it is to learn.
      drives: as given to `jsnn.fit`.
      targets: as given to `jsnn.fit`.
      size: B, the number of presentations of a batch.
      seed: of their order.

    Raises:
      TypeError: if drives are of another type, or can be iterated only once.
      ValueError: if arrays do not fit the network or the loss.
    """
    check = partial(_check_item, network, task, size)
    if isinstance(drives, Mapping):
        return Data(_checked_arrays(network, task, drives, targets, size, seed, "fit"), size, check)
    if hasattr(drives, "dtype"):
        raise TypeError(
            f"fit, drives: given an array of shape {np.shape(drives)}; expected arrays by "
            "population, such as {'input': array}"
        )
    can_start_anywhere = isinstance(drives, Seekable)
    if not can_start_anywhere and (not hasattr(drives, "__iter__") or hasattr(drives, "__next__")):
        once = ", which can be iterated only once" if hasattr(drives, "__next__") else ""
        raise TypeError(
            f"fit, drives: given {type(drives).__name__}{once}; expected arrays by population, or "
            "an iterable of (drives, targets) that can be iterated once for each epoch (a class "
            "with __iter__, or with batches(epoch, first))"
        )
    if targets is not None:
        raise ValueError(
            f"fit, targets: given with drives of type {type(drives).__name__}; expected a dict of "
            "drives by population, or None for targets with an iterable of (drives, targets)"
        )
    return Data(drives, size, check)


def validation_data(network: Network, task: Task, validation: Any, size: int) -> Data | None:
    """Return the data of a validation, or None if none are given.

    Raises:
      TypeError: if it is no pair of drives and targets.
      ValueError: if they do not fit the network or the loss.
    """
    if validation is None:
        return None
    if not isinstance(validation, tuple) or len(validation) != 2:
        raise TypeError(
            f"fit, validation: given {type(validation).__name__}; expected a tuple (drives, "
            "targets) of arrays"
        )
    drives, targets = validation
    check_type(drives, Mapping, "fit, validation, drives", " of arrays by population")
    arrays = _checked_arrays(network, task, drives, targets, size, 0, "fit, validation")
    return Data(arrays, size, partial(_check_item, network, task, size))


def _checked_arrays(
    network: Network,
    task: Task,
    drives: Mapping[str, Any],
    targets: Any,
    size: int,
    seed: int,
    what: str,
) -> Arrays:
    if targets is None:
        raise ValueError(f"{what}, targets: given none; expected one for each presentation")
    check_untraced((dict(drives), targets), what, "jax.grad of jsnn.simulate can be traced")
    targets = _array_of_list(targets, what)
    _check(network, task, drives, targets, what)
    return Arrays(drives, targets, size, seed)


def _array_of_list(targets: Any, what: str) -> Any:
    """Return a list of numbers as an array, and other targets as they are."""
    if not isinstance(targets, list):
        return targets
    try:
        return np.asarray(targets)
    except ValueError:
        raise TypeError(
            f"{what}, targets: given a list of different lengths; expected an array [n, ...]"
        ) from None


def _check_item(network: Network, task: Task, size: int, item: Any, what: str) -> None:
    """Raise an error if an item of an iterable does not fit; `what` names the item."""
    if not isinstance(item, tuple) or len(item) != 2:
        raise TypeError(f"{what}: given {type(item).__name__}; expected a tuple (drives, targets)")
    drives, targets = item
    number = _check(network, task, drives, targets, what)
    if number > size:
        raise ValueError(
            f"{what}: given {number} presentations; expected at most {size}, the batch size"
        )


def _check(network: Network, task: Task, drives: Any, targets: Any, what: str) -> int:
    """Return the number of presentations, with drives and targets checked."""
    check_type(drives, Mapping, f"{what}, drives", " by population, like the drive of simulate")
    leaves = jax.tree.leaves(targets)
    if not leaves or not all(hasattr(leaf, "dtype") for leaf in leaves):
        raise TypeError(
            f"{what}, targets: given {type(targets).__name__}; expected an array [n, ...], or a "
            "pytree of arrays"
        )
    for leaf in leaves:
        if not isinstance(leaf, np.memmap):  # of which each batch is checked
            check_finite(leaf, f"{what}, targets")
    rows = {np.shape(leaf)[:1] for leaf in leaves}
    if len(rows) != 1 or rows <= {(), (0,)}:
        raise ValueError(
            f"{what}, targets: given shapes {', '.join(str(np.shape(x)) for x in leaves)}; "
            "expected (n, ...), one row for each presentation"
        )
    ((number,),) = rows
    given = {np.shape(leaf)[0] for leaf in jax.tree.leaves(dict(drives)) if np.ndim(leaf)}
    if given and given != {number}:
        raise ValueError(
            f"{what}, targets: given {number} for {', '.join(map(str, sorted(given)))} "
            "presentations of the drives; expected one for each presentation"
        )
    check_drives(network, drives, number, task.num_steps, f"{what}, drives")
    try:
        task.loss.check(network, targets)
        if task.readout is not None:
            check_labels(targets, network.sizes[task.readout.population])
    except (TypeError, ValueError) as error:
        hint = "" if task.readout is None else " (a readout is for labels)"
        raise type(error)(f"{what}, targets: {error}{hint}") from None
    return number
