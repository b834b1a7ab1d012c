"""Balanced networks in jsnn beside Brian2's of the same definition and beside published figures."""

from collections.abc import Iterator

import jax
import numpy as np

from experiments import cli
from experiments.balanced.network import DT, MODELS, Model, draw
from experiments.balanced.run import statistics_of
from experiments.balanced.simulate import simulate
from experiments.parity import brian
from experiments.parity.comparison import Comparison, common_spikes, equal_spikes, within
from jsnn.analysis import SpikeTrains

SEEDS: dict[Model, int] = {"cuba": 0, "coba": 1}
"""Numbers added to the given seed; with the seed 0 both networks stay active for the second."""
FLOAT32_STEPS = 250
"""Number of steps in the first 25 ms."""
SECOND = 10_000
"""Number of steps in a second."""


def compared_spikes(seed: int, num_steps: int) -> Iterator[Comparison]:
    """Compare spikes: float64 for all steps, float32 for the first ones; delays as in Brian2."""
    for model in MODELS:
        definition = draw(model, seed=seed + SEEDS[model])
        for delay in (0, 1):
            theirs = brian.simulate(definition, num_steps, delay)
            with jax.enable_x64(True):
                ours = simulate(definition, num_steps, delay, np.float64)
            what = f"{model.upper()}, {'a delay of one step' if delay else 'delay 0'}"
            yield equal_spikes(f"{what}, float64, {num_steps * DT:.0f} ms", ours, theirs)
            single = simulate(definition, FLOAT32_STEPS, delay)
            yield common_spikes(
                f"{what}, float32, {FLOAT32_STEPS * DT:.0f} ms: common spikes",
                *(single, theirs, FLOAT32_STEPS),
                least=0.95,
            )


def compared_statistics(seed: int, num_networks: int = 10) -> Iterator[Comparison]:
    """Compare means over random CUBA networks with those of 20 networks in other simulators."""
    found = []
    with cli.progress_bar(num_networks, "network", "CUBA", leave=False) as bar:
        for which in range(seed, seed + num_networks):
            definition = draw("cuba", seed=which)
            run = simulate(definition, SECOND)
            trains = SpikeTrains(run.steps, run.neurons, definition.num_neurons, SECOND * DT, DT)
            found.append(statistics_of(trains))
            bar.update()
    excitatory, inhibitory, cv = (
        float(np.mean([each[name] for each in found]))
        for name in ("excitatory_rate", "inhibitory_rate", "cv")
    )
    what = f"mean of {num_networks} CUBA networks"
    yield within(f"{what}: excitatory rate", excitatory, 5.69, 0.07 * 5.69, " Hz")
    yield within(f"{what}: inhibitory rate", inhibitory, 5.66, 0.02 * 5.66, " Hz")
    yield within(f"{what}: CV of intervals", cv, 0.493, 0.012)
