"""Simulation of CUBA and COBA in jsnn, with every spike as an event.

The spikes of all steps as bool [T, N] would be 400 MB for 40,000 neurons and a second, so a run
goes on from block to block, and the spikes of each block become events.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

import jsnn
from experiments.balanced.models import POPULATION, network_of
from experiments.balanced.network import Definition, Run

BLOCK = 1000
"""Number of steps in a block."""

Make = Callable[[Definition, int, DTypeLike], jsnn.Network]
"""A function (definition, delay as Brian2 counts, dtype) -> network."""


def simulate(
    definition: Definition,
    num_steps: int,
    delay: int = 0,
    dtype: DTypeLike = np.float32,
    *,
    make: Make = network_of,
    progress: bool = False,
) -> Run:
    """Return every spike of a run.

    Args:
      definition: the network and its start.
      num_steps: the number of steps.
      delay: in steps, as Brian2 counts them.
      dtype: float32, or float64 with `jax_enable_x64`.
      make: makes the network.
      progress: show a progress bar.
    """
    began = time.perf_counter()
    network = make(definition, delay, dtype)
    for length in {min(BLOCK, num_steps), num_steps % BLOCK} - {0}:
        events(network, length)  # compiles the program of a block of this length
    built = time.perf_counter()
    steps, neurons = events(network, num_steps, progress=progress)
    ran = time.perf_counter()
    return Run(steps, neurons, ran - built, built - began)


def events(
    network: jsnn.Network, num_steps: int, *, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and the neurons of all spikes of a run, int [num_spikes] each."""
    record = {"spikes": jsnn.SpikeEvents(POPULATION)}
    _, recorded = jsnn.simulate_in_blocks(
        network, {}, num_steps, steps_per_block=BLOCK, record=record, progress=progress
    )
    return jsnn.spike_list(recorded["spikes"])
