"""Synapses one by one (a stand-in)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import pytree, static


@pytree
class Sparse:
    """Synapses one by one: pre, post, weights and delays [S], sorted by pre."""

    pre: Any
    post: Any
    weights: Any
    num_pre: int = static()
    num_post: int = static()
    delays: Any = None

    def __post_init__(self) -> None:
        order = np.argsort(self.pre, kind="stable")
        for name in ("pre", "post", "weights", "delays"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, jnp.asarray(np.asarray(given)[order]))

    @property
    def dtype(self) -> Any:
        return self.weights.dtype

    @property
    def num_synapses(self) -> int:
        return int(self.weights.shape[0])

    def deliver(self, spikes: jax.Array) -> jax.Array:
        silence = jnp.zeros(self.num_post, self.dtype)
        return silence.at[self.post].add(self.weights * spikes[self.pre])
