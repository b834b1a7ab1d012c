"""Connectivity: which neuron reaches which, with what weight; how spikes become input."""

from jsnn.connectivity.dense import Dense
from jsnn.connectivity.protocols import Connectivity, EventDriven
from jsnn.connectivity.sparse import Sparse

__all__ = ["Connectivity", "Dense", "EventDriven", "Sparse"]
