"""Functions of tests that are run by other processes, which have several devices."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

_RUN = """
import json, sys
from importlib import import_module
import jax
module, function, *address = sys.argv[1:]
if address:
    jax.distributed.initialize(address[0], int(address[1]), int(address[2]))
print(json.dumps([len(jax.devices()), getattr(import_module(module), function)()]))
"""


def on_devices(num_devices: int, module: str, function: str) -> Any:
    """Return [number of devices, result of a function] of a process with several devices."""
    return _output(_started(num_devices, module, function))


def in_two_processes(module: str, function: str) -> list[Any]:
    """Return [number of devices, result of a function] of each of two processes on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [_started(1, module, function, address, "2", str(number)) for number in range(2)]
    return [_output(process) for process in processes]


def _started(num_devices: int, *arguments: str) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={num_devices}"
    environment = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _output(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])
