"""Connectivity: which neuron reaches which, with what weight; how spikes become input."""

from jsnn.connectivity.dense import Dense
from jsnn.connectivity.protocols import Connectivity, DelayedEach, EventDriven, Modifiable
from jsnn.connectivity.sparse import Sparse

__all__ = ["Connectivity", "DelayedEach", "Dense", "EventDriven", "Modifiable", "Sparse"]
