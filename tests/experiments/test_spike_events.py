"""Runs in blocks with every spike as an event."""

import numpy as np
import pytest

import jsnn
from experiments import spike_events


def test_the_events_of_blocks_are_the_spikes_of_one_run(monkeypatch):
    offset = np.linspace(1, 3, 6).astype(np.float32)
    drive = {"i_offset": offset, "v_thresh": -60.0}
    network = jsnn.Network(
        [jsnn.Population("a", 6, jsnn.LIF, drive), jsnn.Population("b", 2, jsnn.LIF)], dt=0.1
    )
    record = {"spikes": jsnn.Spikes("a")}
    steps, neurons = jsnn.spike_list(jsnn.simulate(network, {}, 300, record=record)[1]["spikes"])
    monkeypatch.setattr(spike_events, "BLOCK", 200)  # one, and a rest
    run = spike_events.simulate(network, 300)
    assert len(steps) > 20
    of = run.trains["a"]
    assert set(zip(of.times, of.neurons, strict=True)) == set(zip(steps, neurons, strict=True))
    assert of.num_spikes == len(steps)
    assert of.duration == pytest.approx(30)
    assert run.trains["b"].num_spikes == 0
    assert run.trains["b"].num_neurons == 2
    assert run.compile_seconds > 0
    assert run.run_seconds > 0
