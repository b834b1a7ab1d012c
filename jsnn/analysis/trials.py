"""Checks of spike trains that are given to a function."""

from collections.abc import Sequence
from math import isclose
from typing import Any

from jsnn._checks import check_type
from jsnn.analysis.trains import SpikeTrains

Trials = SpikeTrains | Sequence[SpikeTrains]
"""One recording, or several of the same neurons and the same length."""


def check_trains(trains: Any, what: str) -> None:
    """Raise TypeError if `trains` are no spike trains, but recorded spikes for example."""
    hint = ", such as SpikeTrains.of_recorded(spikes, dt)"
    check_type(trains, SpikeTrains, f"{what}, trains", hint)


def checked_trials(trials: Any, what: str) -> list[SpikeTrains]:
    """Return one or several recordings as a list.

    Raises:
      TypeError: if one is no `SpikeTrains`.
      ValueError: if there is none, or they differ in the number of neurons or in their length.
    """
    recordings = list(trials) if isinstance(trials, Sequence) else [trials]
    if not recordings:
        raise ValueError(f"{what}, trials: given none; expected at least one SpikeTrains")
    for number, trains in enumerate(recordings):
        check_trains(trains, f"{what}, trial {number}" if len(recordings) > 1 else what)
    first = recordings[0]
    for number, trains in enumerate(recordings):
        same_length = isclose(trains.duration, first.duration, rel_tol=1e-6)
        if trains.num_neurons != first.num_neurons or not same_length:
            raise ValueError(
                f"{what}, trial {number}: given {trains.num_neurons} neurons in "
                f"{trains.duration:g} ms; expected {first.num_neurons} in {first.duration:g} ms, "
                "as in trial 0"
            )
    return recordings
