"""SuperSpike's experiment: the task, the count of matched spikes, and a short run."""

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from experiments import cli
from experiments.superspike import learning, run


def test_the_learning_script_stays_short():
    assert len(Path(learning.__file__).read_text().splitlines()) <= 70


def test_a_task_is_fifty_spikes_that_are_apart():
    _, drive = learning.draw(np.random.default_rng(3))
    target = np.asarray(drive["output"]["target"].values)
    assert target.shape == (500, 10)
    for train in target.T:
        steps = np.flatnonzero(train)
        assert len(steps) == 5
        assert steps.min() >= 50
        assert np.diff(steps).min() > 20
    assert np.asarray(drive["input"].values).mean() == pytest.approx(0.01, rel=0.2)


def test_a_target_is_matched_by_a_spike_of_its_own_neuron_within_3_ms():
    target, spikes = np.zeros((500, 3)), np.zeros((500, 3), bool)
    target[[50, 100, 499], 0] = target[[60, 90], 1] = 1
    spikes[[53, 96, 497], 0] = spikes[[57, 59, 94], 1] = spikes[90, 2] = True
    assert learning.matched(spikes, target) == 3  # at 50 and 499, and at 60 once


@pytest.mark.slow
def test_errors_that_are_fed_back_teach_both_layers(tmp_path, monkeypatch, capsys):
    picture, path = tmp_path / "s.png", tmp_path / "s.json"
    flags = ["--seeds", "1", "--trials", "30", "--out", str(picture), "--json", str(path)]
    monkeypatch.setattr("sys.argv", ["run", *flags])
    cli.run(run.Config, run.main, "")
    (row,) = json.loads(path.read_text())["runs"]
    assert row["targets"] == 50
    assert len(row["matched_by_trial"]) == 30
    assert row["matched_by_trial"][-1] == row["matched"]
    before, after = (np.mean(row["matched_by_trial"][part]) for part in (slice(5), slice(-5, None)))
    assert after > before + 15  # more than 50 spikes at random would match
    assert row["spikes"] < 80
    assert matplotlib.image.imread(picture).shape[2] == 4
    assert "of 50 target spikes within 3 ms" in capsys.readouterr().out


@pytest.mark.parametrize(("flag", "value"), [("--seeds", 0), ("--trials", 0), ("--trials", 401)])
def test_a_run_needs_a_trial(flag, value, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run", flag, str(value), "--out", str(tmp_path / "s.png")])
    with pytest.raises(SystemExit):
        cli.run(run.Config, run.main, "")
    assert f"error: {flag}: given {value}; expected 1 to " in capsys.readouterr().err
