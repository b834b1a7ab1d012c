"""Spoken words as events: spikes of the channels of a cochlea."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jsnn import encoding


class Spoken(NamedTuple):
    """Labelled recordings of words, as events.

    Attributes:
      times: float64 [S], the time of each event from the start of its recording, ms, recording
        after recording, and sorted within each.
      channels: int32 [S], the channel of each event.
      first: int64 [n + 1], the index of the first event of each recording, and S.
      labels: int32 [n], the words.
      speakers: int32 [n], the speakers; -1 if the data set does not tell.
      num_channels: the number of channels.
    """

    times: np.ndarray
    channels: np.ndarray
    first: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray
    num_channels: int

    def events(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the times and channels of a recording."""
        own = slice(self.first[index], self.first[index + 1])
        return self.times[own], self.channels[own]

    def trains(self, num_steps: int, dt: float) -> np.ndarray:
        """Return the spike trains, bool [n, num_steps, num_channels].

        Events of a channel in one step are one spike, and later events than the last step are left
        out.
        """
        trains = np.zeros((len(self.labels), num_steps, self.num_channels), bool)
        for index, of_recording in enumerate(trains):
            of_recording[:] = encoding.trains_from_events(
                *self.events(index),
                *(num_steps, self.num_channels, dt),
                repeated="once",
                outside="drop",
            )
        return trains

    def only(self, chosen: np.ndarray) -> "Spoken":
        """Return the recordings that are True in `chosen`, [n], in their order."""
        return self.at(np.flatnonzero(chosen))

    def at(self, indices: np.ndarray) -> "Spoken":
        """Return the recordings of these indices, in this order."""
        pairs = [self.events(index) for index in indices]
        labels, speakers = self.labels[indices], self.speakers[indices]
        return of_recordings(pairs, labels, speakers, self.num_channels)


def of_recordings(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    labels: np.ndarray,
    speakers: np.ndarray,
    num_channels: int,
) -> Spoken:
    """Join the events of recordings; those whose times are not finite are dropped.

    Args:
      pairs: the times in ms and the channels of each recording, in any order.
      labels: [n].
      speakers: [n].
      num_channels: of all recordings.

    Raises:
      ValueError: if a channel does not exist, or a recording has more times than channels.
    """
    times, channels = [np.empty(0)], [np.empty(0, np.int32)]
    for index, (at, of) in enumerate(pairs):
        if np.shape(at) != np.shape(of):
            raise ValueError(
                f"recording {index}: given {np.size(at)} times and {np.size(of)} channels; "
                "expected as many"
            )
        kept = np.isfinite(at)
        order = np.argsort(at[kept], kind="stable")
        times.append(np.asarray(at, np.float64)[kept][order])
        channels.append(np.asarray(of, np.int32)[kept][order])
    joined = np.concatenate(channels)
    if joined.size and not 0 <= joined.min() <= joined.max() < num_channels:
        raise ValueError(
            f"channels: given {joined.min()} to {joined.max()}; expected 0 to {num_channels - 1}"
        )
    return Spoken(
        np.concatenate(times),
        joined,
        np.cumsum([0, *map(len, times[1:])]),
        np.asarray(labels, np.int32),
        np.asarray(speakers, np.int32),
        num_channels,
    )
