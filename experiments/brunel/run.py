"""Brunel's network in its asynchronous irregular state: raster, rate, and speed.

By default the whole network, model A with g = 5 and an external rate of twice the threshold's, is
simulated for a second. Statistics leave out the first 200 ms.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jsnn
from experiments import cli, spike_events
from experiments.brunel.figure import activity
from experiments.brunel.network import DT, Brunel, brunel, populations, projections, sources
from jsnn import analysis

TRANSIENT = 200.0
"""Time that statistics leave out, in ms; shorter runs keep all."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for the whole network and a second."""

    scale: float = 1.0
    """Numbers of neurons and of their synapses, in those of the paper; jumps are divided by it."""
    duration_ms: float = 1000.0
    """Simulated time, in ms; a step is 0.1 ms."""
    out: cli.OutputFigure = Path("results/brunel.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    num_steps = spike_events.steps_of(config.duration_ms, DT)
    numbers = brunel(config.scale)

    began = time.perf_counter()
    network = draw(numbers, config.seed)
    build_seconds = time.perf_counter() - began
    run = spike_events.simulate(network, num_steps, jax.random.key(config.seed))
    memory = cli.peak_memory_mb()

    skipped = TRANSIENT if num_steps * DT > TRANSIENT else 0.0
    trains = {kind: of.after(skipped) for kind, of in run.trains.items()}
    rates = {kind: float(analysis.rates(of).mean()) for kind, of in trains.items()}
    cv = np.concatenate([analysis.cv_of_intervals(of) for of in trains.values()])
    factor = run.run_seconds / (num_steps * DT / 1000)
    print(f"{numbers.num_neurons:,} neurons, {numbers.num_synapses:,} synapses")
    print(*(f"{kind}: {hertz:.2f} Hz" for kind, hertz in rates.items()), sep=", ", end="")
    print(f", CV of intervals {cv.mean():.2f}" if len(cv) else "")
    print(
        f"drawn in {build_seconds:.1f} s, compiled in {run.compile_seconds:.1f} s, simulated in "
        f"{run.run_seconds:.2f} s: {factor:.2f} times real time, {memory:,.0f} MB at the peak"
    )
    cli.write_figure(config.out, activity(trains, skipped))
    print(f"wrote {config.out}")
    return {
        "real_time_factor": factor,
        "build_seconds": build_seconds,
        "compile_seconds": run.compile_seconds,
        "rates_hz": rates,
        "cv_of_intervals": float(cv.mean()) if len(cv) else None,
        "num_neurons": numbers.num_neurons,
        "num_synapses": numbers.num_synapses,
        "peak_memory_mb": memory,
        "num_steps": num_steps,
        "figure": str(config.out),
    }


def draw(numbers: Brunel, seed: int) -> jsnn.Network:
    """Draw a network, with a progress bar."""
    drawn = []
    with cli.progress_bar(numbers.num_synapses, "synapse", "draw", leave=False) as bar:
        for projection in projections(numbers, seed):
            drawn.append(projection)
            bar.update(projection.connectivity.num_synapses)
    return jsnn.Network(populations(numbers, seed), drawn, sources(numbers), dt=DT)


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
