"""What a projection asks of its connectivity, and what more one may offer."""

from typing import Any, Protocol, Self, runtime_checkable

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


@runtime_checkable
class Modifiable(Connectivity, Protocol):
    """A connectivity whose weights may change in a run, by a plasticity, each by itself."""

    @property
    def weights(self) -> jax.Array: ...

    def with_weights(self, weights: jax.Array) -> Self:
        """The same synapses with other weights."""
        ...

    def of_pre(self, values: jax.Array) -> jax.Array:
        """[pre] to what each synapse has on its presynaptic side; broadcasts with the weights."""
        ...

    def of_post(self, values: jax.Array) -> jax.Array:
        """[post] to what each synapse has on its postsynaptic side; broadcasts with the weights."""
        ...


@runtime_checkable
class SynapticDelays(Connectivity, Protocol):
    """A connectivity that may have a delay for each synapse."""

    @property
    def max_delay(self) -> int:
        """The longest of its delays, in steps; 0 where synapses have none of their own."""
        ...

    def deliver_delayed(self, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
        """Spikes [pre] to [max_delay, post]: in row d - 1, what reaches each neuron in d steps."""
        ...
