"""Latency MNIST: the spikes of a batch, and small runs of the experiment."""

import json

import jax
import matplotlib.image
import numpy as np
import pytest

from experiments import cli
from experiments.training import latency_mnist as experiment
from experiments.training.data.latency_mnist import LatencyImages
from tests.experiments.few_images import few_images


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    def few(part):
        pixels, labels = few_images({"training": 120, "held_out": 60, "test": 40}[part])
        times = np.where(pixels > 128, 3, np.inf).astype(np.float32)
        return LatencyImages(times, labels.astype(np.int32))

    monkeypatch.setattr(experiment, "latency_mnist", few)
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        yield


def run(monkeypatch, tmp_path, *flags):
    files = ["--out", str(tmp_path / "l.png"), "--json", str(tmp_path / "l.json")]
    monkeypatch.setattr("sys.argv", ["run", *flags, *files])
    cli.run(experiment.Config, experiment.main, "")
    assert matplotlib.image.imread(tmp_path / "l.png").shape[2] == 4
    return json.loads((tmp_path / "l.json").read_text())


def test_pixels_spike_in_the_step_of_their_time():
    times = np.float32([[0, 2.9, np.inf, 18]])
    trains = np.asarray(experiment.drive(times)["pixels"].values)
    assert trains.shape == (1, experiment.NUM_STEPS, 4)
    np.testing.assert_array_equal(np.argwhere(trains[0]), [[0, 0], [2, 1], [18, 3]])


def test_batches_go_on_from_any_place():
    images = experiment.latency_mnist("training")
    batches = experiment.Batches(images, 50, seed=3)
    whole, rest = list(batches.batches(1, 0)), list(batches.batches(1, 2))
    assert [len(labels) for _, labels in whole] == [50, 50, 20]
    np.testing.assert_array_equal(rest[0][1], whole[2][1])
    labels = np.concatenate([labels for _, labels in whole])
    np.testing.assert_array_equal(np.sort(labels), np.sort(images.labels))


@pytest.mark.parametrize(
    "flags",
    [(), ("--gradient", "exact"), ("--gradient", "eprop", "--recurrent")],
    ids=("surrogate", "exact", "eprop"),
)
def test_patterns_are_learnt(flags, tmp_path, monkeypatch, capsys):
    small = ("--hidden", "12", "--batch-size", "20", "--epochs", "10", "--test")
    results = run(monkeypatch, tmp_path, *small, *flags)
    assert results["test_accuracy"] > 0.5
    assert len(results["epochs"]) == 10
    assert "held out accuracy" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--hidden", "--images", "--epochs", "--batch-size"])
def test_bad_flags_are_named(flag, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path, flag, "0")
    assert f"error: {flag}: given 0; expected at least 1" in capsys.readouterr().err
