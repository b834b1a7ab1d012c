"""What a projection asks of its connectivity."""

from typing import Any, Protocol, runtime_checkable

import jax


@runtime_checkable
class Connectivity(Protocol):
    """What a projection asks of its connectivity; a pytree whose float leaves are the weights."""

    @property
    def num_pre(self) -> int: ...

    @property
    def num_post(self) -> int: ...

    @property
    def dtype(self) -> Any: ...

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Spikes [pre], 0 or 1, to the summed weights that reach each neuron [post], in nA."""
        ...


@runtime_checkable
class EventDriven(Connectivity, Protocol):
    """A connectivity that can also deliver with no work for the neurons that are silent."""

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """The same sums as `deliver`, bit for bit."""
        ...

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """The same for all steps of a run: bool [T, pre] to what arrives in each, [T, post]."""
        ...
