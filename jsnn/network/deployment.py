"""Deployment of a trained network: learnt delays become whole steps."""

import dataclasses

from jsnn._checks import check_type, check_untraced
from jsnn.network.connectivity import LearntDelays
from jsnn.network.network import Network
from jsnn.network.projection import Projection


def deployed(network: Network) -> Network:
    """Return a network in which every delay is a whole number of steps.

    `jsnn.LearntDelays` becomes `jsnn.Dense` with the nearest whole delays; all else is as it was.

    Raises:
      TypeError: if `network` is no network, or its numbers are traced.
    """
    check_type(network, Network, "deployed, network")
    check_untraced(network, "deployed", "deploy the network outside")
    projections = [_deployed(projection) for projection in network.projections]
    return dataclasses.replace(network, projections=projections)


def _deployed(projection: Projection) -> Projection:
    if not isinstance(projection.connectivity, LearntDelays):
        return projection
    whole = projection.connectivity.deployed()
    return dataclasses.replace(projection, connectivity=whole, delay=whole.max_delay, axonal=None)
