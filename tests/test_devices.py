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


found = [digest(n, **options) for n in (network, noisy) for options in ({}, {"batch_size": 5})]
print(json.dumps([len(jax.devices()), found]))
"""

NEURONS = """
import hashlib, sys
import jax, numpy as np, jsnn
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tests.networks import random_images, random_weights

mesh = Mesh(np.asarray(jax.devices()), ("neurons",))
by_postsynaptic = NamedSharding(mesh, PartitionSpec(None, "neurons"))
weights = [jax.device_put(w, by_postsynaptic) for w in random_weights(0, (64, 128, 128), 0.3)]
params = {"v_thresh": 1.5}
network = jsnn.Network(
    [jsnn.Population("a", 64, jsnn.IF, params), jsnn.Population("b", 128, jsnn.IF, params)],
    [
        jsnn.Projection("a", "b", jsnn.Dense(weights[0])),
        jsnn.Projection("b", "b", jsnn.Dense(weights[1])),
    ],
)
record = {"b": jsnn.Spikes("b")}
state, recorded = jsnn.simulate(network, {"a": random_images(0, 1, 64)[0]}, 40, record=record)
assert 0 < recorded["b"].mean() < 1
assert len(state.variables["b"]["v"].sharding.device_set) == len(jax.devices())
print(hashlib.sha256(np.asarray(recorded["b"]).tobytes()).hexdigest())
"""


def started(num_devices: int, *arguments: str, code: str = CODE) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    environment = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
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
    without_noise, with_noise = found[:2], found[2:]
    assert len(set(without_noise)) == len(set(with_noise)) == 1
    assert without_noise != with_noise
    return found


def test_three_devices(on_one_device) -> None:
    assert output(started(3)) == [3, on_one_device]


def test_two_processes(on_one_device) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [started(1, address, "2", str(number)) for number in range(2)]
    assert [output(process) for process in processes] == [[2, on_one_device]] * 2


def test_a_network_divided_by_postsynaptic_neuron() -> None:
    digests = []
    for count in (1, 4):
        out, err = started(count, code=NEURONS).communicate(timeout=240)
        assert out, err
        digests.append(out.strip())
    assert len(set(digests)) == 1
