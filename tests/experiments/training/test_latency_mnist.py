"""Latency MNIST: the spikes of a batch, and small runs of the experiment."""

import jax
import numpy as np
import pytest

from experiments.training import latency_mnist as experiment
from experiments.training import latency_mnist_network as networks
from tests.experiments.training.small_runs import few_latency_images, run


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    few = few_latency_images(training=120, held_out=60, test=40)
    monkeypatch.setattr(experiment, "latency_mnist", few)
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        yield


def test_pixels_spike_in_the_step_of_their_time():
    times = np.float32([[0, 2.9, np.inf, 18]])
    trains = np.asarray(networks.drive(times)["pixels"].values)
    assert trains.shape == (1, networks.NUM_STEPS, 4)
    np.testing.assert_array_equal(np.argwhere(trains[0]), [[0, 0], [2, 1], [18, 3]])


def test_batches_go_on_from_any_place():
    images = experiment.latency_mnist("training")
    batches = networks.Batches(images, 50, seed=3, shift=2)
    whole, rest = list(batches.batches(1, 0)), list(batches.batches(1, 2))
    assert [len(labels) for _, labels in whole] == [50, 50, 20]
    np.testing.assert_array_equal(rest[0][1], whole[2][1])
    labels = np.concatenate([labels for _, labels in whole])
    np.testing.assert_array_equal(np.sort(labels), np.sort(images.labels))


def test_images_move_down_and_to_the_right():
    images = np.random.default_rng(0).random((5, 28, 28)).astype(np.float32)
    by = np.array([[0, 0], [1, 0], [0, -2], [-1, 2], [2, 2]])
    moved = networks.shifted(images.reshape(5, 784), by).reshape(5, 28, 28)
    for before, after, (down, right) in zip(images, moved, by, strict=True):
        expected = np.full((28, 28), np.inf, np.float32)
        for row, column in np.ndindex(28, 28):
            if 0 <= row + down < 28 and 0 <= column + right < 28:
                expected[row + down, column + right] = before[row, column]
        np.testing.assert_array_equal(after, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [(), ("--gradient", "exact", "--delays"), ("--gradient", "eprop", "--recurrent")],
    ids=("surrogate", "exact", "eprop"),
)
def test_patterns_are_learnt(flags, tmp_path, monkeypatch, capsys):
    small = ("--hidden", "12", "--batch-size", "20", "--epochs", "10", "--test")
    results = run(experiment, monkeypatch, tmp_path, *small, *flags)
    assert results["test_accuracy"] > 0.5
    assert len(results["epochs"]) == 10
    assert "held out accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        *((f, 0, "at least 1") for f in ("--hidden", "--images", "--epochs", "--batch-size")),
        ("--shift", 28, "0 to 27"),
    ],
)
def test_bad_flags_are_named(flag, value, expected, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, flag, str(value))
    assert f"error: {flag}: given {value}; expected {expected}" in capsys.readouterr().err
