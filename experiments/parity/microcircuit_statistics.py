"""Statistics of the microcircuit with Poisson input in jsnn beside NEST's.

Every seed has synapses, a start and external spikes of its own. Distributions are compared by the
Kolmogorov-Smirnov distance: those of each seed of jsnn with those of each other seed of NEST, and
those of NEST's seeds with one another.
"""

from collections.abc import Callable, Iterable, Iterator
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
    """Compare the distances between jsnn's and NEST's seeds with those between two of NEST's.

    A seed of jsnn and the same seed of NEST have one set of synapses and are not compared. Every
    population passes whose median distance is no larger than the largest between NEST's seeds.
    """
    across = distances(ours, theirs, permutations(range(len(theirs)), 2))
    among = distances(theirs, theirs, combinations(range(len(theirs)), 2))
    within = np.median(across, axis=0) <= among.max(axis=0)
    return Comparison(
        what,
        "median KS distance no larger than the largest between NEST's seeds, in each population",
        f"mean of the populations {median_and_range(across.mean(axis=1))}, between NEST's seeds "
        f"{median_and_range(among.mean(axis=1))}; {within.sum()} of {len(within)} populations",
        bool(within.all()),
    )


def distances(
    some: list[dict[str, np.ndarray]],
    others: list[dict[str, np.ndarray]],
    pairs: Iterable[tuple[int, int]],
) -> np.ndarray:
    """Return the Kolmogorov-Smirnov distances of pairs of seeds, [pairs, populations]."""
    return np.array(
        [[ks_distance(some[i][name], others[j][name]) for name in some[i]] for i, j in pairs]
    )


def median_and_range(values: np.ndarray) -> str:
    return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"
