"""Simulation of a network with every spike of every population as an event.

A run goes on from block to block of steps, and the spikes of each block, bool [steps, N], become
events before the next one begins: for 77,169 neurons and 10 s they would be 7.7 GB.
"""

import time
from typing import Any, NamedTuple

import jax
import numpy as np

import jsnn
from experiments import cli
from jsnn.analysis import SpikeTrains

BLOCK = 1000
"""Number of steps in a block."""


class Run(NamedTuple):
    """The spikes of a run, and its seconds."""

    trains: dict[str, SpikeTrains]
    """Spikes by population, in steps."""
    compile_seconds: float
    run_seconds: float
    """Seconds of the loop over time, without those of turning spikes into events."""


def simulate(network: jsnn.Network, num_steps: int, key: jax.Array | None = None) -> Run:
    """Run a network from its start, with a progress bar.

    Args:
      network: the network.
      num_steps: the number of steps.
      key: needed if the network is random.
    """
    began = time.perf_counter()
    state = jsnn.init(network, key)
    lengths = [min(BLOCK, num_steps - first) for first in range(0, num_steps, BLOCK)]
    blocks = {length: compiled_block(network, state, length) for length in set(lengths)}
    compile_seconds = time.perf_counter() - began

    events: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in network.sizes}
    done, run_seconds = 0, 0.0
    with cli.progress_bar(num_steps, "step", "simulate", leave=False) as bar:
        for length in lengths:
            began = time.perf_counter()
            state, spikes = jax.block_until_ready(blocks[length](network, state))
            run_seconds += time.perf_counter() - began
            for name, of_block in spikes.items():
                steps, neurons = jsnn.spike_list(of_block)
                events[name].append((done + steps, neurons))
            done += length
            bar.update(length)

    dt = float(network.dt)
    trains = {
        name: SpikeTrains(
            *(np.concatenate(parts) for parts in zip(*events[name], strict=True)),
            num_neurons=size,
            duration=num_steps * dt,
            dt=dt,
        )
        for name, size in network.sizes.items()
    }
    return Run(trains, compile_seconds, run_seconds)


def compiled_block(network: jsnn.Network, state: jsnn.State, num_steps: int) -> Any:
    """Compile a function (network, state) -> (state, {population: spikes}) of some steps."""
    record = {name: jsnn.Spikes(name) for name in network.sizes}

    def block(network: jsnn.Network, state: jsnn.State) -> tuple[jsnn.State, dict[str, Any]]:
        return jsnn.simulate(network, {}, num_steps, record=record, state=state)

    return jax.jit(block, donate_argnums=1).lower(network, state).compile()
