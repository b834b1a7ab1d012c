"""Trainings in shards give the same bits on any number of devices and processes."""

from hashlib import sha256

import jax
import numpy as np
import pytest

import jsnn
from tests.devices import in_two_processes, on_devices
from tests.training.toy import LABELS, drives, fitted, network

NOISE = jsnn.CurrentSource("noise", "hidden", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})


def result() -> str:
    """Digest of a training in two shards on the devices there are."""
    noisy = {"network": network(0, NOISE), "key": jax.random.key(4)}
    training = fitted(**noisy, shards=2, validation=(drives(), LABELS))
    digest = sha256()
    for leaf in jax.tree.leaves(training.values):
        digest.update(np.asarray(leaf).tobytes())
    losses = [training.course(name) for name in ("loss", "validation_loss", "accuracy")]
    digest.update(np.asarray(losses).tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def on_one_device() -> str:
    assert len(jax.devices()) == 1
    return result()


def test_two_devices(on_one_device: str) -> None:
    assert on_devices(2, __name__, "result") == [2, on_one_device]


def test_two_processes(on_one_device: str) -> None:
    assert in_two_processes(__name__, "result") == [[2, on_one_device]] * 2


def test_another_number_of_shards_agrees_to_rounding() -> None:
    one, two = fitted(shards=1), fitted(shards=2)
    np.testing.assert_allclose(one.course("loss"), two.course("loss"), rtol=1e-4)
    for a, b in zip(jax.tree.leaves(one.values), jax.tree.leaves(two.values), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
