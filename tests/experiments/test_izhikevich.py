"""Izhikevich's neuron as its experiment shows it, against loops written by the book."""

import json
import sys

import matplotlib.image
import numpy as np
import pytest

from experiments import cli, izhikevich
from experiments.izhikevich import (
    NUM_EXCITATORY,
    REGIMES,
    draw_network,
    firing_regimes,
    population_rate,
    random_network,
    run_random_network,
)


def spike_times(regime):
    _, _, spikes = firing_regimes()
    return np.flatnonzero(spikes[:, list(REGIMES).index(regime)]) * izhikevich.REGIMES_DT


def script_of_the_paper(network, noise):
    """Firings, bool [steps, N]: the loop of the published MATLAB script, line by line."""
    p = {k: np.asarray(v, float) for k, v in network.populations[0].params.items()}
    weights = np.asarray(network.projections[0].connectivity.weights, float)
    v = np.full(len(weights), -65.0)
    u = p["b"] * v
    firings = []
    for thalamic in noise:
        fired = v >= 30
        firings.append(fired)
        v[fired] = p["c"][fired]
        u[fired] += p["d"][fired]
        current = thalamic + fired @ weights
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + p["a"] * (p["b"] * v - u)
    return np.array(firings)


def test_a_regular_spiking_neuron_slows_down():
    intervals = np.diff(spike_times("regular spiking"))
    assert len(intervals) >= 4
    assert intervals[0] < intervals[1]
    assert np.ptp(intervals[1:]) < 1


def test_a_fast_spiking_neuron_spikes_fast_and_steadily():
    intervals = np.diff(spike_times("fast spiking"))
    assert intervals[5:].min() > 6
    assert intervals[5:].max() < 10


def test_a_chattering_neuron_spikes_in_bursts_again_and_again():
    intervals = np.diff(spike_times("chattering"))
    pauses = intervals > 20
    assert pauses.sum() >= 3
    assert np.all(intervals[~pauses] < 8)
    assert (~pauses).sum() >= 3 * pauses.sum()


def test_an_intrinsically_bursting_neuron_spikes_in_one_burst_and_then_alone():
    intervals = np.diff(spike_times("intrinsically bursting"))
    assert np.all(intervals[:2] < 8)
    assert np.all(intervals[2:] > 20)


def test_neurons_rest_until_the_current_begins():
    v, u, spikes = firing_regimes()
    before = slice(0, round(izhikevich.ONSET_MS / izhikevich.REGIMES_DT))
    assert not spikes[before].any()
    np.testing.assert_allclose(v[before], -70, atol=1e-3)
    np.testing.assert_allclose(u[before], -14, atol=1e-3)


def test_the_random_network_is_drawn_as_in_the_paper():
    network = random_network(0)
    weights = np.asarray(network.projections[0].connectivity.weights)
    excitatory, inhibitory = weights[:NUM_EXCITATORY], weights[NUM_EXCITATORY:]
    assert weights.shape == (1000, 1000)
    assert 0 <= excitatory.min() < 0.001
    assert 0.499 < excitatory.max() <= 0.5
    assert -1 <= inhibitory.min() < -0.999
    assert -0.001 < inhibitory.max() <= 0
    p = network.populations[0].params
    np.testing.assert_allclose(p["a"][:NUM_EXCITATORY], 0.02)
    re_squared = (np.asarray(p["c"])[:NUM_EXCITATORY] + 65) / 15
    np.testing.assert_allclose(p["d"][:NUM_EXCITATORY], 8 - 6 * re_squared, rtol=1e-4)
    ri = (np.asarray(p["a"])[NUM_EXCITATORY:] - 0.02) / 0.08
    np.testing.assert_allclose(p["b"][NUM_EXCITATORY:], 0.25 - 0.05 * ri, rtol=1e-4)


def test_the_random_network_spikes_as_the_published_script_does():
    raster = run_random_network(0, 500)
    random = np.random.default_rng(0)
    noise = random.standard_normal((500, 1000)) * np.repeat([5.0, 2.0], [800, 200])
    published = script_of_the_paper(random_network(0), noise)
    # Other noise: the rates after the first volley agree, and both begin with it.
    for population in (slice(0, 800), slice(800, 1000)):
        rates = [spikes[100:, population].mean() * 1000 for spikes in (raster, published)]
        assert 4 < rates[0] < 12
        assert rates[0] == pytest.approx(rates[1], rel=0.2)
    for spikes in (raster, published):
        assert np.argmax(population_rate(spikes)) < 60


def test_the_rate_is_that_of_the_raster():
    raster = np.zeros((100, 10), bool)
    raster[50, :5] = True
    rate = population_rate(raster)
    assert rate.sum() == pytest.approx(500)
    assert np.flatnonzero(rate).tolist() == [48, 49, 50, 51, 52]


def test_the_experiment_writes_figures_and_rates(tmp_path, monkeypatch):
    path = tmp_path / "i.json"
    flags = ["--duration", "200", "--out", str(tmp_path), "--json", str(path)]
    monkeypatch.setattr(sys, "argv", ["izhikevich", *flags])
    cli.run(izhikevich.Config, izhikevich.main, "")
    results = json.loads(path.read_text())
    assert list(results["regimes_hz"]) == list(REGIMES)
    assert len(results["rate_hz"]) == 200
    assert results["excitatory_hz"] > 0
    for name in ("regimes", "network"):
        assert matplotlib.image.imread(tmp_path / f"{name}.png").shape[1] == 1401


def test_a_duration_of_no_step_ends_with_a_message(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["izhikevich", "--duration", "0", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.run(izhikevich.Config, izhikevich.main, "")
    assert ended.value.code == 1
    assert "num_steps: given 0; expected an integer >= 1" in capsys.readouterr().err


def test_a_silent_network_can_be_drawn():
    assert draw_network(np.zeros((20, 1000), bool)).axes
