"""Benchmark: jsnn beside peer simulators on the same network, weights and images.

All run in one process with two threads and take turns; medians over the repeats, with the first
run, which compiles and warms up, apart. Each peer is written as its documentation advises, in both
ways if it has two, and with its own neuron if it has one that spikes at V >= threshold and resets
to zero. Peers pass spikes on within a step, which is delay 0 in jsnn; jsnn is timed through
`jsnn.evaluate`, with its default delay of one step and with 0. The column "same counts" is the
share of images with the same ten output counts as jsnn with delay 0: it shows that all simulate the
same network.

The machine should be idle: beside another busy program, single runs under PyTorch took up to twenty
times as long. A median far above the fastest repeat is a sign of that.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jsnn
from experiments import cli
from experiments.mnist.bench import machine
from experiments.mnist.data import input_currents, test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, output_of

BATCH_SIZES = (200, 500, 1000)
THREADS = 2
"""Number of threads of XLA and of PyTorch."""
JUST_BELOW = float(np.nextafter(np.float32(V_THRESH), np.float32(0)))
"""Threshold of peers that spike at V > threshold, equal in float32 to V >= V_THRESH."""

Weights = Sequence[np.ndarray]
Count = Callable[[np.ndarray], np.ndarray]
"""A function from currents, float32 [B, 784], to the spikes of each output neuron, [B, 10]."""
Timed = Callable[[int], tuple[float, float, np.ndarray]]
"""A function from a batch size to seconds and counts.

It returns run seconds, compile seconds if known apart, and counts [n, 10] of all images.
"""
Case = tuple[str, int]
"""A name and a batch size."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for the tutorial's network and settings, on the test images."""

    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    repeats: int = 3
    """Number of times that each run is measured."""
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    """Numbers of images per call; each divides the number of images."""
    limit: int | None = None
    """Number of test images, from the first on; all if None."""


class Peer(NamedTuple):
    """A peer in one of the ways in which it can be used."""

    name: str
    """Name of the package, and after a comma the way in which it is used."""
    build: Callable[[Weights], Count]
    note: str


def chain(
    weights: Weights, neurons: Callable[[int], Any], dense: Callable[[np.ndarray], Any]
) -> list[Any]:
    """Return layers in order: `neurons` of each size, and between them `dense` of each matrix."""
    layers = [neurons(len(weights[0]))]
    for matrix in weights:
        layers += [dense(matrix), neurons(matrix.shape[1])]
    return layers


def torch_linear(matrix: np.ndarray, layer: Any = None) -> Any:
    """Make a linear layer of PyTorch, or of the class `layer`, from weights [pre, post]."""
    import torch

    linear = (layer or torch.nn.Linear)(*matrix.shape, bias=False)
    linear.weight.data = torch.from_numpy(np.ascontiguousarray(matrix.T))
    return linear


def build_snntorch(weights: Weights) -> Count:
    """Build with `Leaky` without leak, in a loop over time that hands each membrane on."""
    import snntorch
    import torch

    def leaky(_: int) -> Any:
        return snntorch.Leaky(beta=1.0, threshold=JUST_BELOW, reset_mechanism="zero")

    layers = chain(weights, leaky, torch_linear)
    neurons, dense = layers[::2], layers[1::2]

    @torch.inference_mode()
    def count(currents: np.ndarray) -> np.ndarray:
        drive = torch.from_numpy(currents)
        membranes = [layer.reset_mem() for layer in neurons]
        counts = torch.zeros(())
        for _ in range(NUM_STEPS):
            spikes, membranes[0] = neurons[0](drive, membranes[0])
            for i, linear in enumerate(dense, start=1):
                spikes, membranes[i] = neurons[i](linear(spikes), membranes[i])
            counts = counts + spikes
        return counts.numpy()

    return count


def build_spikingjelly(weights: Weights, step_mode: str) -> Count:
    """Build with `IFNode`, layer after layer over all steps ("m") or step after step ("s")."""
    import torch
    from spikingjelly.activation_based import functional, layer, neuron

    def integrate_fire(_: int) -> Any:
        return neuron.IFNode(v_threshold=V_THRESH, v_reset=0.0)

    linear = partial(torch_linear, layer=layer.Linear)
    network = torch.nn.Sequential(*chain(weights, integrate_fire, linear)).eval()
    functional.set_step_mode(network, step_mode)

    @torch.inference_mode()
    def count(currents: np.ndarray) -> np.ndarray:
        functional.reset_net(network)
        drive = torch.from_numpy(currents)
        if step_mode == "m":
            return network(drive.expand(NUM_STEPS, -1, -1)).sum(0).numpy()
        return sum(network(drive) for _ in range(NUM_STEPS)).numpy()

    return count


def build_norse(weights: Weights, lifted: bool) -> Count:
    """Build with `IAF` in `SequentialState`, layer by layer, or `IAFCell` lifted, step by step."""
    import norse.torch as norse
    import torch

    p = norse.IAFParameters(v_th=torch.tensor(JUST_BELOW), v_reset=torch.tensor(0.0))
    neuron = norse.IAFCell if lifted else norse.IAF
    network = norse.SequentialState(*chain(weights, lambda _: neuron(p), torch_linear))
    over_time = norse.Lift(network) if lifted else network

    @torch.inference_mode()
    def count(currents: np.ndarray) -> np.ndarray:
        spikes, _ = over_time(torch.from_numpy(currents).expand(NUM_STEPS, -1, -1))
        return spikes.sum(0).numpy()

    return count


def build_sinabs(weights: Weights) -> Count:
    """Build with `IAF` with single spikes and a reset to zero, on [batch, time, neuron]."""
    import sinabs
    import torch
    from sinabs.activation import MembraneReset, SingleSpike

    def integrate_fire(_: int) -> Any:
        return sinabs.layers.IAF(
            spike_threshold=torch.tensor(V_THRESH), spike_fn=SingleSpike, reset_fn=MembraneReset()
        )

    network = torch.nn.Sequential(*chain(weights, integrate_fire, torch_linear)).eval()

    @torch.inference_mode()
    def count(currents: np.ndarray) -> np.ndarray:
        sinabs.reset_states(network)
        drive = torch.from_numpy(currents)[:, None].expand(-1, NUM_STEPS, -1)
        return network(drive).sum(1).numpy()

    return count


def integrate_and_fire(v: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return V + I, or 0 where it spikes, and the spikes, for peers without such a neuron."""
    v = v + current
    spikes = (v >= V_THRESH).astype(v.dtype)
    return jnp.where(spikes > 0, 0.0, v), spikes


def build_spyx(weights: Weights) -> Count:
    """Build with `Sequential` under `run`, compiled, with a neuron of spyx's stateful contract."""
    import spyx.nn
    from flax import nnx

    class IntegrateFire(nnx.Module):
        def __init__(self, size: int):
            self.size = size

        def initial_state(self, batch_size: int) -> jax.Array:
            return jnp.zeros((batch_size, self.size))

        def __call__(self, current: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
            v, spikes = integrate_and_fire(v, current)
            return spikes, v

    def linear(matrix: np.ndarray) -> Any:
        layer = nnx.Linear(*matrix.shape, use_bias=False, rngs=nnx.Rngs(0))
        layer.kernel[...] = jnp.asarray(matrix)
        return layer

    @nnx.jit
    def run(network: Any, currents: jax.Array) -> jax.Array:
        drive = jnp.broadcast_to(currents, (NUM_STEPS, *currents.shape))
        return spyx.nn.run(network, drive)[0].sum(0)

    network = spyx.nn.Sequential(*chain(weights, IntegrateFire, linear))
    return lambda currents: np.asarray(run(network, currents))


def build_jaxpike(weights: Weights, scan_unroll: int | None) -> Count:
    """Build with `Sequential` under `unroll`, compiled, with a neuron of jaxpike's contract."""
    import equinox as eqx
    import jaxpike

    class IntegrateFire(eqx.Module):
        def init_state(self, shape: tuple[int, ...]) -> jax.Array:
            return jnp.zeros(shape)

        def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape

        def __call__(self, v: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
            return integrate_and_fire(v, current)

    def dense(matrix: np.ndarray) -> Any:
        layer = jaxpike.Dense(*matrix.shape, key=jax.random.key(0), use_bias=False)
        return eqx.tree_at(lambda layer: layer.weight, layer, jnp.asarray(matrix.T))

    @eqx.filter_jit
    def run(network: Any, currents: jax.Array) -> jax.Array:
        drive = jnp.broadcast_to(currents, (NUM_STEPS, *currents.shape))
        spikes, _ = jaxpike.unroll(network, drive, scan_unroll=scan_unroll)
        return jaxpike.spike_count(spikes)

    network = jaxpike.Sequential(*chain(weights, lambda _: IntegrateFire(), dense))
    return lambda currents: np.asarray(run(network, currents))


OWN_NEURON = "its own neurons lack this reset: one written to its contract"
STRICT = "spikes at V > threshold: set to the next float32 below"
PEERS = (
    Peer("spyx", build_spyx, OWN_NEURON),
    Peer("jaxpike", partial(build_jaxpike, scan_unroll=None), OWN_NEURON),
    Peer("jaxpike, scan_unroll=1", partial(build_jaxpike, scan_unroll=1), OWN_NEURON),
    Peer("snntorch", build_snntorch, f"Leaky(beta=1); {STRICT}"),
    Peer("spikingjelly, multi-step", partial(build_spikingjelly, step_mode="m"), "IFNode"),
    Peer("spikingjelly, single-step", partial(build_spikingjelly, step_mode="s"), "IFNode"),
    Peer("norse", partial(build_norse, lifted=False), f"IAF; {STRICT}"),
    Peer("norse, Lift", partial(build_norse, lifted=True), f"IAFCell; {STRICT}"),
    Peer("sinabs", build_sinabs, "IAF, SingleSpike, MembraneReset"),
)
JSNN = {"jsnn": 1, "jsnn, delay 0": 0}
"""Delays in steps, by name."""
REFERENCE = "jsnn, delay 0"


def time_jsnn(weights: Weights, delay: int, currents: np.ndarray, labels: np.ndarray) -> Timed:
    """Return a function that times jsnn as a user calls it."""
    network = jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": V_THRESH}, delay=delay)
    output = output_of(network)

    def timed(batch_size: int) -> tuple[float, float, np.ndarray]:
        result = jsnn.evaluate(
            network,
            {network.populations[0].name: currents},
            labels,
            NUM_STEPS,
            jsnn.spike_count(output),
            batch_size=batch_size,
            record={"counts": jsnn.SpikeCount(output)},
        )
        return result.run_seconds, result.compile_seconds, result.recorded["counts"]

    return timed


def time_peer(count: Count, currents: np.ndarray) -> Timed:
    """Return a function that times a peer batch by batch."""

    def timed(batch_size: int) -> tuple[float, float, np.ndarray]:
        began = time.perf_counter()
        starts = range(0, len(currents), batch_size)
        counts = [count(currents[start : start + batch_size]) for start in starts]
        return time.perf_counter() - began, 0.0, np.concatenate(counts)

    return timed


def version(name: str) -> str | None:
    """Return the installed version of a contender's package, if any."""
    try:
        return metadata.version(name.split(",")[0])
    except metadata.PackageNotFoundError:
        return None


def failure(error: Exception) -> str:
    """Return the reason why a peer has no timings, in one line."""
    return "failed: " + " ".join(f"{type(error).__name__}: {error}".split())[:200]


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "repeats")
    images = test_images()
    if config.limit is not None and not 1 <= config.limit <= len(images.labels):
        raise ValueError(f"--limit: given {config.limit}; expected 1 to {len(images.labels)}")
    labels = images.labels[: config.limit]
    wrong = [b for b in config.batch_sizes if b < 1 or len(labels) % b]
    if wrong or not config.batch_sizes:
        raise ValueError(
            f"--batch-sizes: given {wrong[0] if wrong else 'none'}; expected divisors of the "
            f"number of images, {len(labels)}"
        )
    weights = jsnn.load_weights(config.weights)
    currents = input_currents(images.pixels[: config.limit], INPUT_SCALE)

    timed = {name: time_jsnn(weights, delay, currents, labels) for name, delay in JSNN.items()}
    notes = {name: f"delay {delay}" for name, delay in JSNN.items()}
    problems: dict[str, str] = {}
    for peer in PEERS:
        notes[peer.name] = f"delay 0; {peer.note}"
        if version(peer.name) is None:
            problems[peer.name] = "not installed: no such package in this environment"
            continue
        try:
            timed[peer.name] = time_peer(peer.build(weights), currents)
        except Exception as error:  # a peer may raise any error
            problems[peer.name] = failure(error)
    results = time_all(timed, config, problems)
    best = {
        name: min(config.batch_sizes, key=lambda size: statistics.median(results.runs[name, size]))
        for name in timed
        if name not in problems
    }
    rows = [
        {"name": name, "version": version(name), "note": note}
        | (
            {"problem": problems[name]}
            if name in problems
            else figures(name, best, results, labels)
        )
        for name, note in notes.items()
    ]
    print("\n".join(markdown(rows)))
    return {
        "machine": machine() | pytorch(),
        "threads": THREADS,
        "num_images": len(labels),
        "rows": rows,
    }


class Results(NamedTuple):
    """Measurements by name and batch size."""

    firsts: dict[Case, float]
    """Seconds of the first run, compilation included."""
    runs: dict[Case, list[float]]
    """Seconds of the other runs."""
    counts: dict[Case, np.ndarray]
    """Output counts, [n, 10]."""


def time_all(timed: dict[str, Timed], config: Config, problems: dict[str, str]) -> Results:
    """Run everything in turn, again and again; add to `problems` the cases that fail."""
    results = Results({}, {}, {})
    cases = [(name, size) for size in config.batch_sizes for name in timed]
    with cli.progress_bar(len(cases) * (config.repeats + 1), "run") as bar:
        for repeat in range(config.repeats + 1):
            for name, size in cases:
                bar.update()
                if name in problems:
                    continue
                try:
                    seconds, compile_seconds, counts = timed[name](size)
                except Exception as error:  # a peer may raise any error
                    if name in JSNN:
                        raise
                    problems[name] = failure(error)
                    continue
                if repeat == 0:
                    results.firsts[name, size] = seconds + compile_seconds
                    results.counts[name, size] = counts
                else:
                    results.runs.setdefault((name, size), []).append(seconds)
    return results


def figures(
    name: str, best: dict[str, int], results: Results, labels: np.ndarray
) -> dict[str, Any]:
    """Return the figures of a contender at its best batch size."""
    firsts, runs, all_counts = results
    case = name, best[name]
    counts = all_counts[case]
    same = (counts == all_counts[REFERENCE, best[REFERENCE]]).all(axis=1)
    pairs = zip(runs[case], runs["jsnn", best["jsnn"]], strict=True)
    return {
        "batch_size": best[name],
        "seconds": statistics.median(runs[case]),
        "fastest_seconds": min(runs[case]),
        "first_seconds": firsts[case],
        "over_jsnn": statistics.median(theirs / ours for theirs, ours in pairs),
        "accuracy": float(np.mean(counts.argmax(axis=1) == labels)),
        "output_spikes_per_image": float(np.mean(counts.sum(axis=1))),
        "same_counts": float(np.mean(same)),
        "all_seconds": {size: runs[n, size] for n, size in runs if n == name},
        "all_first_seconds": {size: firsts[n, size] for n, size in firsts if n == name},
    }


def markdown(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table with a row per contender, each at its best batch size."""
    heads = ["name", "version", "batch size", "seconds", "fastest", "first run", "times jsnn"]
    heads += ["accuracy", "same counts", "note"]

    def cells(row: dict[str, Any]) -> list[str]:
        if "problem" in row:
            return [*[""] * 7, row["problem"].replace("|", "/")]
        return [
            f"{row['batch_size']:,}",
            f"{row['seconds']:.2f}",
            f"{row['fastest_seconds']:.2f}",
            f"{row['first_seconds']:.2f}",
            f"{row['over_jsnn']:.2f}",
            f"{100 * row['accuracy']:.2f} %",
            f"{100 * row['same_counts']:.2f} %",
            row["note"],
        ]

    table = [heads, *([row["name"], row["version"] or "", *cells(row)] for row in rows)]
    lines = ["| " + " | ".join(line) + " |" for line in table]
    return [lines[0], "|---" * len(heads) + "|", *lines[1:]]


def two_threads() -> None:
    """Hold the process to two cores, by which XLA goes, and set as many threads for PyTorch."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(THREADS)


def pytorch() -> dict[str, Any]:
    """Return PyTorch's version and threads, if a peer has imported it."""
    torch = sys.modules.get("torch")
    return {"torch": torch.__version__, "torch_threads": torch.get_num_threads()} if torch else {}


if __name__ == "__main__":
    two_threads()
    cli.run(Config, main, __doc__ or "")
