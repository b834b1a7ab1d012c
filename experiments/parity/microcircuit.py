"""The cortical microcircuit in jsnn beside NEST's with the same synapses, start and currents."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

import jsnn
from experiments import spike_events
from experiments.balanced.network import Run
from experiments.microcircuit.network import (
    DT,
    Background,
    background_sources,
    circuit,
    neurons,
    projections,
)
from experiments.parity.apart import apart
from experiments.parity.comparison import Comparison, equal_at_first

SCALE = 0.2
"""Numbers of neurons and of their synapses, in those of the full circuit."""
LEAST = 1000
"""Number of steps in the 100 ms for which spikes have to be equal."""


class Wired(NamedTuple):
    """Neurons and synapses of all populations, numbered through, in NEST's units."""

    v: np.ndarray
    """Initial potentials, in mV, [N]."""
    currents: np.ndarray
    """Constant currents, in pA, [N]."""
    pre: np.ndarray
    """Presynaptic neurons, int [S]."""
    post: np.ndarray
    """Postsynaptic neurons, int [S]."""
    weights: np.ndarray
    """Weights, in pA, [S]."""
    delays: np.ndarray
    """Steps as NEST counts them, int [S]."""
    poisson_rates: np.ndarray
    """Rates of the external spikes into each neuron, in Hz, [N]; 0 with a constant background."""
    poisson_weight: float
    """Weight of the external spikes, in pA."""


def compared(seed: int, num_steps: int) -> Iterator[Comparison]:
    """Compare all spikes of a fifth of the circuit, float64; needs NEST."""
    from experiments.parity import nest_microcircuit

    with jax.enable_x64(True):
        network = draw("dc", seed, np.float64)
        theirs = apart(nest_microcircuit.simulate, wired(network), num_steps)
        ours = simulate(network, num_steps)
    what = f"microcircuit at {SCALE:g} and NEST, constant background, float64"
    yield equal_at_first(f"{what}, {num_steps * DT:.0f} ms", ours, theirs, LEAST)


def draw(background: Background, seed: int, dtype: type) -> jsnn.Network:
    """Draw a fifth of the circuit."""
    numbers = circuit(SCALE, SCALE, background)
    drawn = list(projections(numbers, seed, dtype))
    return jsnn.Network(neurons(numbers, seed, dtype), drawn, background_sources(numbers), dt=DT)


def wired(network: jsnn.Network) -> Wired:
    """Number the neurons through all populations, and list their synapses."""
    first = first_neurons(network)
    sizes = list(network.sizes.values())
    constant, poisson = (
        {each.population: each.params for each in network.sources if each.model == model}
        for model in (jsnn.CONSTANT, jsnn.POISSON_INPUT)
    )
    currents, rates, weights = (
        [float(of.get(name, {param: 0.0})[param]) for name in network.sizes]
        for of, param in ((constant, "magnitude"), (poisson, "rate"), (poisson, "weight"))
    )
    of_synapses = [
        (
            first[each.pre] + np.asarray(each.connectivity.pre),
            first[each.post] + np.asarray(each.connectivity.post),
            1e3 * np.asarray(each.connectivity.weights),
            np.asarray(each.connectivity.delays) - 1,
        )
        for each in network.projections
    ]
    return Wired(
        np.concatenate([np.asarray(each.initial["v"]) for each in network.populations]),
        1e3 * np.repeat(currents, sizes),
        *(np.concatenate(parts) for parts in zip(*of_synapses, strict=True)),
        np.repeat(rates, sizes),
        1e3 * max(weights),
    )


def first_neurons(network: jsnn.Network) -> dict[str, int]:
    """Return the number of the first neuron of every population."""
    ends = np.cumsum([0, *network.sizes.values()]).tolist()
    return dict(zip(network.sizes, ends, strict=False))


def simulate(network: jsnn.Network, num_steps: int, key: jax.Array | None = None) -> Run:
    """Return every spike of a run, of neurons as in `wired`."""
    began = time.perf_counter()
    run = spike_events.simulate(network, num_steps, key)
    total = time.perf_counter() - began
    first = first_neurons(network)
    steps = np.concatenate([train.times for train in run.trains.values()])
    of_all = np.concatenate([first[name] + train.neurons for name, train in run.trains.items()])
    order = np.lexsort((of_all, steps))
    return Run(steps[order], of_all[order], run.run_seconds, total - run.run_seconds)
