"""Benchmark of gradients: a small run, and a contender that fails."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import cli
from experiments.training import bench, contenders

SIZES = {"INPUTS": 12, "HIDDEN": 6, "CLASSES": 3, "NUM_STEPS": 20, "SHARE": 0.5}


def small(monkeypatch):
    for name, size in SIZES.items():
        monkeypatch.setattr(contenders, name, size)


def test_a_contender_that_fails_keeps_its_row(tmp_path, monkeypatch, capsys):
    small(monkeypatch)
    path = tmp_path / "b.json"
    flags = ["--repeats", "1", "--batch-sizes", "2", "--json", str(path)]
    monkeypatch.setattr("sys.argv", ["bench", *flags])
    before = jax.config.jax_enable_compilation_cache
    with jax.numpy_dtype_promotion("standard"):
        cli.run(bench.Config, bench.main, "")
    jax.config.update("jax_enable_compilation_cache", before)
    rows = {row["name"]: row for row in json.loads(path.read_text())["rows"]}
    outside = {"sparx": "sparx", "snntorch": "torch", "spikingjelly": "torch", "norse": "torch"}
    assert set(rows) == {"jsnn", "scan by hand", "spyx", *outside}
    assert rows["jsnn"]["median"] > 0
    assert rows["scan by hand"]["median"] > 0
    assert "median" in rows["spyx"] or "failed" in rows["spyx"]["note"]
    for name, environment in outside.items():
        assert f"--{environment}-python" in rows[name]["note"]
    assert "| jsnn | 2 |" in capsys.readouterr().out


def test_jsnn_and_the_scan_by_hand_make_the_same_gradient(monkeypatch):
    small(monkeypatch)
    made = []
    monkeypatch.setattr(contenders, "timed", lambda function, *given: made.append(function(*given)))
    with jax.numpy_dtype_promotion("standard"):
        contenders.in_jsnn(4)
        contenders.by_hand(4)
    ((loss, _), gradient), (loss_by_hand, by_hand) = made
    assert float(loss) == pytest.approx(float(loss_by_hand), rel=1e-5)
    for name, expected in zip(("in_to_hidden", "hidden_to_out"), by_hand, strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(gradient[name]["weights"], expected, rtol=1e-3, atol=1e-6)


def test_a_script_that_cannot_run_says_why(monkeypatch):
    small(monkeypatch)
    seconds = contenders.in_script(Path(sys.executable), "norse", 2)
    with pytest.raises(RuntimeError, match="ModuleNotFoundError: No module named 'norse'"):
        seconds()
