"""Rules for the state between two presentations."""

from collections.abc import Callable

import jax

from jsnn._pytree import replace
from jsnn.network.network import Network
from jsnn.network.state import State, check_state, init

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


def next_state(between: Between, network: Network, state: State, key: jax.Array | None) -> State:
    """Return the state before the next presentation, with its own key.

    Raises:
      TypeError: if the rule returns something other than a State.
      ValueError: if it returns a state that is not one of the network.
    """
    what = f"between, {getattr(between, '__name__', between)}"
    new = between(network, state)
    if not isinstance(new, State):
        raise TypeError(f"{what}: returned {type(new).__name__}; expected a State")
    new = replace(new, key=key)
    try:
        check_state(network, new)
    except ValueError as error:
        raise ValueError(f"{what}: returned a wrong state, {error}") from None
    return new
