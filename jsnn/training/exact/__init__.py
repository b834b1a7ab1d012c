"""Exact gradients: the derivative of spike times, for any neuron model, by a change of the network.

A spike on the grid has no useful derivative, but its time has: if the margin m crosses 0 with the
slope m', a change dm moves the spike by -dm / m'. `exact` rewrites the neuron models of a network
so that each spike carries the shift of its time, and its projections so that they deliver it.
"""

from jsnn.training.exact.network import exact

__all__ = ["exact"]
