"""Single neurons in jsnn beside Brian2's, each with the same scheme.

Forward Euler amplifies rounding in the upswing of a spike. At a constant current of 10 or less,
two ways of writing v² in NumPy move V of a fast spiking Izhikevich neuron by 0.01 to several mV
within 300 ms. For an AdEx neuron near its rheobase of 0.65 nA, jsnn and Brian2 differ by 1e-9 mV in
the step before the reset. So these models get stronger currents, without noise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import jax
import numpy as np

import jsnn
from experiments.balanced.network import DT
from experiments.parity import brian_neurons
from experiments.parity.brian_neurons import Neuron, Scheme, Trace
from experiments.parity.comparison import Comparison, at_most

NUM_NEURONS = 10
FAST_SPIKING = {"a": 0.1, "d": 2.0}
REFRACTORY = {"tau_refrac": 2.0}


@dataclass(frozen=True)
class Case:
    """A model, its current, and the largest difference between the traces."""

    model: jsnn.NeuronModel
    theirs: Neuron
    scheme: Scheme
    currents: tuple[float, float]
    """Currents of the first and of the last neuron, in the model's unit."""
    noise: float = 0.0
    """Standard deviation of the noise of each step, relative to the constant current."""
    params: Mapping[str, float] = field(default_factory=dict)
    """Parameters in place of the model's defaults."""
    duration: float = 1000.0
    """Simulated time, in ms."""
    tolerance: float = 1e-10
    """Largest difference of V, in mV."""


CASES = {
    "LIF": Case(jsnn.LIF, brian_neurons.LIF, "exact", (0.2, 2.0), 0.5, REFRACTORY),
    "adaptive LIF": Case(jsnn.ALIF, brian_neurons.ALIF, "exact", (0.2, 2.0), 0.5, REFRACTORY),
    "AdEx": Case(
        jsnn.ADEX, brian_neurons.ADEX, "euler", (0.8, 1.5), params={"v_cut": -40.4}
    ),  # v_t + 5 delta_t, as in Brian2's example
    "Izhikevich, regular spiking": Case(
        jsnn.IZHIKEVICH, brian_neurons.IZHIKEVICH, "euler", (11.0, 15.0)
    ),
    "Izhikevich, fast spiking": Case(
        jsnn.IZHIKEVICH,
        brian_neurons.IZHIKEVICH,
        "euler",
        (11.0, 15.0),
        params=FAST_SPIKING,
        duration=300.0,
        tolerance=1e-2,
    ),
}


def compared(seed: int) -> Iterator[Comparison]:
    for name, case in CASES.items():
        drive = currents(case, seed)
        ours, theirs = in_jsnn(case, drive), in_brian(case, drive)
        same = bool(np.array_equal(ours.spikes, theirs.spikes))
        measured = f"{ours.spikes.sum()} and {theirs.spikes.sum()} spikes"
        what = f"{name}, {case.duration:.0f} ms"
        yield Comparison(f"{what}: spikes", "identical", measured, same and bool(ours.spikes.any()))
        apart = np.abs(ours.variables["v"] - theirs.variables["v"]).max()
        yield at_most(f"{what}: largest difference of V", float(apart), case.tolerance, " mV")


def currents(case: Case, seed: int) -> np.ndarray:
    """Return currents [T, N], from the weakest to the strongest, with noise."""
    constant = np.linspace(*case.currents, NUM_NEURONS)
    normal = np.random.default_rng(seed).standard_normal((round(case.duration / DT), NUM_NEURONS))
    return constant * (1 + case.noise * normal)


def in_jsnn(case: Case, drive: np.ndarray) -> Trace:
    with jax.enable_x64(True):
        population = jsnn.Population("neurons", NUM_NEURONS, case.model, params=case.params)
        network = jsnn.Network([population], dt=DT)
        record = {"spikes": jsnn.Spikes("neurons"), "v": jsnn.Variable("neurons", "v")}
        _, recorded = jsnn.simulate(
            network, {"neurons": jsnn.over_time(drive)}, len(drive), record=record
        )
        return Trace(np.asarray(recorded["spikes"]), {"v": np.asarray(recorded["v"])})


def in_brian(case: Case, drive: np.ndarray) -> Trace:
    defaults = {name: quantity.default for name, quantity in case.model.params.items()}
    params = {name: float(value) for name, value in (defaults | case.params).items()}
    steps_held = round(params.get("tau_refrac", 0.0) / DT)
    start = {
        name: float(value.default)
        for name, value in case.model.variables.items()
        if name != "refractory"
    }
    return brian_neurons.simulate(
        case.theirs, params, start, drive, DT, case.scheme, steps_held=steps_held
    )
