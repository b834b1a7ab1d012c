"""Rules for the state between two presentations."""

from collections.abc import Callable

from jsnn._pytree import replace
from jsnn.network.network import Network
from jsnn.network.state import State, init

Between = Callable[[Network, State], State]
"""A rule: a function (network, state after a presentation) -> state before the next one.

It is pure, at module level, and called on a fresh state before the first presentation too.
"""


def fresh(network: Network, state: State) -> State:
    """Keep nothing: every presentation is independent of the others, so they run in batches."""
    return init(network, state.key)


def keep_in_flight(network: Network, state: State) -> State:
    """Restart neurons and current sources; keep spikes in flight and synaptic currents.

    GeNN's tutorial has this effect: it zeroes the voltages at the start of each image.
    """
    new = init(network, state.key)
    return replace(state, populations=new.populations, sources=new.sources)
