"""Benchmark: jsnn beside the same network written by hand, the bare matrix products, and NumPy.

All run in one process and take turns; medians over the repeats, with compile time apart. jsnn is
timed through `jsnn.evaluate`, as a user calls it, scheduled and plain. The hand-written network is
`lax.scan` under `jit(vmap)` and returns the same results as the evaluation: predictions and each
layer's spikes. The bare products are those of every step, [B, 784] @ [784, 128] and [B, 128] @
[128, 10], and nothing else: the floor of a dense simulation.

Two more jobs follow beside their bare products: wider layers, and an input that changes in every
step. The last measurement is the time from the shell to the result of the evaluation, with nothing
compiled yet and with everything in the cache.
"""

import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.mnist.data import input_currents, test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, spiking_network

BATCH_SIZES = (1, 10, 100, 200, 500, 1000, 2000, 10_000)
OTHER_JOBS = 1000
"""Number of images in the jobs beside the main one."""

Matrices = Sequence[Any]
Seconds = tuple[float, float]
"""Seconds of the run, and of compiling."""
Timed = Callable[..., Seconds]
"""A function (job, batch size, number of images) -> seconds."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for the tutorial's network and settings, on the test images."""

    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    repeats: int = 5
    """Number of times that each run is measured."""
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    """Numbers of images per call."""


def hand_written(weights: Matrices, current: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
    """Return the class of one image under `current` [784] and each layer's spikes, in plain JAX."""
    sizes = [len(current), *(w.shape[1] for w in weights)]
    silent = [jnp.zeros(n) for n in sizes]

    def step(carry: Any, _: None) -> tuple[Any, None]:
        voltages, spikes, counts = carry
        currents = [current, *(s @ w for s, w in zip(spikes, weights, strict=False))]
        voltages = [v + i for v, i in zip(voltages, currents, strict=True)]
        spiked = [v >= V_THRESH for v in voltages]
        voltages = [jnp.where(s, 0.0, v) for s, v in zip(spiked, voltages, strict=True)]
        spikes = [s.astype(jnp.float32) for s in spiked]
        counts = [c + s for c, s in zip(counts, spikes, strict=True)]
        return (voltages, spikes, counts), None

    (_, _, counts), _ = jax.lax.scan(step, (silent, silent, silent), length=NUM_STEPS)
    return jnp.argmax(counts[-1]), [jnp.sum(c) for c in counts]


def bare_products(weights: Matrices, spikes: Matrices) -> list[jax.Array]:
    """Make the matrix products of all steps, on one step's spikes [B, pre] of each layer."""

    def step(sums: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
        # A zero that the compiler cannot know keeps it from reusing the product of the step
        # before. It is added to the smaller operand.
        zeros = [0 * total[0, 0] for total in sums]
        products = [
            (s + z) @ w if len(s) < len(w) else s @ (w + z)
            for s, w, z in zip(spikes, weights, zeros, strict=True)
        ]
        return [total + p for total, p in zip(sums, products, strict=True)], None

    sums = [jnp.zeros((len(spikes[0]), w.shape[1])) for w in weights]
    return jax.lax.scan(step, sums, length=NUM_STEPS)[0]


def numpy_loop(weights: Matrices, currents: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the classes and spikes of images under `currents` [B, 784], in NumPy."""
    sizes = [currents.shape[1], *(w.shape[1] for w in weights)]
    voltages, spikes, counts = (
        [np.zeros((len(currents), n), np.float32) for n in sizes] for _ in range(3)
    )
    for _ in range(NUM_STEPS):
        arriving = [currents, *(s @ w for s, w in zip(spikes, weights, strict=False))]
        for layer, current in enumerate(arriving):
            voltages[layer] += current
            spiked = voltages[layer] >= np.float32(V_THRESH)
            voltages[layer][spiked] = 0
            spikes[layer] = spiked.astype(np.float32)
            counts[layer] += spikes[layer]
    return counts[-1].argmax(axis=1), [c.sum(axis=1) for c in counts]


@dataclass(frozen=True)
class Job:
    """A network and its input."""

    weights: Sequence[np.ndarray]
    drives: np.ndarray
    """Currents [n, 784], or spike trains, bool [n, steps, 784]."""
    labels: np.ndarray


def time_jsnn(
    job: Job, batch_size: int | None, num_images: int, *, scheduled: bool = True
) -> Seconds:
    network = spiking_network(job.weights)
    drive = job.drives[:num_images]
    if job.drives.dtype == bool:
        drive = jsnn.over_time(drive)
        source = jsnn.Population("layer0", len(job.weights[0]), jsnn.SPIKE_SOURCE)
        network = jsnn.Network([source, *network.populations[1:]], network.projections)
    result = jsnn.evaluate(
        network,
        {"layer0": drive},
        job.labels[:num_images],
        NUM_STEPS,
        jsnn.spike_count(network.populations[-1].name),
        batch_size=batch_size,
        scheduled=scheduled,
    )
    return result.run_seconds, result.compile_seconds


def time_compiled(function: Any, weights: Any, arguments: Sequence[Any]) -> Seconds:
    """Time calls with each of the arguments, all of one shape."""
    began = time.perf_counter()
    function.lower(weights, arguments[0]).compile()
    compiled = time.perf_counter()
    for argument in arguments:
        jax.device_get(function(weights, argument))
    return time.perf_counter() - compiled, compiled - began


BY_HAND = jax.jit(jax.vmap(hand_written, in_axes=(None, 0)))
PRODUCTS = jax.jit(bare_products)


def time_by_hand(job: Job, batch_size: int, num_images: int) -> Seconds:
    starts = range(0, num_images, batch_size)
    batches = [job.drives[start : start + batch_size] for start in starts]
    return time_compiled(BY_HAND, [jnp.asarray(w) for w in job.weights], batches)


def time_products(job: Job, batch_size: int, num_images: int) -> Seconds:
    random = np.random.default_rng(0)
    spikes = [
        jnp.asarray(random.random((batch_size, len(w))) < 0.06, jnp.float32) for w in job.weights
    ]
    calls = num_images // batch_size
    return time_compiled(PRODUCTS, [jnp.asarray(w) for w in job.weights], [spikes] * calls)


def time_numpy(job: Job, batch_size: int, num_images: int) -> Seconds:
    began = time.perf_counter()
    for start in range(0, num_images, batch_size):
        numpy_loop(job.weights, job.drives[start : start + batch_size])
    return time.perf_counter() - began, 0.0


CONTENDERS: dict[str, Timed] = {
    "jsnn": time_jsnn,
    "jsnn, plain": partial(time_jsnn, scheduled=False),
    "hand-written scan": time_by_hand,
    "bare products": time_products,
    "numpy": time_numpy,
}


def main_job(weights: Sequence[np.ndarray]) -> Job:
    images = test_images()
    return Job(weights, input_currents(images.pixels, INPUT_SCALE), images.labels)


def wide_job() -> Job:
    """Make a job of a network 784-1200-1200-10 with random weights.

    Its hidden layers spike as often as the input: 6 % of the neurons in a step.
    """
    random = np.random.default_rng(0)
    sizes = (784, 1200, 1200, 10)
    weights = [
        random.normal(0.2 / np.sqrt(pre), 2.2 / np.sqrt(pre), (pre, post)).astype(np.float32)
        for pre, post in itertools.pairwise(sizes)
    ]
    main = main_job(weights)
    return Job(weights, main.drives[:OTHER_JOBS], main.labels[:OTHER_JOBS])


def given_trains_job(weights: Sequence[np.ndarray]) -> Job:
    """Make a job of random spike trains, 6 % dense, in place of the input layer."""
    random = np.random.default_rng(0)
    trains = random.random((OTHER_JOBS, NUM_STEPS, len(weights[0])), np.float32) < 0.06
    return Job(weights, trains, test_images().labels[:OTHER_JOBS])


def first_results() -> dict[str, float]:
    """Measure the seconds from the shell to the result, with an empty cache and with a full one."""
    seconds = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        for state in ("cold", "warm"):
            began = time.perf_counter()
            command = [sys.executable, "-m", "experiments.mnist.evaluate"]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            seconds[state] = time.perf_counter() - began
    return seconds


def num_images_for(batch_size: int) -> int:
    """Return 10,000, or fewer if batches are so small that all images would take minutes."""
    return min(10_000, 100 * batch_size)


def machine() -> dict[str, Any]:
    """Return a description of the machine and of the versions."""
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), cpu)
    device = jax.devices()[0]
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "device": f"{device.platform}: {device.device_kind}",
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "repeats")
    wrong = [b for b in config.batch_sizes if b < 1 or num_images_for(b) % b]
    if wrong:
        raise ValueError(f"--batch-sizes: given {wrong[0]}; expected divisors of 10,000")
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are measured
    weights = jsnn.load_weights(config.weights)
    main = main_job(weights)
    cases = {
        (name, size): partial(timed, main, size, num_images_for(size))
        for size in config.batch_sizes
        for name, timed in CONTENDERS.items()
    }
    others = {"784-1200-1200-10": wide_job(), "spike trains given": given_trains_job(weights)}
    for title, job in others.items():
        cases[f"{title}: jsnn", 0] = partial(time_jsnn, job, None, OTHER_JOBS)
        cases[f"{title}: bare products", 0] = partial(time_products, job, 200, OTHER_JOBS)
    runs, compiles = interleaved(cases, config.repeats)
    medians = {case: statistics.median(seconds) for case, seconds in runs.items()}
    for line in markdown(config.batch_sizes, list(CONTENDERS), medians, compiles):
        print(line)

    def best(name: str) -> tuple[str, int]:
        return min(((name, size) for size in config.batch_sizes), key=medians.__getitem__)

    pairs = {
        "jsnn / hand-written scan": (best("jsnn"), best("hand-written scan")),
        "jsnn, plain / hand-written scan": (best("jsnn, plain"), best("hand-written scan")),
        "jsnn / bare products": (best("jsnn"), best("bare products")),
    } | {
        f"{title}: jsnn / bare products": (
            (f"{title}: jsnn", 0),
            (f"{title}: bare products", 0),
        )
        for title in others
    }
    ratios = {}
    print("\nEach at its best batch size, in turns:")
    for name, pair in pairs.items():
        turns, _ = interleaved({case: cases[case] for case in pair}, 3 * config.repeats)
        ours, theirs = (turns[case] for case in pair)
        ratios[name] = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"- {name}: {ratios[name]:.3f} ({statistics.median(ours):.2f} s, "
            f"{statistics.median(theirs):.2f} s)"
        )
    first = first_results()
    print(f"\nFrom the shell to the result: {first['cold']:.1f} s, then {first['warm']:.1f} s.")
    return {
        "machine": machine(),
        "rows": [
            {
                "name": name,
                "batch_size": size,
                "seconds_per_10000_images": medians[name, size],
                "all_repeats": runs[name, size],
                "compile_seconds": compiles[name, size],
            }
            for name, size in cases
        ],
        "ratios": ratios,
        "seconds_to_first_result": first,
    }


def interleaved(
    cases: dict[tuple[str, int], Callable[[], Seconds]], repeats: int
) -> tuple[dict[tuple[str, int], list[float]], dict[tuple[str, int], float]]:
    """Run every case once to compile and warm up, then all in turn; seconds for 10,000 images."""
    runs: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    compiles: dict[tuple[str, int], float] = {}
    with cli.progress_bar(len(cases) * (repeats + 1), "run") as bar:
        for repeat in range(repeats + 1):
            for (name, size), timed in cases.items():
                seconds, compile_seconds = timed()
                if repeat == 0:
                    compiles[name, size] = compile_seconds
                else:
                    num_images = num_images_for(size) if size else OTHER_JOBS
                    runs[name, size].append(seconds * 10_000 / num_images)
                bar.update()
    return runs, compiles


def markdown(
    sizes: Sequence[int],
    names: Sequence[str],
    medians: dict[tuple[str, int], float],
    compiles: dict[tuple[str, int], float],
) -> list[str]:
    """Return a table of seconds for 10,000 images, with those of compiling in parentheses."""
    head = ["| batch size | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]

    def cell(name: str, size: int) -> str:
        seconds = f"{medians[name, size]:.2f} s"
        return f"{seconds} (+{compiles[name, size]:.2f})" if compiles[name, size] else seconds

    rows = [
        f"| {size:,} | " + " | ".join(cell(name, size) for name in names) + " |" for size in sizes
    ]
    return head + rows


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
