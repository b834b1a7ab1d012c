"""The cortical microcircuit: its constants, its scaling, and the network drawn from them.

A square millimetre of early sensory cortex with 77,169 neurons in four layers, each with an
excitatory and an inhibitory population: Potjans & Diesmann 2014, Cerebral Cortex 24, 785-806. The
constants are those of the public NEST model (INM-6/microcircuit-PD14-model), and so is the rule
for smaller networks.

Neurons are leaky and integrate exponential synaptic currents. The number of synapses between two
populations is fixed, and the source and target of each are drawn uniformly, so that a pair may be
joined several times. Weights and delays are normal; a weight is drawn again if it has the wrong
sign, a delay if it is less than half a step, and it is then rounded to whole steps.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np

import jsnn
from jsnn import initializers

Background = Literal["dc", "poisson"]

DT = 0.1
"""Length of a step, in ms."""
POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
EXTERNAL_IN_DEGREES = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
EXTERNAL_RATE = 8.0
"""Rate of each external input, in Hz."""
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0, 0.0076, 0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0, 0.0042, 0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0, 0.1057, 0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)
"""Probabilities that a pair is joined at least once, [target, source]."""
RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
"""Mean rates of the full network, in Hz."""

V_MEAN = np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43])
V_SD = np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48])
"""Initial potentials are normal, in mV."""
TAU_M, C_M, TAU_SYN = 10.0, 0.25, 0.5
"""Time constants in ms, capacitance in nF."""
NEURON = {
    "tau_m": TAU_M,
    "r_m": TAU_M / C_M,
    "v_rest": -65.0,
    "v_reset": -65.0,
    "v_thresh": -50.0,
    "tau_refrac": 2.0,
    "tau_syn_e": TAU_SYN,
    "tau_syn_i": TAU_SYN,
}

PSP = 0.15
"""Peak of the postsynaptic potential of one excitatory spike, in mV."""
INHIBITION = -4.0
"""Weight of an inhibitory synapse, in those of an excitatory one."""
WEIGHT_SPREAD = 0.1
DELAY_MEAN = {"excitatory": 1.5, "inhibitory": 0.75}
"""Mean delays, in ms."""
DELAY_SPREAD = 0.5
"""Standard deviations, in means."""


def peak_current(psp: float) -> float:
    """Return the initial synaptic current, in nA, of a postsynaptic potential's peak, in mV."""
    ratio, difference = TAU_M / TAU_SYN, TAU_SYN - TAU_M
    rise, fall = ratio ** (TAU_M / difference), ratio ** (TAU_SYN / difference)
    return psp / (TAU_M * TAU_SYN / (C_M * difference) * (rise - fall))


@dataclass(frozen=True)
class Circuit:
    """Numbers of a circuit of some size, by population: [8], or [target, source], [8, 8]."""

    sizes: np.ndarray
    num_synapses: np.ndarray
    weights: np.ndarray
    """Mean weights, in nA."""
    currents: np.ndarray
    """Constant currents, in nA."""
    poisson_rates: np.ndarray
    """Rates of the external spikes into each neuron, in Hz; 0 with a constant background."""
    poisson_weight: float
    """Weight of the external spikes, in nA."""

    @property
    def num_neurons(self) -> int:
        return int(self.sizes.sum())


def circuit(scale: float, in_degree_scale: float, background: Background) -> Circuit:
    """Scale the circuit down, such that rates stay close to those of the full one.

    With in-degrees scaled by k, weights are divided by sqrt(k), which keeps the variance of the
    input, and a constant current restores its mean.

    Args:
      scale: of the numbers of neurons, in (0, 1].
      in_degree_scale: of the numbers of synapses of a neuron, external ones included, in (0, 1].
      background: "dc", the mean of the external input as a constant current, or "poisson".

    Raises:
      ValueError: if a scale is outside (0, 1], or a population would be empty.
    """
    for name, given in (("scale", scale), ("in-degree-scale", in_degree_scale)):
        if not 0 < given <= 1:
            raise ValueError(f"--{name}: given {given:g}; expected a number in (0, 1]")
    sizes = np.round(SIZES * scale).astype(int)
    if not sizes.all():
        empty = POPULATIONS[int(np.argmin(sizes))]
        raise ValueError(
            f"--scale: given {scale:g}, which leaves no neuron in {empty}; expected at least "
            f"{1 / SIZES.min():.2g}"
        )
    unit = peak_current(PSP)
    weights = np.where(is_excitatory(np.arange(8)), unit, INHIBITION * unit) * np.ones((8, 1))
    weights[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= 2
    full = np.log1p(-PROBABILITIES) / np.log1p(-1 / np.outer(SIZES, SIZES))
    external = 1e-3 * TAU_SYN * EXTERNAL_RATE * EXTERNAL_IN_DEGREES * unit
    recurrent = 1e-3 * TAU_SYN * (weights * (full / SIZES[:, None]) * RATES).sum(axis=1)
    root = math.sqrt(in_degree_scale)
    constant = background == "dc"
    lost = recurrent if constant else recurrent + external
    external_in_degrees = np.round(EXTERNAL_IN_DEGREES * in_degree_scale)
    return Circuit(
        sizes=sizes,
        num_synapses=np.round(full * scale * in_degree_scale).astype(int),
        weights=weights / root,
        currents=constant * external + (1 - root) * lost,
        poisson_rates=(not constant) * EXTERNAL_RATE * external_in_degrees,
        poisson_weight=unit / root,
    )


def is_excitatory(population: np.ndarray | int) -> np.ndarray | bool:
    """Return True for the populations with even numbers."""
    return population % 2 == 0


def neurons(circuit: Circuit, seed: int, dtype: type = np.float32) -> list[jsnn.Population]:
    """Make the populations, with initial potentials drawn for each neuron."""
    random = np.random.default_rng(seed)
    return [
        jsnn.Population(
            name,
            int(size),
            jsnn.LIF_CURR_EXP,
            params=NEURON,
            initial={"v": random.normal(mean, sd, size).astype(dtype)},
        )
        for name, size, mean, sd in zip(POPULATIONS, circuit.sizes, V_MEAN, V_SD, strict=True)
    ]


def projections(circuit: Circuit, seed: int, dtype: type = np.float32) -> Iterator[jsnn.Projection]:
    """Draw one projection after the other, for every pair of populations with synapses.

    NEST's model adds what arrives to the current after it has integrated V, and jsnn's before, so
    a NEST delay of k steps is one of k + 1 here.
    """
    key = jax.random.key(seed)
    for post, pre in np.argwhere(circuit.num_synapses):
        kind = "excitatory" if is_excitatory(pre) else "inhibitory"
        mean = float(circuit.weights[post, pre])
        bounds = (0.0, math.inf) if mean > 0 else (-math.inf, 0.0)
        steps = DELAY_MEAN[kind] / DT
        connectivity = jsnn.fixed_total(
            jax.random.fold_in(key, 8 * post + pre),
            int(circuit.sizes[pre]),
            int(circuit.sizes[post]),
            int(circuit.num_synapses[post, pre]),
            initializers.clipped_normal(mean, WEIGHT_SPREAD * abs(mean), *bounds),
            replace=True,
            delay=initializers.clipped_normal(1 + steps, DELAY_SPREAD * steps, 1.5, math.inf),
            dtype=dtype,
        )
        yield jsnn.Projection(POPULATIONS[pre], POPULATIONS[post], connectivity, target=kind)


def background_sources(circuit: Circuit) -> list[jsnn.CurrentSource]:
    """Make the constant current and the Poisson input of every population that has them."""
    constant = [
        jsnn.CurrentSource(
            f"constant_to_{name}", name, jsnn.CONSTANT, params={"magnitude": float(current)}
        )
        for name, current in zip(POPULATIONS, circuit.currents, strict=True)
        if current
    ]
    poisson = [
        jsnn.CurrentSource(
            f"poisson_to_{name}",
            name,
            jsnn.POISSON_INPUT,
            params={"rate": float(rate), "weight": circuit.poisson_weight},
            target="excitatory",
        )
        for name, rate in zip(POPULATIONS, circuit.poisson_rates, strict=True)
        if rate
    ]
    return [*constant, *poisson]
