"""Balanced networks of Vogels and Abbott, CUBA or COBA: spikes, rates, irregularity.

Several random networks run one after the other. The figure shows the first, the statistics cover
all of them. A COBA network may fall silent after its start; silent networks are counted apart.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import cli, spike_events
from experiments.balanced.figure import activity
from experiments.balanced.network import DT, Model, Run, draw, kinds
from experiments.balanced.simulate import simulate
from jsnn import analysis
from jsnn.analysis import SpikeTrains

SILENT = 1.0
"""Rate in Hz below which a network counts as silent."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for one second of Brette et al. 2007's benchmarks 2 (CUBA) and 1 (COBA)."""

    model: Model = "cuba"
    """The network to simulate."""
    num_neurons: int = 4000
    """Number of neurons, four fifths of them excitatory; the mean in-degree is always 80."""
    num_networks: int = 10
    """Number of random networks; the first has the seed, the others have the seeds that follow."""
    duration_ms: float = 1000.0
    """Simulated time, in ms; a step is 0.1 ms."""
    float64: bool = False
    """Simulate in float64 instead of float32."""
    out: cli.OutputFigure = Path("results/balanced.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "num_networks")
    num_steps = spike_events.steps_of(config.duration_ms, DT)
    seeds = range(config.seed, config.seed + config.num_networks)

    results = []
    for seed in seeds:
        run = simulated(config, seed, num_steps)
        trains = SpikeTrains(run.steps, run.neurons, config.num_neurons, num_steps * DT, DT)
        results.append(statistics_of(trains))
        print(
            f"seed {seed}: {analysis.summary(trains)}, {run.run_seconds:.2f} s "
            f"(+{run.build_seconds:.2f})"
        )
        if seed == config.seed:
            cli.write_figure(config.out, activity(trains))

    active = [result for result in results if result["rate"] >= SILENT]
    silent = [seed for seed, result in zip(seeds, results, strict=True) if result["rate"] < SILENT]
    means = mean_and_deviation(active)
    print(f"{len(active)} active networks, {len(silent)} silent (seeds {silent})")
    for name, (mean, deviation) in means.items():
        print(f"{name}: {mean:.3f} +- {deviation:.3f}")
    print(f"wrote {config.out}")
    return {
        "model": config.model,
        "num_neurons": config.num_neurons,
        "num_steps": num_steps,
        "networks": dict(zip(seeds, results, strict=True)),
        "silent": silent,
        "mean_and_deviation": means,
        "figure": str(config.out),
    }


def simulated(config: Config, seed: int, num_steps: int) -> Run:
    definition = draw(config.model, config.num_neurons, seed)
    with jax.enable_x64(config.float64):
        dtype = np.float64 if config.float64 else np.float32
        return simulate(definition, num_steps, dtype=dtype, progress=True)


def statistics_of(trains: SpikeTrains) -> dict[str, Any]:
    """Return the statistics of a network, with the mean rate of each kind of neuron."""
    of_all = analysis.summary(trains)
    of_kinds = {
        f"{kind}_rate": analysis.summary(trains.of(which)).rate
        for kind, which in kinds(trains.num_neurons).items()
    }
    return {"num_spikes": of_all.num_spikes, "rate": of_all.rate, **of_kinds, "cv": of_all.cv}


def mean_and_deviation(results: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return mean and deviation over networks of each statistic that every network has."""
    columns = {name: [result[name] for result in results] for name in results[0]} if results else {}
    return {
        name: (float(np.mean(values)), float(np.std(values)))
        for name, values in columns.items()
        if None not in values
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
