"""Variation of recordings, so that a network learns the word and not the voice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.training.data.spoken import Spoken

SHIFT = 4
"""Longest shift of all channels up or down, of 64."""
STRETCH = 1.25
"""Largest factor by which a recording becomes longer or shorter."""
LATEST = 50.0
"""Latest start of a recording, ms."""
JITTER = 5.0
"""Standard deviation of a change of the time of each event, ms."""


def varied(events: Spoken, random: np.random.Generator) -> Spoken:
    """Return recordings, each with another pitch, speed and start, and with jitter of its events.

    Events that leave the channels or come before the start of a recording are dropped.

    Args:
      events: the recordings.
      random: the source of random numbers.
    """
    number = len(events.labels)
    shift = random.integers(-SHIFT, SHIFT + 1, number) * events.num_channels // 64
    speed = STRETCH ** random.uniform(-1, 1, number)
    start = random.uniform(0, LATEST, number)
    of = np.repeat(np.arange(number), np.diff(events.first))
    times = events.times * speed[of] + start[of] + random.normal(0, JITTER, len(of))
    channels = (events.channels + shift[of]).astype(np.int32)
    kept = (times >= 0) & (channels >= 0) & (channels < events.num_channels)
    order = np.lexsort((times[kept], of[kept]))
    first = np.searchsorted(of[kept], np.arange(number + 1))
    return events._replace(times=times[kept][order], channels=channels[kept][order], first=first)


@dataclass(frozen=True)
class VariedBatches:
    """Batches of recordings, which are shuffled and varied anew in each epoch.

    Attributes:
      events: the recordings.
      drive: turns recordings into the drive of a network.
      size: the number of recordings of a batch.
      seed: of the order and the variation.
    """

    events: Spoken
    drive: Callable[[Spoken], Any]
    size: int
    seed: int

    def __len__(self) -> int:
        return -(-len(self.events.labels) // self.size)

    def batches(self, epoch: int, first: int) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield the drives and labels of an epoch from batch number `first` on."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.events.labels))
        for number in range(first, len(self)):
            chosen = self.events.at(order[number * self.size :][: self.size])
            random = np.random.default_rng([self.seed, epoch, number])
            yield self.drive(varied(chosen, random)), chosen.labels
