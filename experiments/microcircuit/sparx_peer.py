"""Script that runs the microcircuit in sparx and prints its figures as JSON.

sparx needs Python 3.12 and an environment of its own, so this file imports nothing from jsnn, and
no other file imports this one. The network is the one that comes with sparx. Its `simulate`
compiles anew in every call, so the blocks are run here, as it runs them.

`python -P sparx_peer.py SCALE NUM_BLOCKS STEPS_PER_BLOCK SEED`
"""

import json
import resource
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from sparx.graph import SpikeCounts
from sparx.graph.models import microcircuit


def peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def main(scale: float, num_blocks: int, steps_per_block: int, seed: int) -> dict[str, float]:
    jax.block_until_ready(jnp.zeros(8) + 1)
    memory = peak_memory_mb()
    began = time.perf_counter()
    network = microcircuit(scale, scale, background="dc")
    variables = jax.block_until_ready(network.init(jax.random.key(seed)))
    built = time.perf_counter()

    monitors = {each.name: SpikeCounts(each.name) for each in network.populations}
    fixed = {name: of for name, of in variables.items() if name != "state"}

    @jax.jit
    def run(fixed, state):
        return network.apply(
            {**fixed, "state": state},
            {},
            steps=steps_per_block,
            monitors=monitors,
            rngs={"noise": jax.random.key(seed)},
            mutable=["state"],
        )

    _, changed = jax.block_until_ready(run(fixed, variables["state"]))
    first, processor = time.perf_counter(), time.process_time()
    num_spikes = 0
    for _ in range(num_blocks):
        counts, changed = run(fixed, changed["state"])
        num_spikes += sum(int(np.sum(of)) for of in jax.device_get(counts).values())
    ended, processor = time.perf_counter(), time.process_time() - processor

    num_neurons = sum(each.size for each in network.populations)
    seconds = 1e-3 * network.dt * num_blocks * steps_per_block
    return {
        "build_seconds": built - began,
        "first_seconds": first - built,
        "loop_seconds": ended - first,
        "processor_seconds": processor,
        "num_synapses": sum(each.connectivity.n for each in network.projections),
        "rate_hz": num_spikes / num_neurons / seconds,
        "memory_mb": peak_memory_mb() - memory,
    }


scale, *numbers = sys.argv[1:]
print(json.dumps(main(float(scale), *map(int, numbers))))
