"""Trainings that are cut off and go on to the same bits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jsnn
from jsnn.training import checkpoint as checkpoints
from tests.training.toy import LABELS, LOSS, SIZE, SPIKES, drives, fitted, network, same


class Stream:
    """Batches that can start anywhere, and that fail once before a given one.

    Attributes:
      fails_at: (epoch, batch), or None.
    """

    def __init__(self, fails_at: tuple[int, int] | None = None) -> None:
        self.fails_at = fails_at

    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        rows = np.random.default_rng(epoch).permutation(len(LABELS))
        for number in range(first, -(-len(rows) // SIZE)):
            if (epoch, number) == self.fails_at:
                raise OSError("cut off")
            part = rows[number * SIZE : (number + 1) * SIZE]
            yield drives(SPIKES[part]), LABELS[part]


def test_a_training_goes_on_from_the_end_of_an_epoch(tmp_path: Path) -> None:
    given: dict[str, Any] = {"validation": (drives(), 1 - LABELS), "patience": 9}
    whole = fitted(**given, epochs=4)
    fitted(**given, epochs=2, checkpoint=tmp_path / "a")
    rest = fitted(**given, epochs=4, checkpoint=str(tmp_path / "a"))
    same(rest.values, whole.values)
    assert rest.history == whole.history
    same(jax.tree.leaves(rest.network), jax.tree.leaves(whole.network))
    done = fitted(**given, epochs=4, checkpoint=tmp_path / "a")  # nothing is left to do
    same(done.values, whole.values)


def test_a_training_goes_on_in_the_middle_of_an_epoch(tmp_path: Path, monkeypatch) -> None:
    noise = jsnn.CurrentSource("noise", "hidden", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})
    given: dict[str, Any] = {
        "network": network(0, noise),
        "targets": None,
        "key": jax.random.key(3),
        "optimizer": optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.05)),
        "checkpoint": tmp_path / "a",
    }
    whole = fitted(**given | {"drives": Stream(), "checkpoint": None})
    monkeypatch.setattr(checkpoints, "_SECONDS_BETWEEN", 0)  # so that each batch is saved
    with pytest.raises(OSError, match="cut off"):
        fitted(**given, drives=Stream(fails_at=(1, 2)))
    rest = fitted(**given, drives=Stream())
    same(rest.values, whole.values)
    assert rest.history == whole.history


class Anew:
    """Batches that begin from the start in each epoch, and cannot start anywhere else."""

    def __iter__(self) -> Iterator[Any]:
        return Stream().batches(0, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"batch_size": 2},
        {"shards": 2},
        {"network": network(1)},
        {"targets": 1 - LABELS},
        {"drives": drives(SPIKES[:8]), "targets": LABELS[:8]},
        {"loss": LOSS * 2},
        {"optimizer": optax.sgd(0.1)},
        {"gradient": jsnn.gradients.surrogate(jsnn.surrogates.arctan())},
        {"train": {"in_to_hidden": ["weights"]}},
        {"over_epochs": {"hidden": {"v_thresh": lambda epoch: 1.0}}},
        {"validation": (drives(), LABELS)},
        {"readout": None, "key": jax.random.key(0)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_checkpoint_of_another_training_is_refused(
    other: dict[str, Any], checkpoint: Path
) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=re.escape(f"fit, checkpoint: {checkpoint} is of another")):
        fitted(**other, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("checkpoint") / "a"
    fitted(epochs=1, checkpoint=path)
    return path


def test_a_damaged_checkpoint_is_an_error(checkpoint: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "a"
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=str(damaged)):
        fitted(checkpoint=damaged)


def test_an_iterable_without_a_checkpoint_begins_anew_in_each_epoch() -> None:
    training = fitted(drives=Anew(), targets=None, optimizer=optax.sgd(0.0), epochs=2)
    assert len(set(training.course("loss"))) == 1


def test_a_value_that_is_not_finite_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    def factor(count: jax.Array) -> jax.Array:
        return jnp.where(count == 5, jnp.nan, -0.1)  # in the last batch of the second epoch

    path, optimizer = tmp_path / "a", optax.scale_by_schedule(factor)
    for _ in range(2):  # the second one goes on from the first epoch
        says = f"epoch 1, batch 2: a trained value is nan.*the last checkpoint is {path}"
        with pytest.raises(FloatingPointError, match=says):
            fitted(epochs=3, optimizer=optimizer, checkpoint=path)
    saved = fitted(epochs=1, optimizer=optimizer, checkpoint=path)
    same(saved.values, fitted(epochs=1, optimizer=optimizer).values)
