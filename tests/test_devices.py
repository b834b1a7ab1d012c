"""Several devices and several processes give the results of one, bit for bit."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CODE = """
import hashlib, json, sys
import jax
if len(sys.argv) > 1:
    jax.distributed.initialize(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
import numpy as np, jsnn
from tests.networks import random_images, random_weights

network = jsnn.feedforward(random_weights(0, (12, 9, 4)), jsnn.IF, params={"v_thresh": 1.5})
noise = jsnn.CurrentSource("noise", "layer1", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})
noisy = jsnn.Network(network.populations, network.projections, [noise])
images, labels = random_images(0, 23, 12), np.arange(23) % 4


def digest(network, **options):
    result = jsnn.evaluate(
        network, {"layer0": images}, labels, 15, jsnn.spike_count("layer2"),
        key=jax.random.key(0), record={"v": jsnn.Variable("layer2")}, **options,
    )
    arrays = [result.predictions, *result.spikes.values(), result.recorded["v"]]
    assert result.recorded["v"].any() and result.spikes["layer2"].any()
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


found = [digest(n, **o) for n in (network, noisy) for o in ({}, {"batch_size": 5}, {"plain": True})]
print(json.dumps([len(jax.devices()), found]))
"""


def started(num_devices: int, *arguments: str) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    environment = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
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
    num_devices, found = output(started(1))
    assert num_devices == 1
    without_noise, with_noise = found[:3], found[3:]
    assert len(set(without_noise)) == len(set(with_noise)) == 1
    assert without_noise != with_noise
    return found


@pytest.mark.parametrize("count", [2, 3])
def test_several_devices(count: int, on_one_device) -> None:
    assert output(started(count)) == [count, on_one_device]


def test_two_processes(on_one_device) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [started(1, address, "2", str(number)) for number in range(2)]
    assert [output(process) for process in processes] == [[2, on_one_device]] * 2
