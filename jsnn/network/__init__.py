"""Networks: populations joined by projections, driven by current sources, and their state."""

from jsnn.network import initializers, spatial
from jsnn.network.connectivity import (
    AllToAll,
    AveragePool2D,
    Chain,
    Connectivity,
    Conv2D,
    Dense,
    LearntDelays,
    OneToOne,
    Procedural,
    Shared,
    Sparse,
    by_distance,
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    fixed_total,
    from_scipy,
    transposed,
)
from jsnn.network.current_source import CurrentSource
from jsnn.network.deployment import deployed
from jsnn.network.division import divide
from jsnn.network.feedforward import feedforward
from jsnn.network.network import Network
from jsnn.network.network_files import load, save
from jsnn.network.plasticity import Plasticity
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.rewiring import rewire
from jsnn.network.state import PlasticityState, ProjectionState, State, init
from jsnn.network.steps import steps
from jsnn.network.updates import normalise_weights, reset
from jsnn.network.weight_files import load_weights, save_weights

__all__ = [
    "AllToAll",
    "AveragePool2D",
    "Chain",
    "Connectivity",
    "Conv2D",
    "CurrentSource",
    "Dense",
    "LearntDelays",
    "Network",
    "OneToOne",
    "Plasticity",
    "PlasticityState",
    "Population",
    "Procedural",
    "Projection",
    "ProjectionState",
    "Shared",
    "Sparse",
    "State",
    "by_distance",
    "deployed",
    "divide",
    "feedforward",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "fixed_total",
    "from_scipy",
    "init",
    "initializers",
    "load",
    "load_weights",
    "normalise_weights",
    "reset",
    "rewire",
    "save",
    "save_weights",
    "spatial",
    "steps",
    "transposed",
]
