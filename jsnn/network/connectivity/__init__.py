"""Connectivity: the pairs of neurons that are joined, the weights, and the delivery of spikes."""

from jsnn.network.connectivity.all_to_all import AllToAll
from jsnn.network.connectivity.builders import (
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    fixed_total,
    from_scipy,
)
from jsnn.network.connectivity.chain import Chain
from jsnn.network.connectivity.convolution import AveragePool2D, Conv2D
from jsnn.network.connectivity.dense import Dense
from jsnn.network.connectivity.distance import by_distance
from jsnn.network.connectivity.divided import Divided
from jsnn.network.connectivity.learnt_delays import LearntDelays
from jsnn.network.connectivity.one_to_one import OneToOne
from jsnn.network.connectivity.procedural import Procedural
from jsnn.network.connectivity.protocols import (
    Connectivity,
    Delayed,
    EventDriven,
    Listed,
    Modifiable,
    TwoSided,
    Visitable,
)
from jsnn.network.connectivity.shared import Shared
from jsnn.network.connectivity.sparse import Sparse
from jsnn.network.connectivity.transposed import transposed

__all__ = [
    "AllToAll",
    "AveragePool2D",
    "Chain",
    "Connectivity",
    "Conv2D",
    "Delayed",
    "Dense",
    "Divided",
    "EventDriven",
    "LearntDelays",
    "Listed",
    "Modifiable",
    "OneToOne",
    "Procedural",
    "Shared",
    "Sparse",
    "TwoSided",
    "Visitable",
    "by_distance",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_probability",
    "fixed_total",
    "from_scipy",
    "transposed",
]
