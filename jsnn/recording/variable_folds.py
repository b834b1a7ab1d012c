"""Recordings of one value of a variable: its largest, its last, its sum, its mean."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state
from jsnn.network.variables import check_variable, variables_of
from jsnn.recording.protocols import SpikesOf


@dataclass(frozen=True)
class VariableFold:
    """A fold of a `Variable`.

    Attributes:
      part: the name of the population, projection or current source.
      variable: the name of the variable.
    """

    part: str
    variable: str = "v"

    def check(self, network: Network, what: str) -> None:
        check_variable(network, self.part, self.variable, what)

    def _value(self, state: State) -> jax.Array:
        return variables_of(state, self.part)[self.variable]


@dataclass(frozen=True)
class MaxVariable(VariableFold):
    """The largest value that a `Variable` had at the end of a step, in its shape, such as [N]."""

    def start(self, network: Network) -> jax.Array:
        variable = self._value(abstract_state(network))
        return jnp.full(variable.shape, _lowest(variable.dtype), variable.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return jnp.maximum(kept, self._value(state))


@dataclass(frozen=True)
class FinalVariable(VariableFold):
    """The value of a `Variable` after the last step, in its shape, such as [N]."""

    def start(self, network: Network) -> jax.Array:
        variable = self._value(abstract_state(network))
        return jnp.zeros(variable.shape, variable.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return self._value(state)


@dataclass(frozen=True)
class SumVariable(VariableFold):
    """The sum over the steps of a `Variable` at the end of each step, in its shape, such as [N].

    The dtype is that of the network.
    """

    def start(self, network: Network) -> jax.Array:
        variable = self._value(abstract_state(network))
        return jnp.zeros(variable.shape, network.dtype)

    def fold(self, kept: jax.Array, state: State, spikes: SpikesOf) -> jax.Array:
        return kept + self._value(state).astype(kept.dtype)


@dataclass(frozen=True)
class MeanVariable(VariableFold):
    """The mean over the steps of a `Variable` at the end of each step, in its shape, such as [N].

    The dtype is that of the network.
    """

    @property
    def _sum(self) -> SumVariable:
        return SumVariable(self.part, self.variable)

    def start(self, network: Network) -> dict[str, jax.Array]:
        return {"sum": self._sum.start(network), "steps": jnp.zeros((), network.dtype)}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        return {"sum": self._sum.fold(kept["sum"], state, spikes), "steps": kept["steps"] + 1}

    def finish(self, kept: dict[str, jax.Array]) -> jax.Array:
        return kept["sum"] * (1 / kept["steps"])


def _lowest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf
    return False if jnp.issubdtype(dtype, jnp.bool_) else jnp.iinfo(dtype).min
