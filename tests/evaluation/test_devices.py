"""Several devices and several processes give the results of one, bit for bit."""

from hashlib import sha256

import jax
import numpy as np
import pytest

import jsnn
from tests.devices import in_two_processes, on_devices
from tests.networks import random_images, random_weights

SPIKES = {"v_thresh": 1.5}


def results() -> list[str]:
    """Digests of evaluations on the devices there are: without noise, then with, in batches too."""
    network = jsnn.feedforward(random_weights(0, (12, 9, 4)), jsnn.IF, params=SPIKES)
    noise = jsnn.CurrentSource("noise", "layer1", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})
    noisy = jsnn.Network(network.populations, network.projections, [noise])
    images, labels = random_images(0, 23, 12), np.arange(23) % 4

    def digest(network: jsnn.Network, batch_size: int | None) -> str:
        result = jsnn.evaluate(
            *(network, {"layer0": images}, labels, 15, jsnn.spike_count("layer2")),
            batch_size=batch_size,
            key=jax.random.key(0),
            record={"v": jsnn.Variable("layer2")},
        )
        arrays = [result.predictions, *result.spikes.values(), result.recorded["v"]]
        assert result.recorded["v"].any()
        assert result.spikes["layer2"].any()
        return sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

    return [digest(network, 5), digest(noisy, None), digest(noisy, 5)]


@pytest.fixture(scope="module")
def on_one_device() -> list[str]:
    assert len(jax.devices()) == 1
    without_noise, with_noise, with_noise_in_batches = found = results()
    assert without_noise != with_noise == with_noise_in_batches
    return found


def test_three_devices(on_one_device: list[str]) -> None:
    assert on_devices(3, __name__, "results") == [3, on_one_device]


@pytest.mark.slow
def test_two_processes(on_one_device: list[str]) -> None:
    assert in_two_processes(__name__, "results") == [[2, on_one_device]] * 2
