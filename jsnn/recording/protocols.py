"""Recordings as protocols: a trace over time, or a fold that needs no memory for time."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import jax

from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state

SpikesOf = dict[str, jax.Array]
"""Spikes of a step, {population: [N]}: 1.0 where a neuron spiked in this step, else 0.0."""


@runtime_checkable
class Trace(Protocol):
    """A recording of the last of every `every` steps: [num_steps // every, ...]."""

    @property
    def every(self) -> int:
        """The number of steps from one recorded step to the next."""
        ...

    def check(self, network: Network, what: str) -> None:
        """Raise ValueError, naming `what`, if the recording does not fit the network."""
        ...

    def observe(self, state: State, spikes: SpikesOf) -> Any:
        """Return the arrays to keep of a step; `state` is the one after the step."""
        ...


@runtime_checkable
class Fold(Protocol):
    """A recording of one value, which every step makes anew from the last one.

    A fold may have a method `finish(kept)` too, which returns the result from the last value.
    """

    def check(self, network: Network, what: str) -> None:
        """Raise ValueError, naming `what`, if the recording does not fit the network."""
        ...

    def start(self, network: Network) -> Any:
        """Return the value before the first step."""
        ...

    def fold(self, kept: Any, state: State, spikes: SpikesOf) -> Any:
        """Return the value after a step; `kept` is the one before, `state` that after the step."""
        ...


Recording = Trace | Fold | Callable[[State, SpikesOf], Any]
Recordings = Mapping[str, Recording]


def abstract_step(network: Network) -> tuple[Any, dict[str, jax.ShapeDtypeStruct]]:
    """Return the shapes of a state and of the spikes of a step."""
    spikes = {
        name: jax.ShapeDtypeStruct((size,), network.dtype) for name, size in network.sizes.items()
    }
    return abstract_state(network), spikes
