"""Small runs of the experiments that train, and the few images that they learn."""

import json

import jax
import matplotlib.image
import numpy as np

from experiments import cli
from experiments.training.data.latency_mnist import LatencyImages
from tests.experiments.few_images import few_images


def run(experiment, monkeypatch, tmp_path, *flags):
    """Run an experiment with flags, check that it draws a figure, and return its results."""
    figure, results = tmp_path / "figure.png", tmp_path / "results.json"
    monkeypatch.setattr("sys.argv", ["run", *flags, "--out", str(figure), "--json", str(results)])
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        cli.run(experiment.Config, experiment.main, "")
    assert matplotlib.image.imread(figure).shape[2] == 4
    return json.loads(results.read_text())


def few_latency_images(**numbers):
    """Return a function of the part that returns that number of images as times of spikes."""

    def few(part):
        pixels, labels = few_images(numbers[part])
        times = np.where(pixels > 128, 3, np.inf).astype(np.float32)
        return LatencyImages(times, labels.astype(np.int32))

    return few
