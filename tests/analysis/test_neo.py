"""Spike trains of Neo, in and out."""

import sys
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given

from jsnn import analysis
from jsnn.analysis import SpikeTrains, from_neo, to_neo
from tests.analysis.drawn import RECORDED, recorded
from tests.profiles import examples


def train(times: list[float], units: str = "ms", **span: Any) -> neo.SpikeTrain:
    return neo.SpikeTrain(times, units=units, **({"t_stop": 10.0} | span))


def test_neo_gets_the_times_of_each_neuron_in_ms() -> None:
    found = to_neo(SpikeTrains([7, 3, 90], [2, 0, 2], 3, 10.0, dt=0.1))
    for each, expected in zip(found, ([0.3], [], [0.7, 9.0]), strict=True):
        assert isinstance(each, neo.SpikeTrain)
        assert (each.units, each.t_start, each.t_stop) == (pq.ms, 0 * pq.ms, 10 * pq.ms)
        np.testing.assert_allclose(each.magnitude, expected)


@given(RECORDED)
@examples(20)
def test_trains_come_back_from_neo(trains: np.ndarray) -> None:
    there = recorded(trains, 0.1)
    back = from_neo(to_neo(there))
    np.testing.assert_array_equal(back.times, there.times_ms)
    np.testing.assert_array_equal(back.neurons, there.neurons)
    assert (back.num_neurons, back.duration, back.dt) == (there.num_neurons, there.duration, 1.0)
    np.testing.assert_array_equal(
        analysis.binned_counts(back, 0.3), analysis.binned_counts(there, 0.3)
    )


def test_units_are_converted_and_times_count_from_the_start() -> None:
    span = {"t_start": 2.0, "t_stop": 3.0}
    segment = neo.Segment()
    segment.spiketrains.extend([train([2.5, 2.1], "s", **span), train([], "s", **span)])
    found = from_neo(segment.spiketrains)
    np.testing.assert_allclose(found.times, [100, 500])
    assert (found.num_neurons, found.duration) == (2, pytest.approx(1000))


def test_trains_of_one_span_may_have_different_units() -> None:
    found = from_neo([train([5.0]), train([0.003], "s", t_stop=0.01)])
    np.testing.assert_allclose([each[0] for each in found.by_neuron()], [5, 3])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "from_neo: given no spike train; expected one for each neuron"),
        ([train([1.0]), [1.0]], TypeError, "train 1: given list; expected a SpikeTrain of Neo"),
        (train([1.0]), TypeError, "train 0: given Quantity; expected a SpikeTrain of Neo"),
        (
            [train([1.0]), train([1.0], t_stop=11.0)],
            ValueError,
            "train 1: given 0 to 11 ms; expected 0 to 10 ms, as train 0 has",
        ),
        ([train([10.0])], ValueError, "train 0: given a spike at the end, 10 ms; .* later t_stop"),
    ],
)
def test_what_is_no_recording_is_refused(given: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        from_neo(given)


def test_a_neo_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trains = recorded(np.eye(3, dtype=bool))
    monkeypatch.setitem(sys.modules, "neo", None)
    for called, argument in ((to_neo, trains), (from_neo, [])):
        message = rf'{called.__name__} needs neo.*pip install "jsnn\[neo\]"'
        with pytest.raises(ModuleNotFoundError, match=message):
            called(argument)
