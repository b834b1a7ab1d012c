"""The experiment as a user runs it, and its rewiring against sets of pairs."""

import json
import sys
from typing import Any

import numpy as np
import pytest

from experiments import cli, deep_rewiring
from experiments.deep_rewiring import NUM_HIDDEN, REWIRED, new_learner, rewired
from tests.experiments.few_images import few_images


def run(*flags: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["deep_rewiring", *map(str, flags)])
    cli.run(deep_rewiring.Config, deep_rewiring.main, "")


def pairs_of(synapses: Any) -> np.ndarray:
    return np.asarray(synapses.pre) * NUM_HIDDEN + np.asarray(synapses.post)


def test_synapses_whose_sign_turns_go_and_others_come_between_neurons_not_joined() -> None:
    learner = new_learner(0.01, seed=0)
    old: Any = learner.network.projection(REWIRED).connectivity
    turned = np.arange(old.capacity) % 3 == 0
    weights = np.where(turned, -0.5, 0.5) * np.asarray(learner.signs)
    network = learner.network.with_params({REWIRED: {"weights": weights.astype(np.float32)}})
    after = rewired(learner._replace(network=network))
    new: Any = after.network.projection(REWIRED).connectivity
    came = turned & np.asarray(new.exists)
    assert int(after.moved) == turned.sum()
    assert 0.9 * turned.sum() < came.sum() <= turned.sum()
    np.testing.assert_array_equal(new.exists, came | ~turned)
    np.testing.assert_array_equal(pairs_of(new)[~turned], pairs_of(old)[~turned])
    assert not np.intersect1d(pairs_of(new)[came], pairs_of(old)).size
    assert len(np.unique(pairs_of(new)[came])) == came.sum()
    np.testing.assert_array_equal(new.weights, np.where(turned, 0, weights))
    np.testing.assert_array_equal(after.signs[~turned], learner.signs[~turned])
    assert set(np.asarray(after.signs)) == {-1, 1}


@pytest.mark.slow
def test_both_networks_learn_and_one_of_them_moves_its_synapses(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deep_rewiring, "NUM_LEARNT", 300)
    monkeypatch.setattr(deep_rewiring, "held_out_images", lambda: few_images(400))
    path = tmp_path / "rewired.json"
    run("--epochs", 3, "--connectivity", 0.02, "--json", path, monkeypatch=monkeypatch)
    results = json.loads(path.read_text())
    fixed, moved = results["fixed"], results["rewired"]
    for one in (fixed, moved):
        assert one["accuracy"] > 0.8
        assert one["loss"][-1] < one["loss"][0] / 2
        assert one["compilations_after_the_first_epoch"] == 0
    assert fixed["moved"] == 0 < moved["moved"]
    assert fixed["synapses"] == fixed["capacity"] == moved["capacity"]
    assert 0.95 * moved["capacity"] < moved["synapses"] <= moved["capacity"]
    assert capsys.readouterr().out.count("0 compilations after the first epoch") == 2


@pytest.mark.parametrize(
    ("flag", "given", "message"),
    [
        ("--connectivity", 0, "connectivity: given 0.0; expected up to 0.5"),
        ("--epochs", 0, "epochs: given 0; expected at least 1"),
    ],
)
def test_flags_that_make_no_sense_are_named(
    flag: str,
    given: Any,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        run(flag, given, monkeypatch=monkeypatch)
    assert message in capsys.readouterr().err


def test_the_step_of_adam_is_the_book_s() -> None:
    gradients = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    adam = deep_rewiring.Adam(*np.zeros((3, 3), np.float32))
    first, second = np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(gradients, 1):
        adam, step = deep_rewiring.descent(adam, gradient)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        expected = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(step, expected, rtol=1e-3)
