"""Statistics of the microcircuit with Poisson input in jsnn beside NEST's.

Every seed has synapses, a start and external spikes of its own. Distributions are compared by the
Kolmogorov-Smirnov distance: those of jsnn's seeds with those of NEST's other seeds, and those of
NEST's seeds with one another.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations, permutations

import jax
import numpy as np

from experiments import cli
from experiments.balanced.network import Run
from experiments.microcircuit.figure import CORRELATION_BIN, MIN_SPIKES
from experiments.microcircuit.network import DT
from experiments.microcircuit.run import TRANSIENT
from experiments.parity.apart import apart
from experiments.parity.comparison import Comparison
from experiments.parity.microcircuit import SCALE, draw, first_neurons, simulate, wired
from jsnn.analysis import SpikeTrains, correlations, cv_of_intervals, ks_distance, rates

STEPS = 15_000
"""Number of steps in 1.5 s."""
STATISTICS: dict[str, Callable[[SpikeTrains], np.ndarray]] = {
    "rates": rates,
    "CV of intervals": partial(cv_of_intervals, min_spikes=MIN_SPIKES),
    "correlations": partial(correlations, width=CORRELATION_BIN),
}
Trains = dict[str, SpikeTrains]
"""Spikes by population."""


def compared(seed: int, num_seeds: int) -> Iterator[Comparison]:
    """Compare distributions of each population, with several seeds; needs NEST."""
    pairs = []
    with cli.progress_bar(num_seeds, "network", "microcircuit", leave=False) as bar:
        for which in range(seed, seed + num_seeds):
            pairs.append(simulated(which))
            bar.update()
    ours, theirs = zip(*pairs, strict=True)
    for name, statistic in STATISTICS.items():
        yield no_further(
            f"microcircuit at {SCALE:g} and NEST, Poisson background, {STEPS * DT:.0f} ms, "
            f"{num_seeds} seeds: {name}",
            *([by_population(trains, statistic) for trains in each] for each in (ours, theirs)),
        )


def simulated(seed: int) -> tuple[Trains, Trains]:
    """Return the spikes after the transient in jsnn and in NEST."""
    from experiments.parity import nest_microcircuit

    network = draw("poisson", seed, np.float32)
    theirs = apart(nest_microcircuit.simulate, wired(network), STEPS, seed)
    ours = simulate(network, STEPS, jax.random.key(seed))
    first = first_neurons(network)
    in_jsnn, in_nest = (divided(run, network.sizes, first).items() for run in (ours, theirs))
    return (
        {name: of.after(TRANSIENT) for name, of in in_jsnn},
        {name: of.after(TRANSIENT) for name, of in in_nest},
    )


def divided(run: Run, sizes: dict[str, int], first: dict[str, int]) -> Trains:
    """Divide the spikes of all neurons by population."""
    trains = {}
    for name, size in sizes.items():
        of = (first[name] <= run.neurons) & (run.neurons < first[name] + size)
        neurons = run.neurons[of] - first[name]
        trains[name] = SpikeTrains(run.steps[of], neurons, size, STEPS * DT, DT)
    return trains


def by_population(
    trains: Trains, statistic: Callable[[SpikeTrains], np.ndarray]
) -> dict[str, np.ndarray]:
    return {name: statistic(of) for name, of in trains.items()}


def no_further(
    what: str, ours: list[dict[str, np.ndarray]], theirs: list[dict[str, np.ndarray]]
) -> Comparison:
    """Compare the mean distance from other seeds with the largest between two of their own."""
    means, own, within = [], [], []
    for name in theirs[0]:
        across = [
            ks_distance(ours[i][name], theirs[j][name])
            for i, j in permutations(range(len(theirs)), 2)
        ]
        among = [ks_distance(a[name], b[name]) for a, b in combinations(theirs, 2)]
        means.append(np.mean(across))
        own.append(np.mean(among))
        within.append(np.mean(across) <= max(among))
    return Comparison(
        what,
        "KS distance no larger than between NEST's seeds",
        f"mean {np.mean(means):.3f} (NEST's seeds {np.mean(own):.3f}); "
        f"{sum(within)} of {len(within)} populations",
        all(within),
    )
