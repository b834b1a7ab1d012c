"""Simulation of CUBA and COBA in jsnn, with every spike in a list.

The spikes of all steps as bool [T, N] would be 400 MB for 40,000 neurons and a second, so a run
goes on from chunk to chunk, and the spikes of each chunk become a list.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import DTypeLike

import jsnn
from experiments import cli
from experiments.balanced.models import POPULATION, network_of
from experiments.balanced.network import Definition, Run

CHUNK = 1000
"""Number of steps in a chunk."""

Make = Callable[[Definition, int, DTypeLike], jsnn.Network]
"""A function (definition, delay as Brian2 counts, dtype) -> network."""

Chunk = Callable[[jsnn.Network, jsnn.State], tuple[jsnn.State, jax.Array]]
"""A function (network, state) -> (state after a chunk, spikes of the chunk, bool [steps, N])."""


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
    state = jsnn.init(network)
    lengths = [min(CHUNK, num_steps - first) for first in range(0, num_steps, CHUNK)]
    chunks = {length: compiled_chunk(network, state, length) for length in set(lengths)}
    built = time.perf_counter()

    steps, neurons, done = [], [], 0
    with cli.progress_bar(num_steps, "step", shown=progress, leave=False) as bar:
        for length in lengths:
            state, spikes = chunks[length](network, state)
            steps_of_chunk, neurons_of_chunk = jsnn.spike_list(spikes)
            steps.append(done + steps_of_chunk)
            neurons.append(neurons_of_chunk)
            done += length
            bar.update(length)
    ran = time.perf_counter()
    return Run(np.concatenate(steps), np.concatenate(neurons), ran - built, built - began)


def compiled_chunk(network: jsnn.Network, state: jsnn.State, num_steps: int) -> Chunk:
    def chunk(network: jsnn.Network, state: jsnn.State) -> tuple[jsnn.State, Any]:
        record = {"spikes": jsnn.Spikes(POPULATION)}
        state, recorded = jsnn.simulate(network, {}, num_steps, record=record, state=state)
        return state, recorded["spikes"]

    return jax.jit(chunk).lower(network, state).compile()
