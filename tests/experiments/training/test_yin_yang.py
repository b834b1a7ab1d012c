"""Yin-Yang: its timed input spikes, its finer grid, and small runs of the experiment."""

import numpy as np
import pytest

import jsnn
from experiments.training import yin_yang as experiment
from experiments.training import yin_yang_network as networks
from experiments.training.data.yin_yang import yin_yang
from tests.experiments.training.small_runs import run

POINTS = yin_yang(12, seed=3)


def test_a_coordinate_is_a_spike_at_its_own_time():
    network = jsnn.Network([jsnn.Population("points", 4, networks.TIMED)], dt=0.1)
    exact = jsnn.exact(network, interpolated=True)
    drives = networks.drive(POINTS.values)
    for rows, each in enumerate(POINTS.values):
        drive = {"points": {"time": drives["points"]["time"][rows]}}
        times = jsnn.simulate(exact, drive, 30, record={"t": jsnn.FirstSpikeTime("points")})[1]["t"]
        np.testing.assert_allclose(times, 0.15 + 1.85 * each, atol=1e-5)


def test_a_finer_grid_keeps_delays_in_time():
    network = networks.draw(6, recurrent=False, delays=True, dt=0.1, seed=1)
    finer = networks.on_finer_grid(network, 0.01)
    for before, after in zip(network.projections, finer.projections, strict=True):
        learnt, whole = (np.asarray(p.connectivity.delays) - 1 for p in (before, after))
        np.testing.assert_allclose(0.01 * whole, 0.1 * learnt, atol=0.00501)


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags", [("--test",), ("--delays",), ("--recurrent",), ("--gradient", "surrogate")]
)
def test_first_spikes_learn_the_classes(flags, tmp_path, monkeypatch):
    results = run(
        experiment, monkeypatch, tmp_path, "--epochs", "2", "--dt", "0.2", "--hidden", "10", *flags
    )
    assert results["held_out_accuracy"] > 0.4  # by chance 0.33
    assert results["epochs"][-1]["loss"] < 0.9 * results["epochs"][0]["loss"]
    assert ("test_accuracy" in results) == ("--test" in flags)


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--hidden", 0, "at least 1"),
        ("--epochs", 0, "at least 1"),
        ("--dt", 1.0, "0.01 to 0.25"),
        ("--learning-rate", 0.0, "0 to 1"),
    ],
)
def test_bad_flags_are_named(flag, value, expected, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, flag, str(value))
    assert f"error: {flag}: given {value}; expected {expected}" in capsys.readouterr().err
