"""Scaling: work per device against devices, memory against the size of the data set.

Weak scaling: each device gets the same number of images, on 1, 2, 4, 8 devices that XLA makes of
the CPU (`--xla_force_host_platform_device_count`). They share the same cores, so time says nothing
here. The work of each device does: operations and bytes of the compiled program, and exchanges
between devices. Operations are those of XLA's own code, so the network is run plain.

Throughput: the main job on two such devices against one of them, which has both cores to itself.

Memory: the peak of a process that evaluates more and more synthetic images, made by an iterator.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.mnist.data import input_currents, test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, WEIGHTS, spiking_network
from jsnn.evaluation.devices import mesh_of
from jsnn.evaluation.presentation import How, compile_program, plan_presentations

BETWEEN_DEVICES = r"\b(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)\("


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for the main job's network."""

    devices: tuple[int, ...] = (1, 2, 4, 8)
    """Numbers of devices into which the CPU is divided."""
    images_per_device: int = 100
    """Number of images on each device in one call."""
    images: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    """Sizes of the synthetic data set."""
    part: str = ""
    """One row of a table; this script sets the flag when it starts itself."""


def work_per_device(images_per_device: int) -> dict[str, float]:
    """Return the work of the program that presents `images_per_device` images on each device."""
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    mesh = mesh_of(jax.devices())
    current = np.full((1, 784), 0.5, np.float32)
    counts = {name: jsnn.SpikeCount(name) for name in network.sizes}
    plan = plan_presentations(
        network, {"layer0": current[0]}, NUM_STEPS, counts, jsnn.fresh, scheduled=False
    )
    how = How(plan, _answer, jsnn.fresh, mesh)
    size = images_per_device * mesh.size
    program = compile_program(network, {"layer0": current}, size, how, batch_size=size).compiled
    cost, memory = program.cost_analysis(), program.memory_analysis()
    return {
        "images": size,
        "operations_per_device": cost["flops"],
        "bytes_accessed_per_device": cost["bytes accessed"],
        "bytes_held_per_device": memory.temp_size_in_bytes + memory.argument_size_in_bytes,
        "exchanges_between_devices": len(re.findall(BETWEEN_DEVICES, program.as_text())),
    }


def _answer(counts: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Return the class and the spikes of each layer, as `jsnn.evaluate` does."""
    spikes = {name: count.astype(jnp.int32).sum() for name, count in counts.items()}
    return {"class": jnp.argmax(counts["layer2"]).astype(jnp.int32), **spikes}


def throughput() -> dict[str, float]:
    """Measure the throughput of all devices against that of the first one, in turns."""
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    images = test_images()
    drives = {"layer0": input_currents(images.pixels, INPUT_SCALE)}
    readout = jsnn.spike_count("layer2")

    def seconds(devices: Sequence[jax.Device]) -> float:
        result = jsnn.evaluate(network, drives, images.labels, NUM_STEPS, readout, devices=devices)
        return result.run_seconds

    turns = [(seconds(jax.devices()[:1]), seconds(jax.devices())) for _ in range(9)]
    one, all_of_them = np.array(turns[1:]).T
    return {
        "seconds_on_one": float(np.median(one)),
        "seconds_on_all": float(np.median(all_of_them)),
        "throughput_ratio": float(np.median(one / all_of_them)),
    }


def peak_memory(num_images: int, seed: int) -> dict[str, float]:
    """Measure the memory of this process after an evaluation of `num_images` of noise."""
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    random = np.random.default_rng(seed)

    def noise() -> Any:
        for start in range(0, num_images, 1000):
            levels = random.integers(0, 256, (min(1000, num_images - start), 784), np.uint8)
            yield {"layer0": np.where(levels < 200, 0, levels).astype(np.float32) / 100}

    labels = np.zeros(num_images, np.uint8)
    readout = jsnn.spike_count("layer2")
    result = jsnn.evaluate(network, noise(), labels, NUM_STEPS, readout, progress=True)
    kept = [result.labels, result.predictions, *result.spikes.values()]
    return {
        "peak_memory_mb": cli.peak_memory_mb(),
        "results_mb": sum(array.nbytes for array in kept) / 1e6,
        "run_seconds": result.run_seconds,
    }


def in_a_process_of_its_own(part: str, num_devices: int, config: Config) -> dict[str, float]:
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    command = [
        *(sys.executable, "-m", "experiments.mnist.scaling", "--part", part),
        *("--seed", str(config.seed), "--images-per-device", str(config.images_per_device)),
    ]
    environment = os.environ | {"XLA_FLAGS": flags}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(config: Config) -> dict[str, Any]:
    if config.part:
        kind, _, number = config.part.partition(" ")
        if kind == "devices":
            row = work_per_device(config.images_per_device)
        elif kind == "throughput":
            row = throughput()
        else:
            row = peak_memory(int(number), config.seed)
        print(json.dumps(row))
        return row
    devices = {n: in_a_process_of_its_own("devices", n, config) for n in config.devices}
    print("| devices | images | Mflop each | MB accessed each | MB held each | exchanges |")
    print("|---|---|---|---|---|---|")
    for n, row in devices.items():
        print(
            f"| {n} | {row['images']:,} | {row['operations_per_device'] / 1e6:.1f} "
            f"| {row['bytes_accessed_per_device'] / 1e6:.1f} "
            f"| {row['bytes_held_per_device'] / 1e6:.2f} | {row['exchanges_between_devices']} |"
        )
    ratio = in_a_process_of_its_own("throughput", 2, config)
    print(
        f"\nThroughput of two devices against one: {ratio['throughput_ratio']:.2f} "
        f"({ratio['seconds_on_one']:.2f} s on one, {ratio['seconds_on_all']:.2f} s on both)"
    )
    images = {n: in_a_process_of_its_own(f"images {n}", 1, config) for n in config.images}
    print("\n| images | peak memory | of it results | images/s |\n|---|---|---|---|")
    for n, row in images.items():
        print(
            f"| {n:,} | {row['peak_memory_mb']:.0f} MB | {row['results_mb']:.1f} MB "
            f"| {n / row['run_seconds']:,.0f} |"
        )
    return {
        "devices": [{"devices": n, **row} for n, row in devices.items()],
        "throughput": ratio,
        "images": [{"images": n, **row} for n, row in images.items()],
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
