"""Simulation of a network with every spike of every population as an event."""

import time
from typing import NamedTuple

import jax

import jsnn
from jsnn.analysis import SpikeTrains

BLOCK = 1000
"""Number of steps in a block."""


class Run(NamedTuple):
    """The spikes of a run, and its seconds."""

    trains: dict[str, SpikeTrains]
    """Spikes by population, in steps."""
    compile_seconds: float
    """Seconds to the end of a first block of each length, which is not part of the run."""
    run_seconds: float


def steps_of(duration_ms: float, dt: float) -> int:
    """Return the number of steps of the flag --duration-ms.

    Raises:
      ValueError: if there is not one whole step.
    """
    num_steps = round(duration_ms / dt)
    if num_steps < 1:
        raise ValueError(f"--duration-ms: given {duration_ms}; expected at least {dt}")
    return num_steps


def simulate(network: jsnn.Network, num_steps: int, key: jax.Array | None = None) -> Run:
    """Run a network from its start, with a progress bar.

    Args:
      network: the network.
      num_steps: the number of steps.
      key: needed if the network is random.
    """
    record = {name: jsnn.SpikeEvents(name) for name in network.sizes}

    def run(steps: int, *, progress: bool = False) -> dict[str, jsnn.Events]:
        _, recorded = jsnn.simulate_in_blocks(
            *(network, {}, steps),
            steps_per_block=BLOCK,
            record=record,
            key=key,
            progress=progress,
        )
        return recorded

    began = time.perf_counter()
    for length in {min(BLOCK, num_steps), num_steps % BLOCK} - {0}:
        run(length)
    compiled = time.perf_counter()
    events = run(num_steps, progress=True)
    ran = time.perf_counter()
    dt = float(network.dt)
    trains = {
        name: SpikeTrains.of_events(events[name], size, num_steps, dt)
        for name, size in network.sizes.items()
    }
    return Run(trains, compiled - began, ran - compiled)
