"""The cortical microcircuit of Potjans and Diesmann: activity of its eight populations, and speed.

By default a fifth of the circuit is simulated for a second: a fifth of the neurons, each with a
fifth of its synapses, with weights and constant currents that keep the rates close to those of the
full circuit. The figure shows a raster, and the distributions of rates, irregularity and
correlations. Statistics leave out the first 500 ms.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

import jsnn
from experiments import cli, spike_events
from experiments.microcircuit.figure import activity
from experiments.microcircuit.network import (
    DT,
    RATES,
    Background,
    Circuit,
    background_sources,
    circuit,
    neurons,
    projections,
)
from jsnn import analysis

TRANSIENT = 500.0
"""Time that statistics leave out, in ms; shorter runs keep all."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a fifth of the circuit and a second."""

    scale: float = 0.2
    """Numbers of neurons, in those of the full circuit."""
    in_degree_scale: float | None = None
    """Numbers of synapses of a neuron, in those of the full circuit; `scale` unless given."""
    background: Background = "dc"
    """External input: Poisson spikes, or their mean as a constant current."""
    duration_ms: float = 1000.0
    """Simulated time, in ms; a step is 0.1 ms."""
    out: cli.OutputFigure = Path("results/microcircuit.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    num_steps = spike_events.steps_of(config.duration_ms, DT)
    in_degree_scale = config.scale if config.in_degree_scale is None else config.in_degree_scale
    numbers = circuit(config.scale, in_degree_scale, config.background)

    began = time.perf_counter()
    network = draw(numbers, config.seed)
    build_seconds = time.perf_counter() - began
    run = spike_events.simulate(network, num_steps, jax.random.key(config.seed))
    memory = cli.peak_memory_mb()

    skipped = TRANSIENT if num_steps * DT > TRANSIENT else 0.0
    trains = {name: of.after(skipped) for name, of in run.trains.items()}
    rates = {name: float(analysis.rates(of).mean()) for name, of in trains.items()}
    factor = run.run_seconds / (num_steps * DT / 1000)
    num_synapses = int(numbers.num_synapses.sum())
    print_results(network, num_synapses, rates)
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
        "num_neurons": numbers.num_neurons,
        "num_synapses": num_synapses,
        "peak_memory_mb": memory,
        "num_steps": num_steps,
        "figure": str(config.out),
    }


def draw(numbers: Circuit, seed: int) -> jsnn.Network:
    """Draw the network of a circuit, with a progress bar."""
    drawn = []
    total = int(numbers.num_synapses.sum())
    with cli.progress_bar(total, "synapse", "draw", leave=False) as bar:
        for projection in projections(numbers, seed):
            drawn.append(projection)
            bar.update(projection.connectivity.num_synapses)
    return jsnn.Network(neurons(numbers, seed), drawn, background_sources(numbers), dt=DT)


def print_results(network: jsnn.Network, num_synapses: int, rates: dict[str, float]) -> None:
    print(f"{sum(network.sizes.values()):,} neurons, {num_synapses:,} synapses")
    print("population  neurons   rate  full circuit [Hz]")
    for (name, size), full in zip(network.sizes.items(), RATES, strict=True):
        print(f"{name:10}  {size:7,}  {rates[name]:5.2f}  {full:12.2f}")


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
