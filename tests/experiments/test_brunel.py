"""Brunel's network: its numbers, the jump of a spike, how it is drawn, and a tiny run."""

import json

import matplotlib.image
import numpy as np
import pytest

import jsnn
from experiments import cli
from experiments.brunel import network, run
from experiments.brunel.figure import activity
from experiments.brunel.network import DT, TAU_M, THETA, brunel, weight
from jsnn.analysis import SpikeTrains


def test_the_network_has_the_numbers_of_the_paper():
    numbers = brunel(1.0)
    assert numbers.sizes == {"excitatory": 10_000, "inhibitory": 2500}
    assert numbers.in_degrees == {"excitatory": 1000, "inhibitory": 250}
    assert numbers.num_synapses == 15_625_000
    assert numbers.jumps == {"excitatory": 0.1, "inhibitory": -0.5}
    # a rate of theta / (J tau_m) brings V to the threshold on average
    assert numbers.external_rate == pytest.approx(2 * 20 / (0.1 * 0.020))


def test_a_smaller_network_has_the_same_mean_input():
    whole, tenth = brunel(1.0), brunel(0.1)
    for kind, in_degree in whole.in_degrees.items():
        mean = in_degree * whole.jumps[kind]
        assert tenth.in_degrees[kind] * tenth.jumps[kind] == pytest.approx(mean)
    external = [each.external_rate * each.jumps["excitatory"] for each in (whole, tenth)]
    assert external[0] * TAU_M / 1000 == pytest.approx(2 * THETA)
    assert external[1] == pytest.approx(external[0])


def test_a_spike_makes_the_potential_jump():
    (neurons, _) = network.populations(brunel(0.01), 0)
    before = np.linspace(0, 19, neurons.size, dtype=np.float32)
    jumps = np.where(np.arange(neurons.size) % 2, 0.1, -0.5)
    cells = jsnn.Population("cells", neurons.size, jsnn.LIF, neurons.params, {"v": before})
    alone = jsnn.Network([cells], dt=DT)
    drive = {"cells": (weight(1.0) * jumps).astype(np.float32)}  # as a projection adds weights
    after = jsnn.simulate(alone, drive, 1, record={"v": jsnn.FinalVariable("cells", "v")})[1]["v"]
    np.testing.assert_allclose(after, before * np.exp(-DT / TAU_M) + jumps, atol=1e-5)


def test_every_neuron_receives_its_synapses_from_others():
    numbers = brunel(0.02)
    drawn = {projection.name: projection for projection in network.projections(numbers, 0)}
    assert len(drawn) == 4
    for projection in drawn.values():
        synapses = projection.connectivity
        pre, post = np.asarray(synapses.pre), np.asarray(synapses.post)
        assert np.all(np.bincount(post) == numbers.in_degrees[projection.pre])
        assert len(np.unique(pre * synapses.num_post + post)) == len(pre)
        assert np.any(pre == post) == (projection.pre != projection.post)
        np.testing.assert_allclose(synapses.weights, weight(numbers.jumps[projection.pre]))
        assert projection.delay * DT == pytest.approx(1.5)


@pytest.mark.slow
def test_the_experiment_writes_its_figure_and_what_it_found(tmp_path, monkeypatch, capsys):
    picture, path = tmp_path / "b.png", tmp_path / "b.json"
    files = ["--out", str(picture), "--json", str(path)]
    monkeypatch.setattr("sys.argv", ["run", "--scale", "0.02", "--duration-ms", "100", *files])
    cli.run(run.Config, run.main, "")
    results = json.loads(path.read_text())
    assert results["num_neurons"] == 250
    assert results["num_synapses"] == 250 * (20 + 5)
    assert 5 < results["rates_hz"]["excitatory"] < 200
    assert 5 < results["rates_hz"]["inhibitory"] < 200
    for name in ("real_time_factor", "build_seconds", "compile_seconds", "peak_memory_mb"):
        assert results[name] > 0
    assert matplotlib.image.imread(picture).shape[2] == 4
    assert "times real time" in capsys.readouterr().out


def test_the_figure_shows_a_hundred_neurons_and_the_rate_of_all(tmp_path):
    steps, each = np.arange(1000), np.arange(1000) % 200
    trains = {kind: SpikeTrains(steps, each, 200, 100.0, DT) for kind in network.SIZES}
    figure = activity(trains, 50.0)
    raster, rate = figure.axes
    dots = np.concatenate([kind.get_offsets() for kind in raster.collections])
    assert len(dots) == 1000 * (80 + 20) // 200
    # 2,000 spikes of 400 neurons in 100 ms, evenly
    heights = rate.patches[0].get_data().values
    np.testing.assert_allclose(heights, np.full(200, 50.0))
    assert raster.get_xlim() == (50, 150)
    figure.savefig(tmp_path / "b.png")


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--scale", "0", "--scale: given 0; expected at most 1, and enough for one synapse"),
        ("--scale", "0.001", "--scale: given 0.001; expected at most 1, and enough for one"),
        ("--scale", "2", "--scale: given 2; expected at most 1"),
        ("--duration-ms", "0", "--duration-ms: given 0.0; expected at least 0.1"),
    ],
)
def test_what_the_experiment_cannot_run_is_refused(
    flag, value, message, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr("sys.argv", ["run", flag, value, "--out", str(tmp_path / "b.png")])
    with pytest.raises(SystemExit) as stopped:
        cli.run(run.Config, run.main, "")
    assert stopped.value.code == 1
    assert message in capsys.readouterr().err
