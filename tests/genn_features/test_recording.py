"""Port of GeNN's tests/features/test_recording.py: spikes and events are recorded."""

from typing import Any

import jax
import numpy as np

import jsnn
from tests.genn_features.patterns import F32
from tests.networks import PROBE

EVENT = jsnn.SynapseModel(
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    event=lambda p, pre: pre["output"] - 0.5,
)
OUTPUT = jsnn.NeuronModel(
    params={},
    variables={"output": 0.0},
    update=lambda p, x, current, dt: {"output": current},
    threshold=lambda p, x: x["output"] * 0 - 1,
)


def events(state: jsnn.State, spikes: Any) -> jax.Array:
    """Record the events of the neurons, by their condition."""
    assert EVENT.event is not None
    return EVENT.event({}, state.populations["output"]) >= 0


def test_spikes_and_events_are_recorded() -> None:
    """GeNN: test_recording.py, test_event_recording.

    Neuron i spikes at b + i ms and at b + 99 - i ms, in presentation b of a batch.
    """
    batch_size, id_ = 5, np.arange(100)
    trains = np.zeros((batch_size, 200, 100), bool)
    for b in range(batch_size):
        trains[b, b + id_, id_] = trains[b, b + 99 - id_, id_] = True
    trains = trains[:, :100]
    network = jsnn.Network(
        [
            jsnn.Population("source", 100, jsnn.SPIKE_SOURCE),
            jsnn.Population("output", 100, OUTPUT),
            jsnn.Population("post", 1, PROBE),
        ],
        [jsnn.Projection("output", "post", jsnn.Dense(np.ones((100, 1), F32)), EVENT)],
    )
    record = {
        "spikes": jsnn.Spikes("source"),
        "events": events,
        "current": jsnn.Variable("post", "current"),
    }

    @jax.jit
    @jax.vmap
    def recorded(trains: jax.Array) -> Any:
        drive = {
            "source": jsnn.over_time(trains),
            "output": jsnn.over_time(trains.astype(F32)),
        }
        return jsnn.simulate(network, drive, 100, record=record)[1]

    got = recorded(trains)
    np.testing.assert_array_equal(got["spikes"], trains)
    np.testing.assert_array_equal(got["events"], trains)
    np.testing.assert_array_equal(got["current"][:, 1:, 0], trains[:, :-1].sum(axis=2))
    for b in range(batch_size):
        steps, neurons = jsnn.spike_list(np.asarray(got["spikes"][b]))
        order = np.lexsort((steps, neurons))
        by_neuron = np.nonzero(trains[b].T)
        np.testing.assert_array_equal(neurons[order], by_neuron[0])
        np.testing.assert_array_equal(steps[order], by_neuron[1])
