"""Protocols of connectivities: the one that a projection needs, and others that are optional."""

from typing import Any, Protocol, Self, runtime_checkable

import jax

from jsnn._kernels.delivery import Synapses
from jsnn._kernels.visits import SynapsesOf


@runtime_checkable
class Connectivity(Protocol):
    """The connectivity of a projection; a pytree whose float leaves are the weights."""

    @property
    def num_pre(self) -> int:
        """The number of presynaptic neurons."""
        ...

    @property
    def num_post(self) -> int:
        """The number of postsynaptic neurons."""
        ...

    @property
    def dtype(self) -> Any:
        """The dtype of the weights."""
        ...

    def deliver(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre], 0 or 1, into the summed weights that reach each neuron, [post]."""
        ...


@runtime_checkable
class EventDriven(Connectivity, Protocol):
    """A connectivity that can also deliver with no work for the neurons that are silent."""

    def deliver_events(self, spikes: jax.Array) -> jax.Array:
        """Turn spikes [pre] into the sums of `deliver`, bit for bit."""
        ...

    def deliver_over_time(self, spikes: jax.Array, delay: int) -> jax.Array:
        """Turn the spikes of a run, bool [T, pre], into the sums of each step, [T, post].

        The sums arrive `delay` steps after the spikes.
        """
        ...


@runtime_checkable
class Delayed(Connectivity, Protocol):
    """A connectivity without a list, whose synapses may have delays of their own."""

    @property
    def max_delay(self) -> int:
        """The longest delay of a synapse, in steps; 0 if synapses have no delays of their own."""
        ...

    def deliver_onto(
        self, sums: jax.Array, step: jax.Array, spikes: jax.Array, *, event_driven: bool
    ) -> jax.Array:
        """Add what spikes [pre] of a step send to the sums of steps to come, [max_delay, post].

        What arrives in step n is in row n % max_delay. The row of the step itself has arrived.
        """
        ...


@runtime_checkable
class TwoSided(Protocol):
    """The neurons on both sides of each synapse."""

    @property
    def dtype(self) -> Any:
        """The dtype of the weights."""
        ...

    def of_pre(self, values: jax.Array) -> jax.Array:
        """Turn values [pre] into those on the presynaptic side of each synapse.

        The result broadcasts with the weights.
        """
        ...

    def of_post(self, values: jax.Array) -> jax.Array:
        """Turn values [post] into those on the postsynaptic side of each synapse.

        The result broadcasts with the weights.
        """
        ...


@runtime_checkable
class Modifiable(Connectivity, TwoSided, Protocol):
    """A connectivity whose weights a plasticity may change in a run, each by itself."""

    @property
    def weights(self) -> jax.Array:
        """The weights, one for each synapse."""
        ...

    def with_weights(self, weights: jax.Array) -> Self:
        """Return the synapses with other weights."""
        ...


@runtime_checkable
class Visitable(TwoSided, Protocol):
    """Synapses that can be found by the neurons that spiked, on either side."""

    def synapses_of(self, side: int) -> SynapsesOf:
        """Return the synapses of each presynaptic neuron, 0, or of each postsynaptic one, 1."""
        ...


@runtime_checkable
class Listed(Connectivity, Protocol):
    """A connectivity whose synapses are a list; each may have a delay of its own."""

    @property
    def max_delay(self) -> int:
        """The longest delay of a synapse, in steps; 0 if synapses have no delays of their own."""
        ...

    def sorted_weights(self) -> jax.Array:
        """Return the weights of the synapses sorted by presynaptic neuron, [S]."""
        ...

    def synapses(self) -> Synapses:
        """Return the synapses sorted by presynaptic neuron."""
        ...
