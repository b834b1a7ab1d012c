"""The microcircuit in jsnn, NEST and sparx, each drawn by its own means and timed.

All have a constant background and the numbers of `experiments.microcircuit.network`, but synapses
and a start of their own. They count spikes and record nothing else.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.microcircuit.network import (
    DELAY_MEAN,
    DELAY_SPREAD,
    DT,
    V_MEAN,
    V_SD,
    WEIGHT_SPREAD,
    circuit,
    is_excitatory,
)
from experiments.microcircuit.run import draw

BLOCK = 1000
"""Number of steps in a block, 100 ms."""
THREADS = 2
"""Number of threads of NEST; XLA takes as many as the process has cores."""


class Measured(NamedTuple):
    """Figures of a run."""

    build_seconds: float
    """Seconds for drawing the network."""
    first_seconds: float
    """Seconds from the network to the end of its first block, compilation included."""
    loop_seconds: float
    """Seconds for the blocks after the first."""
    processor_seconds: float
    """Processor time of all threads for the blocks after the first, in seconds."""
    num_synapses: int
    rate_hz: float
    """Mean rate of all neurons in the blocks after the first."""
    memory_mb: float
    """Peak memory of the process beyond that of its imports."""


def in_jsnn(scale: float, num_blocks: int, seed: int) -> Measured:
    jax.block_until_ready(jnp.zeros(8) + 1)
    memory = cli.peak_memory_mb()
    began = time.perf_counter()
    numbers = circuit(scale, scale, "dc")
    network = jax.block_until_ready(draw(numbers, seed))
    built = time.perf_counter()
    record = {name: jsnn.SpikeCount(name) for name in network.sizes}
    state, _ = jsnn.simulate_in_blocks(network, {}, BLOCK, steps_per_block=BLOCK, record=record)
    first, processor = time.perf_counter(), time.process_time()
    _, counts = jsnn.simulate_in_blocks(
        *(network, {}, num_blocks * BLOCK), steps_per_block=BLOCK, record=record, state=state
    )
    ended, processor = time.perf_counter(), time.process_time() - processor
    per_neuron = np.concatenate(list(counts.values()))
    return Measured(
        built - began,
        first - built,
        ended - first,
        processor,
        int(numbers.num_synapses.sum()),
        float(per_neuron.mean()) / (1e-3 * DT * num_blocks * BLOCK),
        cli.peak_memory_mb() - memory,
    )


def in_nest(scale: float, num_blocks: int, seed: int) -> Measured:
    from experiments.parity.nest import nest
    from experiments.parity.nest_microcircuit import NEURON_PARAMS

    memory = cli.peak_memory_mb()
    began = time.perf_counter()
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=DT, local_num_threads=THREADS, rng_seed=seed + 1)
    numbers = circuit(scale, scale, "dc")
    populations = [
        nest.Create("iaf_psc_exp", int(size), NEURON_PARAMS | {"I_e": 1e3 * float(current)})
        for size, current in zip(numbers.sizes, numbers.currents, strict=True)
    ]
    for population, mean, sd in zip(populations, V_MEAN, V_SD, strict=True):
        population.V_m = nest.random.normal(mean, sd)
    for post, pre in np.argwhere(numbers.num_synapses):
        weight = 1e3 * float(numbers.weights[post, pre])
        signed = {"min": 0.0, "max": np.inf} if weight > 0 else {"min": -np.inf, "max": 0.0}
        delay = DELAY_MEAN["excitatory" if is_excitatory(pre) else "inhibitory"]
        nest.Connect(
            populations[pre],
            populations[post],
            {"rule": "fixed_total_number", "N": int(numbers.num_synapses[post, pre])},
            {
                "weight": nest.math.redraw(
                    nest.random.normal(weight, WEIGHT_SPREAD * abs(weight)), **signed
                ),
                "delay": nest.math.redraw(
                    nest.random.normal(delay, DELAY_SPREAD * delay), min=DT / 2, max=np.inf
                ),
            },
        )
    built = time.perf_counter()
    nest.Prepare()
    nest.Run(BLOCK * DT)
    first, processor = time.perf_counter(), time.process_time()
    nest.Run(num_blocks * BLOCK * DT)
    ended, processor = time.perf_counter(), time.process_time() - processor
    num_spikes = nest.local_spike_counter  # of the last call of Run
    nest.Cleanup()
    return Measured(
        built - began,
        first - built,
        ended - first,
        processor,
        nest.num_connections,
        num_spikes / numbers.num_neurons / (1e-3 * DT * num_blocks * BLOCK),
        cli.peak_memory_mb() - memory,
    )


def in_sparx(python: Path, scale: float, num_blocks: int, seed: int) -> Measured:
    """Run `sparx_peer.py` under `python`."""
    script = Path(__file__).with_name("sparx_peer.py")
    # With -P, modules beside the script do not hide those of packages.
    command = [python, "-P", script, scale, num_blocks, BLOCK, seed]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return Measured(**json.loads(done.stdout))
