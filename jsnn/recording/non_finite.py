"""Recording of the first step in which a number is not finite."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._pytree import replace
from jsnn.network.network import Network
from jsnn.network.state import State, abstract_state
from jsnn.recording.protocols import SpikesOf


@dataclass(frozen=True)
class NonFinite:
    """The first step in which a number of the state was NaN or infinite: int32, -1 for never.

    There is one number for each variable of neurons, synapses, current sources and plastic
    synapses, and for the spikes and sums on their way, by its path in the state. The step is that
    of the state, which counts from its fresh start.
    """

    def check(self, network: Network, what: str) -> None: ...

    def start(self, network: Network) -> dict[str, jax.Array]:
        return {path: jnp.full((), -1, jnp.int32) for path in _numbers(abstract_state(network))}

    def fold(
        self, kept: dict[str, jax.Array], state: State, spikes: SpikesOf
    ) -> dict[str, jax.Array]:
        def first(path: str, numbers: jax.Array) -> jax.Array:
            is_new = (kept[path] < 0) & ~jnp.all(jnp.isfinite(numbers))
            return jnp.where(is_new, state.step - 1, kept[path])

        return {path: first(path, numbers) for path, numbers in _numbers(state).items()}


def _numbers(state: State) -> dict[str, Any]:
    """Return the floating numbers of a state by their paths, such as "populations['a']['v']"."""
    leaves = jax.tree_util.tree_leaves_with_path(replace(state, key=None, step=None))
    return {
        jax.tree_util.keystr(path).removeprefix("."): leaf
        for path, leaf in leaves
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    }
