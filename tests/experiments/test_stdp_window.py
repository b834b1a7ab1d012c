"""The experiment as a user runs it."""

import json
import sys

import matplotlib.image
import numpy as np
import pytest

from experiments import cli, stdp_window


def run(*flags, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stdp_window", *map(str, flags)])
    cli.run(stdp_window.Config, stdp_window.main, "")


def test_every_window_is_its_closed_form(tmp_path, monkeypatch, capsys):
    path, figure = tmp_path / "window.json", tmp_path / "figures" / "window.png"
    run("--furthest", 8, "--json", path, "--out", figure, monkeypatch=monkeypatch)
    results = json.loads(path.read_text())
    assert len(results["distances_ms"]) == 33
    assert set(results["largest_deviations"]) == set(stdp_window.RULES)
    assert max(results["largest_deviations"].values()) < 1e-7
    assert np.ptp(results["changes"]["STDP"]) > 0.015
    assert matplotlib.image.imread(figure).shape[1] == 1401
    assert capsys.readouterr().out.count("largest deviation") == 6


def test_a_window_needs_a_step(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run("--furthest", 0, "--out", tmp_path / "window.png", monkeypatch=monkeypatch)
    assert "error: furthest: given 0.0 ms; expected at least one step" in capsys.readouterr().err
