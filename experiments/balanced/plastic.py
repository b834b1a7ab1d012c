"""CUBA with plastic synapses: pair STDP among excitatory neurons, homeostasis of inhibition.

The network is that of `experiments.balanced.network`. Synapses between excitatory neurons follow
`jsnn.STDP`, those from inhibitory to excitatory neurons `jsnn.VOGELS_2011`; the others are static.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import jsnn
from experiments.balanced.models import POPULATION, network_of
from experiments.balanced.network import CONSTANTS, Definition, Edges

_W_E, _W_I = CONSTANTS["cuba"].w_e, CONSTANTS["cuba"].w_i

STDP = {
    "a_plus": 0.005 * _W_E,
    "a_minus": 0.00525 * _W_E,
    "tau_plus": 20.0,
    "tau_minus": 20.0,
    "w_min": 0.0,
    "w_max": 2 * _W_E,
}
"""Parameters of `jsnn.STDP`; times in ms, the others in mV."""

HOMEOSTASIS = {
    "eta": 0.001 * _W_I,
    "target_rate": 5.0,
    "tau_stdp": 20.0,
    "w_min": 2 * _W_I,
    "w_max": 0.0,
}
"""Parameters of `jsnn.VOGELS_2011`; times in ms, the rate in Hz, the others in mV."""


def onto(edges: Edges, *, excitatory: bool, definition: Definition) -> Edges:
    """Return the edges onto excitatory neurons, or onto inhibitory ones."""
    chosen = (edges.post < definition.num_excitatory) == excitatory
    return Edges(edges.pre[chosen], edges.post[chosen])


def plastic_network(
    definition: Definition, delay: int = 0, dtype: DTypeLike = np.float32
) -> jsnn.Network:
    """Make CUBA with plastic synapses; see `network_of`."""
    c, size, dtype = definition.constants, definition.num_neurons, np.dtype(dtype)
    rules: dict[tuple[str, bool], Any] = {
        ("excitatory", True): jsnn.Plasticity(jsnn.STDP, STDP),
        ("inhibitory", True): jsnn.Plasticity(jsnn.VOGELS_2011, HOMEOSTASIS),
    }
    projections = []
    for kind, weight in (("excitatory", c.w_e), ("inhibitory", c.w_i)):
        for onto_excitatory in (True, False):
            edges = onto(
                getattr(definition, kind), excitatory=onto_excitatory, definition=definition
            )
            weights = np.full(len(edges.pre), weight, dtype)
            projections.append(
                jsnn.Projection(
                    POPULATION,
                    POPULATION,
                    jsnn.Sparse(edges.pre, edges.post, weights, size, size),
                    plasticity=rules.get((kind, onto_excitatory)),
                    target=kind,
                    delay=delay + 1,
                    axonal=delay,
                    name=f"{kind} onto {'excitatory' if onto_excitatory else 'inhibitory'}",
                )
            )
    static = network_of(definition, delay, dtype)
    return jsnn.Network(static.populations, projections, dt=static.dt)
