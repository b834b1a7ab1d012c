"""Comparison of gradients: cosines, the mean of two gradients, and a small run."""

import jax
import numpy as np
import pytest

from experiments.training import compare as experiment
from experiments.training import gradients_of_batch
from experiments.training import latency_mnist_network as task
from tests.experiments.training.small_runs import few_latency_images, run


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    few = few_latency_images(training=40, held_out=20)
    monkeypatch.setattr(experiment, "latency_mnist", few)
    with jax.numpy_dtype_promotion("standard"):  # optax's schedules need it
        yield


def test_the_cosine_is_that_of_the_angle():
    one, other = ({"weights": np.float32(x)} for x in ([[3.0, 0.0]], [[1.0, 1.0]]))
    assert gradients_of_batch.cosine(one, other) == pytest.approx(np.sqrt(0.5))
    assert gradients_of_batch.cosine(one, {"weights": np.zeros((1, 2), np.float32)}) == 0


def test_the_mean_of_gradients_is_that_of_their_numbers():
    class Constant:
        def __init__(self, number):
            self.number = number

        def of(self, loss, num_steps, record):
            return lambda values: ((loss, {}), {"w": self.number * values})

    both = gradients_of_batch.Mean((Constant(1.0), Constant(4.0)))
    (loss, _), gradient = both.of("loss", 3)(np.array([2.0, -2.0]))
    assert loss == "loss"
    np.testing.assert_array_equal(gradient["w"], [5.0, -5.0])


@pytest.mark.parametrize("recurrent", [False, True])
def test_layers_are_chained_and_recur_if_they_are_to(recurrent):
    network = gradients_of_batch.draw(2, 6, recurrent, 0)
    chain = [("pixels", "hidden1"), ("hidden1", "hidden2"), ("hidden2", "classes")]
    own = [("hidden1", "hidden1"), ("hidden2", "hidden2")] if recurrent else []
    assert [(p.pre, p.post) for p in network.projections] == chain + own


def test_a_refusal_is_shown_and_kept(capsys):
    network = gradients_of_batch.draw(2, 6, False, 0)
    batch = task.drive(np.full((2, 784), 3.0)), np.array([0, 1], np.int32)
    gradients = {"e-prop": gradients_of_batch.GRADIENTS["e-prop"]}
    found = gradients_of_batch.compared(network, gradients, batch, "two layers")
    assert "projects to no population" in found["refused"]["e-prop"]
    assert not found["cosines"]
    assert "two layers, e-prop: refused" in capsys.readouterr().out


@pytest.mark.slow
def test_gradients_are_compared_and_trained_by(tmp_path, monkeypatch):
    few = {name: experiment.GRADIENTS[name] for name in ("surrogate", "e-prop")}
    monkeypatch.setattr(experiment, "GRADIENTS", few)  # the others take long to compile
    monkeypatch.setattr(experiment, "BOTH", {})
    small = ("--depth", "1", "--hidden", "12", "--batch-size", "20", "--epochs", "2")
    results = run(experiment, monkeypatch, tmp_path, *small)
    ((_, cosines),) = results["depths"]["1"]["cosines"].items()
    assert list(cosines) == ["pixels_to_hidden1", "hidden1_to_classes"]
    assert min(cosines.values()) == pytest.approx(1.0, abs=1e-4)
    losses = [[epoch["loss"] for epoch in epochs] for epochs in results["trained"].values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
    assert losses[0][1] < losses[0][0]


@pytest.mark.parametrize("flag", ["--depth", "--hidden", "--images", "--epochs", "--batch-size"])
def test_bad_flags_are_named(flag, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(experiment, monkeypatch, tmp_path, flag, "0")
    assert f"error: {flag}: given 0; expected at least 1" in capsys.readouterr().err
