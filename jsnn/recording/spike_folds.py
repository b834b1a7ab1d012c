"""Recordings of one number for each neuron, from its spikes."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn._checks import finite_number
from jsnn.network.network import Network
from jsnn.network.state import State
from jsnn.recording.choice import check_population
from jsnn.recording.protocols import SpikesOf


@dataclass(frozen=True)
class SpikeCount:
    """Number of spikes of each neuron: [N] in the network's dtype, so that gradients pass.

    The numbers are whole, and exact up to 2^24 spikes a neuron in float32.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        check_population(network, self.population, what)

    def start(self, network: Network) -> jax.Array:
        return jnp.zeros(network.sizes[self.population], network.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept + spikes[self.population]


@dataclass(frozen=True)
class Rate:
    """The firing rate of each neuron in the run, in Hz: [N] in the network's dtype.

    Gradients pass, as those of `SpikeCount`.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        check_population(network, self.population, what)

    def start(self, network: Network) -> dict[str, jax.Array]:
        zeros = jnp.zeros(network.sizes[self.population], network.dtype)
        return {"count": zeros, "steps": jnp.zeros((), network.dtype), "dt": network.dt}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        count = kept["count"] + spikes[self.population]
        return kept | {"count": count, "steps": kept["steps"] + 1}

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        return kept["count"] * (1000 / (kept["steps"] * kept["dt"]))


@dataclass(frozen=True)
class FirstSpike:
    """The step of each neuron's first spike, counted from the start of the run: int32 [N].

    The number is negative for a neuron that stays silent.
    """

    population: str

    def check(self, network: Network, what: str) -> None:
        check_population(network, self.population, what)

    def start(self, network: Network) -> jax.Array:
        return jnp.full(network.sizes[self.population], -1, jnp.int32)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        # While a neuron is silent, `kept` counts down from -1: -1 - kept steps have passed.
        silent = kept < 0
        first = jnp.where(spikes[self.population] > 0, -1 - kept, kept - 1)
        return jnp.where(silent, first, kept)


@dataclass(frozen=True)
class FirstSpikeTime:
    """The time of each neuron's first spike from the start of the run, in ms: [N].

    The time of a spike in step n = 0, 1, ... is (n + 1) dt, and T dt stands for silence in a run of
    T steps. Gradients pass through the spikes z, which have the surrogate derivative of the model:
    t = dt Σ_n Π_{k < n} (1 - z_k). If the population has a variable "shift", the time of its spike
    from the end of the step in ms, t is (n + 1) dt + shift and has the derivative of the shift too.

    In an exact network a neuron that stays silent has no derivative and cannot learn to spike. With
    `silent` = κ its time T dt has the derivative of -κ m, where m is the largest threshold margin
    that it reached: the nearer to the threshold, the earlier.

    Attributes:
      population: the name of the population.
      silent: κ, in ms per unit of the margin (mV for `LIF`); networks that are not exact ignore it,
        since their surrogate does the same.
    """

    population: str
    silent: float = 0.0

    def check(self, network: Network, what: str) -> None:
        check_population(network, self.population, what)
        finite_number(self.silent, f"{what}, silent", least=0)

    def start(self, network: Network) -> dict[str, jax.Array]:
        zeros = jnp.zeros(network.sizes[self.population], network.dtype)
        start = {"silent": zeros + 1, "steps": zeros, "shift": zeros, "dt": network.dt}
        return start | ({"margin": zeros + -jnp.inf} if self.silent else {})

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        silent, spiked = kept["silent"], spikes[self.population]
        after = {"silent": silent * (1 - spiked), "steps": kept["steps"] + silent}
        variables = state.populations[self.population]
        if "shift" in variables:
            after["shift"] = jnp.where(silent * spiked > 0, variables["shift"], kept["shift"])
        if self.silent and "margin" in variables:
            after["margin"] = jnp.maximum(kept["margin"], variables["margin"])
        return kept | after

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        times = kept["steps"] * kept["dt"] + kept["shift"]
        if not self.silent:
            return times
        missed = jnp.where(kept["silent"] > 0, -kept["margin"], 0)
        return times + self.silent * (missed - jax.lax.stop_gradient(missed))
