"""Batches of a training set, in an order that a seed and the epoch alone decide."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from jsnn.evaluation.presentation import filled

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
        self.number = len(jax.tree.leaves(targets)[0])

    def __len__(self) -> int:
        return -(-self.number // self.size)

    @property
    def are_in_memory(self) -> bool:
        """True if there is no memory-mapped file."""
        leaves = jax.tree.leaves((self.drives, self.targets))
        return not any(isinstance(leaf, np.memmap) for leaf in leaves)

    def batches(self, epoch: int, first: int) -> Iterator[Item]:
        """Yield the drives and targets of an epoch from batch number `first` on."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.number)
        for start in range(first * self.size, self.number, self.size):
            yield self._rows(order[start : start + self.size])

    def in_order(self) -> Iterator[Item]:
        """Yield all drives and targets in the order in which they are given."""
        for start in range(0, self.number, self.size):
            yield self._rows(np.arange(start, min(start + self.size, self.number)))

    def _rows(self, rows: np.ndarray) -> Item:
        return jax.tree.map(lambda leaf: np.asarray(leaf[rows]), (self.drives, self.targets))


@dataclass(frozen=True)
class Data:
    """Presentations of a training or a validation.

    Attributes:
      source: arrays, an object that can start anywhere, or an iterable of items.
      size: B, the number of presentations of a batch.
      check: (item, its name) -> None, an error if an item does not fit.
    """

    source: Any
    size: int
    check: Callable[[Any, str], None]

    @property
    def number_of_batches(self) -> int | None:
        """The number of batches of an epoch, or None if it is not known."""
        return len(self.source) if hasattr(self.source, "__len__") else None

    @property
    def is_seekable(self) -> bool:
        """True if an epoch can start at any batch."""
        return isinstance(self.source, Seekable)

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield the batches of an epoch from batch number `first` on."""
        items = self.source.batches(epoch, first) if self.is_seekable else self.source
        for number, item in enumerate(items, first):
            yield self._padded(item, f"fit, epoch {epoch}, batch {number}")

    def in_order(self) -> Iterator[Batch]:
        """Yield the batches of arrays in the order in which they are given."""
        for number, item in enumerate(self.source.in_order()):
            yield self._padded(item, f"fit, validation, batch {number}")

    def sample(self) -> Any:
        """Return the shapes and the first presentations of arrays, or None for other sources."""
        if not isinstance(self.source, Arrays):
            return None
        everything = (self.source.drives, self.source.targets)
        shapes = [str(np.shape(leaf)) for leaf in jax.tree.leaves(everything)]
        return shapes, next(self.source.in_order())

    def _padded(self, item: Any, what: str) -> Batch:
        if not (isinstance(self.source, Arrays) and self.source.are_in_memory):
            self.check(item, what)
        drives, targets = item
        number = len(jax.tree.leaves(targets)[0])
        fill = lambda leaf: filled(np.asarray(leaf), self.size)  # noqa: E731
        return Batch(jax.tree.map(fill, dict(drives)), jax.tree.map(fill, targets), number)
