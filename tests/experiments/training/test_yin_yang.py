"""Yin-Yang: the times of input spikes, and small runs of the experiment."""

import json

import jax
import matplotlib.image
import numpy as np
import pytest

from experiments import cli
from experiments.training import yin_yang as experiment


def run(monkeypatch, tmp_path, *flags):
    files = ["--out", str(tmp_path / "y.png"), "--json", str(tmp_path / "y.json")]
    monkeypatch.setattr("sys.argv", ["run", *flags, *files])
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        cli.run(experiment.Config, experiment.main, "")
    assert matplotlib.image.imread(tmp_path / "y.png").shape[2] == 4
    return json.loads((tmp_path / "y.json").read_text())


def test_a_coordinate_is_a_spike_at_the_end_of_its_step():
    trains = np.asarray(experiment.drive(np.float64([[0.0, 1.0]]), 0.05)["points"].values)
    assert trains.shape == (1, 80, 2)
    np.testing.assert_array_equal(np.argwhere(trains[0]), [[2, 0], [39, 1]])  # at 0.15 and 2


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("--test",), ("--delays",)])
def test_first_spikes_learn_the_classes(flags, tmp_path, monkeypatch):
    results = run(monkeypatch, tmp_path, "--epochs", "4", "--dt", "0.1", *flags)
    assert results["held_out_accuracy"] > 0.4  # by chance 0.33
    assert results["epochs"][-1]["loss"] < 0.8 * results["epochs"][0]["loss"]
    assert ("test_accuracy" in results) == ("--test" in flags)


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [("--hidden", 0, "at least 1"), ("--epochs", 0, "at least 1"), ("--dt", 1.0, "0.001 to 0.25")],
)
def test_bad_flags_are_named(flag, value, expected, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path, flag, str(value))
    assert f"error: {flag}: given {value}; expected {expected}" in capsys.readouterr().err
