"""How fast: jsnn beside the same network written by hand, the bare matrix products, and NumPy.

All in one process and interleaved; medians over the repeats; compile time apart. jsnn is timed
through `jsnn.evaluate`, as a user calls it. The hand-written network is `lax.scan` under
`jit(vmap)` and returns what the evaluation returns: predictions and each layer's spikes. The bare
products are the [B, 784] @ [784, 128] and [B, 128] @ [128, 10] of every step and nothing else: what
a dense simulation cannot go below.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

import jsnn
from experiments import cli
from experiments.mnist.data import input_currents, test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, spiking_network

BATCH_SIZES = (1, 10, 100, 200, 500, 1000, 2000, 10_000)

Matrices = Sequence[Any]
Timed = Callable[[int, int], tuple[float, float]]
"""(batch size, number of images) -> (run seconds, compile seconds)"""


@dataclass(frozen=True)
class Config(cli.Config):
    """The tutorial's network and settings, on the test images."""

    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    repeats: int = 3
    """How often everything is timed."""
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    """Images per call."""


def hand_written(weights: Matrices, current: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
    """The class of one image under `current` [784] and each layer's spikes, in plain JAX."""
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
    """The matrix products of all steps, on one step's spikes [B, pre] of each layer."""

    def step(sums: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
        # A zero that the compiler cannot know makes each step's product one of its own. It is
        # added to the smaller operand.
        zeros = [0 * total[0, 0] for total in sums]
        products = [
            (s + z) @ w if len(s) < len(w) else s @ (w + z)
            for s, w, z in zip(spikes, weights, zeros, strict=True)
        ]
        return [total + p for total, p in zip(sums, products, strict=True)], None

    sums = [jnp.zeros((len(spikes[0]), w.shape[1])) for w in weights]
    return jax.lax.scan(step, sums, length=NUM_STEPS)[0]


def numpy_loop(weights: Matrices, currents: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The same of a batch of images under `currents` [B, 784], in NumPy."""
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


def contenders(weights: Sequence[np.ndarray]) -> dict[str, Timed]:
    """What is timed, by name."""
    images = test_images()
    currents = input_currents(images.pixels, INPUT_SCALE)
    network = spiking_network(weights)
    matrices = [jnp.asarray(w) for w in weights]
    random = np.random.default_rng(0)

    def time_jsnn(batch_size: int, num_images: int) -> tuple[float, float]:
        result = jsnn.evaluate(
            network,
            {"layer0": currents[:num_images]},
            images.labels[:num_images],
            NUM_STEPS,
            jsnn.spike_count(network.populations[-1].name),
            batch_size=batch_size,
        )
        return result.run_seconds, result.compile_seconds

    def time_compiled(
        function: Any, argument: Callable[[int], Any], batch_size: int, num_images: int
    ) -> tuple[float, float]:
        began = time.perf_counter()
        function.lower(matrices, argument(0)).compile()
        compiled = time.perf_counter()
        for start in range(0, num_images, batch_size):
            jax.device_get(function(matrices, argument(start)))
        return time.perf_counter() - compiled, compiled - began

    by_hand = jax.jit(jax.vmap(hand_written, in_axes=(None, 0)))
    products = jax.jit(bare_products)

    def time_by_hand(batch_size: int, num_images: int) -> tuple[float, float]:
        batch = lambda start: currents[start : start + batch_size]  # noqa: E731
        return time_compiled(by_hand, batch, batch_size, num_images)

    def time_products(batch_size: int, num_images: int) -> tuple[float, float]:
        spikes = [
            jnp.asarray(random.random((batch_size, len(w))) < 0.06, jnp.float32) for w in weights
        ]
        return time_compiled(products, lambda _: spikes, batch_size, num_images)

    def time_numpy(batch_size: int, num_images: int) -> tuple[float, float]:
        began = time.perf_counter()
        for start in range(0, num_images, batch_size):
            numpy_loop(weights, currents[start : start + batch_size])
        return time.perf_counter() - began, 0.0

    return {
        "jsnn": time_jsnn,
        "hand-written scan": time_by_hand,
        "bare products": time_products,
        "numpy": time_numpy,
    }


def num_images_for(batch_size: int) -> int:
    """All 10,000 images, but fewer where batches are so small that it would take minutes."""
    return min(10_000, 100 * batch_size)


def machine() -> dict[str, Any]:
    """What the timings were taken on."""
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
    if config.repeats < 1:
        raise ValueError(f"--repeats: given {config.repeats}; expected at least 1")
    wrong = [b for b in config.batch_sizes if b < 1 or num_images_for(b) % b]
    if wrong:
        raise ValueError(f"--batch-sizes: given {wrong[0]}; expected divisors of 10,000")
    timed = contenders(jsnn.load_weights(config.weights))
    runs: dict[tuple[str, int], list[float]] = {}
    compiles: dict[tuple[str, int], float] = {}
    cases = [(name, size) for size in config.batch_sizes for name in timed]
    with tqdm(total=len(cases) * (config.repeats + 1), unit="run") as bar:
        for repeat in range(config.repeats + 1):
            for name, size in cases:
                seconds, compile_seconds = timed[name](size, num_images_for(size))
                if repeat == 0:  # the first call compiles and warms up
                    compiles[name, size] = compile_seconds
                else:
                    runs.setdefault((name, size), []).append(seconds / num_images_for(size))
                bar.update()
    per_10_000 = {case: [10_000 * s for s in seconds] for case, seconds in runs.items()}
    medians = {case: statistics.median(seconds) for case, seconds in per_10_000.items()}
    best = {name: min(config.batch_sizes, key=lambda size: medians[name, size]) for name in timed}
    paired = zip(
        per_10_000["jsnn", best["jsnn"]],
        per_10_000["hand-written scan", best["hand-written scan"]],
        strict=True,
    )
    ratio = statistics.median(ours / theirs for ours, theirs in paired)
    for line in markdown(config.batch_sizes, list(timed), medians, compiles):
        print(line)
    print(f"\njsnn / hand-written scan, each at its best batch size: {ratio:.3f}")
    return {
        "machine": machine(),
        "rows": [
            {
                "name": name,
                "batch_size": size,
                "num_images": num_images_for(size),
                "seconds_per_10000_images": medians[name, size],
                "all_repeats": per_10_000[name, size],
                "compile_seconds": compiles[name, size],
            }
            for name, size in cases
        ],
        "best_batch_size": best,
        "jsnn_over_hand_written": ratio,
    }


def markdown(
    sizes: Sequence[int],
    names: Sequence[str],
    medians: dict[tuple[str, int], float],
    compiles: dict[tuple[str, int], float],
) -> list[str]:
    """Seconds for 10,000 images, and for compilation in parentheses, a row per batch size."""
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
