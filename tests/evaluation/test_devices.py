"""Several devices and several processes give the results of one, bit for bit."""

import json
import os
import socket
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import jsnn
from tests.networks import random_images, random_weights

ROOT = Path(__file__).parents[2]

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


def spikes_of_a_divided_network() -> str:
    """The digest of a recurrent network's spikes; each device has its share of the neurons."""
    mesh = Mesh(np.asarray(jax.devices()), ("neurons",))
    by_postsynaptic = NamedSharding(mesh, PartitionSpec(None, "neurons"))
    weights = [jax.device_put(w, by_postsynaptic) for w in random_weights(0, (64, 128, 128), 0.3)]
    network = jsnn.Network(
        [jsnn.Population("a", 64, jsnn.IF, SPIKES), jsnn.Population("b", 128, jsnn.IF, SPIKES)],
        [
            jsnn.Projection("a", "b", jsnn.Dense(weights[0])),
            jsnn.Projection("b", "b", jsnn.Dense(weights[1])),
        ],
    )
    drive, record = {"a": random_images(0, 1, 64)[0]}, {"b": jsnn.Spikes("b")}
    state, recorded = jsnn.simulate(network, drive, 40, record=record)
    assert 0 < recorded["b"].mean() < 1
    assert len(state.populations["b"]["v"].sharding.device_set) == len(jax.devices())
    return sha256(np.asarray(recorded["b"]).tobytes()).hexdigest()


RUN = """
import json, sys
import jax
if len(sys.argv) > 2:
    jax.distributed.initialize(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
from tests.evaluation import test_devices
print(json.dumps([len(jax.devices()), getattr(test_devices, sys.argv[1])()]))
"""


def started(num_devices: int, *arguments: str) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    environment = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> list:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def on_one_device() -> list[str]:
    assert len(jax.devices()) == 1
    without_noise, with_noise, with_noise_in_batches = found = results()
    assert without_noise != with_noise == with_noise_in_batches
    return found


def test_three_devices(on_one_device: list[str]) -> None:
    assert output(started(3, "results")) == [3, on_one_device]


def test_two_processes(on_one_device: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [started(1, "results", address, "2", str(number)) for number in range(2)]
    assert [output(process) for process in processes] == [[2, on_one_device]] * 2


def test_a_network_divided_by_postsynaptic_neuron() -> None:
    divided = output(started(4, "spikes_of_a_divided_network"))
    assert divided == [4, spikes_of_a_divided_network()]
