"""Networks of Vogels and Abbott, drawn in NumPy so that every simulator gets the same one.

A network has 4,000 neurons, the first four fifths excitatory, the others inhibitory. Every ordered
pair, a neuron and itself included, is joined with probability 0.02. Larger networks keep the mean
in-degree of 80.

    CUBA    tau_m dV/dt = g_e + g_i - (V - v_rest)
    COBA    tau_m dV/dt = g_e (e_e - V) + g_i (e_i - V) - (V - v_rest)
    both    tau_e dg_e/dt = -g_e;  tau_i dg_i/dt = -g_i
            V > v_thresh: spike, V <- v_reset, held there for 5 ms
            a spike of an excitatory neuron adds w_e to the g_e of its targets, a spike of an
            inhibitory neuron adds w_i to the g_i of its targets

Vogels & Abbott 2005, J. Neurosci. 25, 10786-10795; these are benchmarks 2 and 1 of Brette et al.
2007, J. Comput. Neurosci. 23, 349-398, with the constants and start values of Brian2's examples.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

Model = Literal["cuba", "coba"]
MODELS: tuple[Model, ...] = ("cuba", "coba")

DT = 0.1
"""Length of a step, in ms."""
STEPS_HELD = 49
"""Updates that a neuron sits out after a spike; one in step k is followed by one in k + 50."""
IN_DEGREE = 80


@dataclass(frozen=True)
class Constants:
    """Constants of a model.

    Times are in ms and potentials in mV. g_e, g_i and the weights are in mV for CUBA, and in units
    of the leak conductance for COBA.
    """

    v_rest: float
    w_e: float
    w_i: float
    v_thresh: float = -50.0
    v_reset: float = -60.0
    tau_m: float = 20.0
    tau_e: float = 5.0
    tau_i: float = 10.0
    e_e: float = 0.0
    """Excitatory reversal potential, of COBA only."""
    e_i: float = -80.0
    """Inhibitory reversal potential, of COBA only."""


CONSTANTS: dict[Model, Constants] = {
    "cuba": Constants(v_rest=-49.0, w_e=60 * 0.27 / 10, w_i=-20 * 4.5 / 10),
    "coba": Constants(v_rest=-60.0, w_e=0.6, w_i=6.7),
}


class Edges(NamedTuple):
    """Pairs of neurons that are joined, each at most once, sorted by presynaptic neuron."""

    pre: np.ndarray
    """Presynaptic neurons, int32 [num_edges]."""
    post: np.ndarray
    """Postsynaptic neurons, int32 [num_edges]."""


@dataclass(frozen=True)
class Definition:
    """A network and its start."""

    model: Model
    edges: Edges
    v: np.ndarray
    """Initial potentials in mV, float64 [N]."""
    g_e: np.ndarray
    """Initial excitation, float64 [N]."""
    g_i: np.ndarray
    """Initial inhibition, float64 [N]."""

    @property
    def constants(self) -> Constants:
        return CONSTANTS[self.model]

    @property
    def num_neurons(self) -> int:
        return len(self.v)

    @property
    def num_excitatory(self) -> int:
        return num_excitatory(self.num_neurons)

    @property
    def excitatory(self) -> Edges:
        """The edges of excitatory neurons."""
        first = np.searchsorted(self.edges.pre, self.num_excitatory)
        return Edges(self.edges.pre[:first], self.edges.post[:first])

    @property
    def inhibitory(self) -> Edges:
        """The edges of inhibitory neurons; their `pre` counts from the first neuron of all."""
        first = np.searchsorted(self.edges.pre, self.num_excitatory)
        return Edges(self.edges.pre[first:], self.edges.post[first:])


class Run(NamedTuple):
    """The spikes of a simulator, and its times."""

    steps: np.ndarray
    """Steps from 0, int64 [num_spikes]; the spikes of a step are in order of the neurons."""
    neurons: np.ndarray
    """Neuron of each spike, int64 [num_spikes]."""
    run_seconds: float
    """Seconds of the loop over time alone."""
    build_seconds: float
    """Seconds of generating and compiling code, and of making the network."""


def num_excitatory(num_neurons: int) -> int:
    return num_neurons * 4 // 5


def kinds(num_neurons: int) -> dict[str, slice]:
    """Return the neurons of each kind."""
    first = num_excitatory(num_neurons)
    return {"excitatory": slice(first), "inhibitory": slice(first, None)}


def draw(model: Model, num_neurons: int = 4000, seed: int = 0) -> Definition:
    """Draw a random network; both models have the same edges for one size and seed.

    Args:
      model: "cuba" or "coba".
      num_neurons: N.
      seed: of the random numbers.

    Raises:
      ValueError: if the size is no multiple of 5, or below the in-degree.
    """
    if num_neurons < IN_DEGREE or num_neurons % 5:
        raise ValueError(
            f"num_neurons: given {num_neurons}; expected a multiple of 5, at least {IN_DEGREE}"
        )
    random = np.random.default_rng(seed)
    edges = draw_edges(num_neurons, IN_DEGREE / num_neurons, random)
    c = CONSTANTS[model]
    if model == "cuba":
        v = random.uniform(c.v_reset, c.v_thresh, num_neurons)
        return Definition(model, edges, v, np.zeros(num_neurons), np.zeros(num_neurons))
    return Definition(
        model,
        edges,
        v=c.v_rest + 5 * random.standard_normal(num_neurons) - 5,
        g_e=np.maximum(0, 1.5 * random.standard_normal(num_neurons) + 4),
        g_i=np.maximum(0, 12 * random.standard_normal(num_neurons) + 20),
    )


def draw_edges(num_neurons: int, probability: float, random: np.random.Generator) -> Edges:
    """Join each of the N² ordered pairs with the same probability, independently.

    If pairs are numbered row by row, the distances between those that are joined are geometric.
    """
    num_pairs = num_neurons**2
    mean = num_pairs * probability
    drawn = int(mean + 10 * np.sqrt(mean))  # ten standard deviations reach beyond the last pair
    pairs = np.cumsum(random.geometric(probability, drawn)) - 1
    pre, post = np.divmod(pairs[pairs < num_pairs], num_neurons)
    return Edges(pre.astype(np.int32), post.astype(np.int32))
