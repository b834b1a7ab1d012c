"""Spike trains of Neo, in and out; elephant takes them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from jsnn._checks import check_type
from jsnn._extras import needed_by
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.trials import check_trains

if TYPE_CHECKING:
    import neo


def to_neo(trains: SpikeTrains) -> "list[neo.SpikeTrain]":
    """Return the spike train of each neuron as Neo has it: N of them, in ms, from 0 on.

    Neo is the data model of Garcia et al. 2014, Front. Neuroinform. 8, 10. The functions of
    elephant take such lists.

    Args:
      trains: the spikes.

    Raises:
      ModuleNotFoundError: if Neo is not installed.
    """
    with needed_by("to_neo", "neo", '"jsnn[neo]"'):
        import neo
    check_trains(trains, "to_neo")
    return [
        neo.SpikeTrain(times, t_stop=trains.duration, units="ms") for times in trains.by_neuron()
    ]


def from_neo(spike_trains: "Iterable[neo.SpikeTrain]") -> SpikeTrains:
    """Make spike trains of those of Neo, one for each neuron, such as `segment.spiketrains`.

    Times are in ms and count from the start of the recording. Units, such as seconds, are
    converted; waveforms and annotations have no place and are not kept.

    Args:
      spike_trains: one train for each neuron, all with one start and one end.

    Raises:
      ModuleNotFoundError: if Neo is not installed.
      TypeError: if one is no `neo.SpikeTrain`.
      ValueError: if there is none, two differ in start or end, or a spike lies at the very end.
    """
    with needed_by("from_neo", "neo", '"jsnn[neo]"'):
        import neo
    given = list(spike_trains)
    if not given:
        raise ValueError("from_neo: given no spike train; expected one for each neuron")
    for neuron, train in enumerate(given):
        check_type(train, neo.SpikeTrain, f"from_neo, train {neuron}", " of Neo")
    spans = [tuple(float(t.rescale("ms")) for t in (of.t_start, of.t_stop)) for of in given]
    start, end = spans[0]
    for neuron, span in enumerate(spans):
        if not np.allclose(span, spans[0], rtol=1e-9):
            raise ValueError(
                f"from_neo, train {neuron}: given {span[0]:g} to {span[1]:g} ms; expected "
                f"{start:g} to {end:g} ms, as train 0 has (train.time_slice(start, end))"
            )
    times = [of.rescale("ms").magnitude - start for of in given]
    for neuron, of in enumerate(times):
        if len(of) and of.max() >= end - start:
            raise ValueError(
                f"from_neo, train {neuron}: given a spike at the end, {end:g} ms; expected all "
                "before it (give all trains a later t_stop)"
            )
    neurons = np.repeat(np.arange(len(times)), [len(of) for of in times])
    return SpikeTrains(np.concatenate(times), neurons, len(times), end - start)
