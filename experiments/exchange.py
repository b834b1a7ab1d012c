"""Exchange of spikes among the devices over which a network is divided: bytes and time.

A network of LIF neurons with one synapse each is divided over devices that XLA makes of the CPU
(`--xla_force_host_platform_device_count`). The bytes that a device receives in a step are read from
the compiled program and compared with the arithmetic. These devices share the same cores, so the
time is processor time, a step and a device. docs/reference/devices.md says what follows for large
networks.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import jsnn
from experiments import cli


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for networks up to a million neurons."""

    neurons: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Numbers of neurons."""
    devices: tuple[int, ...] = (1, 2, 4)
    """Numbers of devices into which the CPU is divided."""
    num_steps: int = 200
    """Steps that are timed."""
    part: str = ""
    """Neurons of one row of the table; this script sets the flag when it starts itself."""


def measured(num_neurons: int, num_steps: int) -> dict[str, float]:
    """Measure the exchange of a network on all devices there are."""
    number = len(jax.devices())
    neurons = np.arange(num_neurons, dtype=np.int32)
    weights = np.zeros(num_neurons, np.float32)
    synapses = jsnn.Sparse(neurons, neurons[::-1], weights, num_neurons, num_neurons)
    population = jsnn.Population("cells", num_neurons, jsnn.LIF)
    network = jsnn.divide(jsnn.Network([population], [jsnn.Projection("cells", "cells", synapses)]))
    record = {"count": jsnn.SpikeCount("cells")}

    def run(network: jsnn.Network, state: jsnn.State) -> Any:
        return jsnn.simulate(network, {}, num_steps, record=record, state=state)

    state = jsnn.init(network)
    program = jax.jit(run).lower(network, state).compile()
    jax.block_until_ready(program(network, state))
    start = time.process_time()
    jax.block_until_ready(program(network, state))
    seconds = time.process_time() - start
    return {
        "bytes_compiled": received_bytes(program.as_text()),
        "bytes_by_arithmetic": 4 * number * -(-num_neurons // number // 32) if number > 1 else 0,
        "us_of_a_step_and_device": 1e6 * seconds / num_steps / number,
    }


def received_bytes(program: str) -> int:
    """Return the bytes of spikes that a device gets in a step, with its own, of a program."""
    shapes = re.findall(r"= u32\[(\d+),(\d+)\]\S* all-gather\(", program)
    return sum(4 * int(rows) * int(columns) for rows, columns in shapes)


def in_a_process_of_its_own(num_neurons: int, num_devices: int, config: Config) -> dict[str, float]:
    command = [
        *(sys.executable, "-m", "experiments.exchange", "--part", str(num_neurons)),
        *("--num-steps", str(config.num_steps)),
    ]
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def check(config: Config) -> None:
    """Raise ValueError if a flag is no number of something."""
    for flag, numbers in (
        ("--neurons", config.neurons),
        ("--devices", config.devices),
        ("--num-steps", (config.num_steps,)),
    ):
        if not numbers or min(numbers) < 1:
            raise ValueError(f"{flag}: given {numbers}; expected integers >= 1")


def main(config: Config) -> dict[str, Any]:
    check(config)
    if config.part:
        row = measured(int(config.part), config.num_steps)
        print(json.dumps(row))
        return row
    print("| neurons | devices | bytes, compiled | bytes, arithmetic | us a step and device |")
    print("|---|---|---|---|---|")
    rows = []
    for num_neurons in config.neurons:
        for num_devices in config.devices:
            row = in_a_process_of_its_own(num_neurons, num_devices, config)
            rows.append({"neurons": num_neurons, "devices": num_devices, **row})
            print(
                f"| {num_neurons:,} | {num_devices} | {row['bytes_compiled']:,} | "
                f"{row['bytes_by_arithmetic']:,} | {row['us_of_a_step_and_device']:.1f} |"
            )
    return {"rows": rows}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
