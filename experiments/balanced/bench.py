"""Benchmark: jsnn beside Brian2 and NEST on the same balanced network; many networks; memory.

Every run is in a process of its own and records every spike. The simulators take turns, and medians
are given. The loop over time is measured in wall-clock time; code generation, compilation and the
making of the network are given apart, in parentheses, from the first turn. jsnn runs in float32,
its default, and in float64; Brian2 and NEST run in float64. If Brian2 or NEST is not installed, its
rows are left out, and so is a run that fails, as some runs of Brian2 with two threads did.

Two more measurements follow: 100 networks of 1,000 neurons under one `vmap` beside one of them, and
the peak memory of a large network beyond that of the JAX runtime.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.balanced import simulate as ours
from experiments.balanced.models import POPULATION, network_of
from experiments.balanced.network import (
    DT,
    IN_DEGREE,
    Definition,
    Edges,
    Model,
    Run,
    draw,
    num_excitatory,
)
from experiments.balanced.plastic import plastic_network
from experiments.mnist.bench import machine
from experiments.parity.apart import apart

Timed = Callable[[Definition, int], Run]
"""A function (definition, num_steps) -> its run, with the seconds that it took."""

SMALL = 1000
"""Number of neurons in each of many networks."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for one second of each network.

    Brian2's delay is 0; NEST's shortest delay is one step longer.
    """

    model: Model = "cuba"
    """The network to simulate."""
    sizes: tuple[int, ...] = (4000, 40_000)
    """Numbers of neurons, a network for each."""
    duration_ms: float = 1000.0
    """Simulated time, in ms; a step is 0.1 ms."""
    repeats: int = 3
    """Number of times that each run is measured."""
    num_networks: int = 100
    """Number of networks under one `vmap`."""
    plastic: bool = False
    """Measure CUBA with plastic synapses instead (`experiments.balanced.plastic`), without the
    further measurements."""


def run_jsnn(definition: Definition, num_steps: int, *, float64: bool, plastic: bool) -> Run:
    with jax.enable_x64(float64):
        dtype = np.float64 if float64 else np.float32
        make = plastic_network if plastic else network_of
        return ours.simulate(definition, num_steps, dtype=dtype, make=make)


def run_brian(
    definition: Definition,
    num_steps: int,
    *,
    backend: Literal["cython", "standalone"],
    threads: int,
    directory: Path,
    plastic: bool,
) -> Run:
    from experiments.parity import brian, brian_plastic

    where = directory / f"{definition.num_neurons}_neurons_{threads}_threads"
    build = brian_plastic.build if plastic else brian.static
    return brian.simulate(definition, num_steps, 0, backend, threads, where, build)


def run_nest(definition: Definition, num_steps: int) -> Run:
    from experiments.parity import nest

    return nest.simulate(definition, num_steps, delay=1, threads=2)


def contenders(directory: Path, *, plastic: bool) -> dict[str, Timed]:
    """Return the simulators that are installed; Brian2 keeps compiled programs in `directory`."""
    rows: dict[str, Timed] = {
        "jsnn": partial(run_jsnn, float64=False, plastic=plastic),
        "jsnn, float64": partial(run_jsnn, float64=True, plastic=plastic),
    }
    if find_spec("brian2"):
        in_brian = partial(run_brian, directory=directory, plastic=plastic)
        rows |= {
            "Brian2 standalone": partial(in_brian, backend="standalone", threads=1),
            "Brian2 standalone, 2 threads": partial(in_brian, backend="standalone", threads=2),
            "Brian2 Cython": partial(in_brian, backend="cython", threads=1),
        }
    else:
        print("Brian2 is not installed: its rows are left out")
    if plastic:
        return rows
    if find_spec("nest"):
        rows["NEST, 2 threads"] = run_nest
    else:
        print("NEST is not installed: its row is left out")
    return rows


def side_by_side(config: Config, num_steps: int) -> list[dict[str, Any]]:
    """Measure each simulator at each size; return a row for each."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        timed = contenders(Path(directory), plastic=config.plastic)
        total = len(config.sizes) * len(timed) * config.repeats
        with cli.progress_bar(total, "run") as bar:
            for size in config.sizes:
                definition = draw(config.model, size, config.seed)
                runs: dict[str, list[Run]] = {name: [] for name in timed}
                for _ in range(config.repeats):
                    for name, run in timed.items():
                        bar.set_description(f"{name}, {size:,}")
                        try:
                            runs[name].append(apart(run, definition, num_steps))
                        except RuntimeError as error:  # raised for a crashed process as well
                            bar.write(f"{name}, {size:,} neurons: {error}")
                        bar.update()
                rows += [row(name, size, of_name) for name, of_name in runs.items() if of_name]
    return rows


def row(name: str, size: int, runs: list[Run]) -> dict[str, Any]:
    seconds = [run.run_seconds for run in runs]
    return {
        "name": name,
        "num_neurons": size,
        "seconds": statistics.median(seconds),
        "all_repeats": seconds,
        "build_seconds": runs[0].build_seconds,
        "num_spikes": len(runs[0].steps),
    }


def markdown(rows: list[dict[str, Any]], sizes: tuple[int, ...]) -> list[str]:
    """Return a table of seconds, a column per size, with the seconds of building in parentheses."""
    cells = {
        (row["name"], row["num_neurons"]): f"{row['seconds']:.2f} s (+{row['build_seconds']:.1f})"
        for row in rows
    }
    head = "| | " + " | ".join(f"{size:,} neurons" for size in sizes) + " |"
    return [head, "|---" * (len(sizes) + 1) + "|"] + [
        f"| {name} | " + " | ".join(cells.get((name, size), "failed") for size in sizes) + " |"
        for name in dict.fromkeys(row["name"] for row in rows)
    ]


def against_standalone(rows: list[dict[str, Any]]) -> dict[str, dict[int, float]]:
    """Return jsnn's seconds over those of Brian2 standalone, with its faster number of threads."""
    ratios: dict[str, dict[int, float]] = {}
    for mine in (row for row in rows if row["name"].startswith("jsnn")):
        theirs = [
            row["seconds"]
            for row in rows
            if row["name"].startswith("Brian2 standalone")
            and row["num_neurons"] == mine["num_neurons"]
        ]
        if theirs:
            of_sizes = ratios.setdefault(mine["name"], {})
            of_sizes[mine["num_neurons"]] = mine["seconds"] / min(theirs)
    return ratios


def draw_with_as_many_synapses(num_neurons: int, seed: int) -> Definition:
    """Draw a CUBA network whose mean out-degrees are exactly 80, so that many can be stacked."""
    random, first = np.random.default_rng(seed), num_excitatory(num_neurons)

    def pairs(num_pre: int) -> np.ndarray:
        return np.sort(random.choice(num_pre * num_neurons, num_pre * IN_DEGREE, replace=False))

    joined = np.concatenate([pairs(first), first * num_neurons + pairs(num_neurons - first)])
    pre, post = np.divmod(joined, num_neurons)
    return replace(
        draw("cuba", num_neurons, seed), edges=Edges(pre.astype(np.int32), post.astype(np.int32))
    )


def many_networks(config: Config, num_steps: int) -> dict[str, float]:
    """Measure the seconds of all networks under one `vmap`, and of one of them, in turns."""

    def spike_counts(network: jsnn.Network) -> jax.Array:
        record = {"count": jsnn.SpikeCount(POPULATION)}
        return jsnn.simulate(network, {}, num_steps, record=record)[1]["count"]

    seeds = range(config.seed, config.seed + config.num_networks)
    networks = [network_of(draw_with_as_many_synapses(SMALL, seed)) for seed in seeds]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    one, all_of_them = jax.jit(spike_counts), jax.jit(jax.vmap(spike_counts))

    def seconds(function: Callable[[Any], Any], argument: Any) -> float:
        began = time.perf_counter()
        jax.block_until_ready(function(argument))
        return time.perf_counter() - began

    turns = [
        (seconds(one, networks[0]), seconds(all_of_them, stacked))
        for _ in range(config.repeats + 1)  # the first compiles
    ]
    of_one, of_all = (statistics.median(column) for column in zip(*turns[1:], strict=True))
    return {
        "seconds_of_one": of_one,
        "seconds_of_all": of_all,
        "ratio": of_all / (config.num_networks * of_one),
    }


def memory_beyond_the_runtime(model: Model, num_neurons: int, num_steps: int) -> float:
    """Return the peak MB (10^6 bytes) of this process, less those after a first computation."""
    jax.block_until_ready(jnp.zeros(8) + 1)
    before = cli.peak_memory_mb()
    ours.simulate(draw(model, num_neurons), num_steps)
    return cli.peak_memory_mb() - before


def compared(config: Config, num_steps: int) -> dict[str, Any]:
    """Measure the simulators side by side and print a table."""
    rows = side_by_side(config, num_steps)
    what = f"{config.model.upper()}{' with plastic synapses' * config.plastic}"
    print(f"\n{what}, seconds of the loop for {config.duration_ms:g} ms:\n")
    print(*markdown(rows, config.sizes), "", sep="\n")
    ratios = against_standalone(rows)
    for name, of_sizes in ratios.items():
        for size, ratio in of_sizes.items():
            print(f"- {name} / Brian2 standalone, {size:,} neurons: {ratio:.2f}")
    return {"rows": rows, "jsnn_over_brian2_standalone": ratios}


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "repeats")
    num_steps = round(config.duration_ms / DT)
    if config.plastic:
        return {"machine": machine(), **compared(replace(config, model="cuba"), num_steps)}
    # Memory comes first, since a process starts with the peak of the one that started it.
    largest = max(config.sizes)
    memory = apart(memory_beyond_the_runtime, config.model, largest, num_steps)
    results = compared(config, num_steps)
    many = many_networks(config, num_steps)
    print(
        f"- {config.num_networks} networks of {SMALL:,} neurons under one vmap: "
        f"{many['seconds_of_all']:.2f} s, {many['ratio']:.2f} of {config.num_networks} x "
        f"{many['seconds_of_one']:.3f} s"
    )
    print(f"- {largest:,} neurons: {memory:.0f} MB at the peak beyond the JAX runtime")
    return {
        "machine": machine(),
        **results,
        "many_networks": many,
        "memory_mb": {largest: memory},
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
