"""Batches of a training set, in an order that a seed and the epoch alone decide."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from jsnn._checks import check_type
from jsnn.evaluation.batches import check_drives
from jsnn.evaluation.presentation import filled
from jsnn.network.network import Network

Item = tuple[Mapping[str, Any], Any]
"""Drives and targets of a few presentations, [n, ...] each."""


@runtime_checkable
class Seekable(Protocol):
    """A source of batches that can start anywhere, so that training can be resumed."""

    def batches(self, epoch: int, first: int) -> Iterable[Item]:
        """Return the (drives, targets) of an epoch from batch number `first` on."""
        ...


@dataclass(frozen=True)
class Batch:
    """Presentations of one update, padded to the size of a batch.

    Attributes:
      drives: by part, [B, ...].
      targets: [B, ...].
      number: of presentations that count; the others repeat the last one.
    """

    drives: dict[str, Any]
    targets: Any
    number: int


class Arrays:
    """Batches of arrays or memory-mapped files, shuffled in each epoch.

    The order of epoch e comes from NumPy's generator with the seed [seed, e].
    """

    def __init__(self, drives: Mapping[str, Any], targets: Any, size: int, seed: int) -> None:
        self.drives, self.targets, self.size, self.seed = dict(drives), targets, size, seed
        self.number = len(jax.tree.leaves(self.drives)[0])

    def __len__(self) -> int:
        return -(-self.number // self.size)

    def batches(self, epoch: int, first: int) -> Iterator[Item]:
        """Yield the drives and targets of an epoch from batch number `first` on."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.number)
        for start in range(first * self.size, self.number, self.size):
            rows = order[start : start + self.size]
            yield self._rows(self.drives, rows), self._rows(self.targets, rows)

    def in_order(self) -> Iterator[Item]:
        """Yield all drives and targets in the order in which they are given."""
        for start in range(0, self.number, self.size):
            rows = np.arange(start, min(start + self.size, self.number))
            yield self._rows(self.drives, rows), self._rows(self.targets, rows)

    @staticmethod
    def _rows(tree: Any, rows: np.ndarray) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf[rows]), tree)


def batches_of(source: Any, epoch: int, first: int) -> Iterator[Item]:
    """Yield the batches of an epoch from batch number `first` on."""
    if isinstance(source, Seekable):
        yield from source.batches(epoch, first)
        return
    for number, item in enumerate(source):
        if number >= first:
            yield item


def padded(item: Any, size: int, network: Network, num_steps: int, what: str) -> Batch:
    """Return the presentations of one item, padded to a batch.

    Args:
      item: drives and targets.
      size: B.
      network: the network that is trained.
      num_steps: T.
      what: the item, for messages.

    Raises:
      TypeError: if an item is no pair, or an array is of another dtype than the network.
      ValueError: if drives do not fit the network or the targets, or there are more than `size`.
    """
    if not isinstance(item, tuple) or len(item) != 2:
        raise TypeError(f"{what}: given {type(item).__name__}; expected (drives, targets)")
    drives, targets = item
    check_type(drives, Mapping, f"{what}, drives", " by population, like the drive of simulate")
    rows = {len(leaf) if np.ndim(leaf) else 0 for leaf in jax.tree.leaves(targets)}
    if len(rows) != 1 or 0 in rows:
        raise ValueError(f"{what}, targets: given rows {sorted(rows)}; expected one number of rows")
    (number,) = rows
    check_drives(network, drives, number, num_steps, f"{what}, drives")
    if number > size:
        raise ValueError(
            f"{what}: given {number} presentations; expected at most {size}, the batch size"
        )
    fill = lambda leaf: filled(np.asarray(leaf), size)  # noqa: E731
    return Batch(jax.tree.map(fill, dict(drives)), jax.tree.map(fill, targets), number)
