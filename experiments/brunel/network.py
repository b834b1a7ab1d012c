"""Brunel's network, model A, in its asynchronous irregular state.

Excitatory and inhibitory neurons, four to one, which differ in nothing but the sign of their
synapses. Each receives spikes from a tenth of both kinds, and as many external Poisson inputs as
excitatory synapses: Brunel 2000, J. Comput. Neurosci. 8, 183-208.

    tau_m dV/dt = -V;  a spike that arrives makes V jump by J, or by -g J
    V >= theta: spike, V <- V_r, held there for 2 ms

Neurons are `jsnn.LIF`, for which a current I of one step moves V by r_m I (1 - exp(-dt / tau_m)).
Weights are divided by this factor, so that V jumps by J exactly, at the end of the step, as in
NEST's iaf_psc_delta.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np

import jsnn

DT = 0.1
"""Length of a step, in ms."""
SIZES = {"excitatory": 10_000, "inhibitory": 2500}
CONNECTED = 0.1
"""Share of the neurons of each kind from which a neuron receives synapses."""
TAU_M, THETA, V_RESET, REFRACTORY = 20.0, 20.0, 10.0, 2.0
"""Times in ms, potentials in mV above rest."""
J = 0.1
"""Jump of V by an excitatory spike, in mV."""
G = 5.0
"""Jump by an inhibitory spike, in those by an excitatory one."""
EXTERNAL = 2.0
"""External rate, in that which brings V to the threshold on average."""
DELAY_STEPS = 15
"""Delay of 1.5 ms."""
R_M = 1.0
"""Resistance in MOhm, which turns nA into mV; it cancels."""


@dataclass(frozen=True)
class Brunel:
    """Numbers of a network of some size."""

    sizes: dict[str, int]
    in_degrees: dict[str, int]
    jumps: dict[str, float]
    """Jumps of V, in mV."""
    external_rate: float
    """Rate of the external spikes into each neuron, in Hz."""

    @property
    def num_neurons(self) -> int:
        return sum(self.sizes.values())

    @property
    def num_synapses(self) -> int:
        return self.num_neurons * sum(self.in_degrees.values())


def brunel(scale: float) -> Brunel:
    """Scale numbers of neurons and in-degrees, and jumps by the inverse.

    The mean of the input stays as it is, but its fluctuations grow.

    Raises:
      ValueError: if the scale is outside (0, 1], or too small for one synapse of each kind.
    """
    sizes = {kind: round(size * scale) for kind, size in SIZES.items()}
    in_degrees = {kind: round(CONNECTED * size) for kind, size in sizes.items()}
    if not 0 < scale <= 1 or not min(in_degrees.values()):
        raise ValueError(
            f"--scale: given {scale:g}; expected at most 1, and enough for one synapse of each "
            f"kind, {1 / (CONNECTED * min(SIZES.values())):g}"
        )
    jump = J / scale
    return Brunel(
        sizes=sizes,
        in_degrees=in_degrees,
        jumps={"excitatory": jump, "inhibitory": -G * jump},
        external_rate=EXTERNAL * THETA / (jump * TAU_M / 1000),
    )


def weight(jump: float) -> float:
    """Return the weight, in nA, of a synapse that makes V jump, in mV."""
    return jump / (R_M * -math.expm1(-DT / TAU_M))


def populations(numbers: Brunel, seed: int) -> list[jsnn.Population]:
    """Make both populations, with initial potentials uniform between rest and threshold."""
    random = np.random.default_rng(seed)
    params = {
        "tau_m": TAU_M,
        "r_m": R_M,
        "v_rest": 0.0,
        "v_reset": V_RESET,
        "v_thresh": THETA,
        "tau_refrac": REFRACTORY,
    }
    return [
        jsnn.Population(
            kind,
            size,
            jsnn.LIF,
            params=params,
            initial={"v": random.uniform(0, THETA, size).astype(np.float32)},
        )
        for kind, size in numbers.sizes.items()
    ]


def projections(numbers: Brunel, seed: int) -> Iterator[jsnn.Projection]:
    """Draw the four projections; no pair is joined twice, and no neuron with itself."""
    key = jax.random.key(seed)
    for pre in SIZES:
        for post in SIZES:
            key, of_projection = jax.random.split(key)
            connectivity = jsnn.fixed_in_degree(
                of_projection,
                numbers.sizes[pre],
                numbers.sizes[post],
                numbers.in_degrees[pre],
                weight(numbers.jumps[pre]),
                autapses=pre != post,
            )
            yield jsnn.Projection(pre, post, connectivity, delay=DELAY_STEPS)


def sources(numbers: Brunel) -> list[jsnn.CurrentSource]:
    """Make the external input of both populations."""
    params = {"rate": numbers.external_rate, "weight": weight(numbers.jumps["excitatory"])}
    return [
        jsnn.CurrentSource(f"to_{kind}", kind, jsnn.POISSON_INPUT, params=params) for kind in SIZES
    ]
