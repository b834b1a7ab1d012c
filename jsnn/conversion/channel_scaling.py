"""Scaling of weights channel by channel; channels are the last axis."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.connectivity import OneToOne


def each_neuron(values: Any, size: int) -> np.ndarray:
    """Repeat one value per channel, [C], to one per neuron, [size]."""
    return np.tile(np.asarray(values), size // len(np.asarray(values)))


def has_weights(part: Any) -> bool:
    """Return True if a connectivity has weights of its own; average pooling has none."""
    return bool(jax.tree.leaves(part))


def with_weights(parts: Sequence[Any]) -> list[int]:
    """Return the indices of the connectivities that have weights of their own."""
    return [i for i, part in enumerate(parts) if has_weights(part)]


def scaled(part: Any, before: Any, after: Any) -> Any:
    """Multiply the weights from channel i to channel j by before_i after_j.

    Args:
      part: a connectivity with weights.
      before: one number, [1], or one per presynaptic channel.
      after: one number, [1], or one per postsynaptic channel.
    """
    weights = jax.tree.leaves(part)[0]
    factors = each_neuron(after, weights.shape[-1])
    if isinstance(part, OneToOne):
        factors = each_neuron(before, weights.shape[-1]) * factors
    else:
        factors = each_neuron(before, weights.shape[-2])[:, None] * factors[None, :]
    changed = jnp.asarray(np.asarray(weights, np.float64) * factors, weights.dtype)
    return jax.tree.map(lambda _: changed, part)


def rescaled(parts: Sequence[Any], before: np.ndarray, after: np.ndarray) -> tuple[Any, ...]:
    """Multiply the weights of a linear map from channel i to channel j by before_i / after_j.

    Pooling keeps channels apart, so the factors pass through it to the first and to the last part
    that has weights.

    Args:
      parts: connectivities, one after the other.
      before: [1] or one per input channel.
      after: [1] or one per output channel.
    """
    one = np.ones(1)
    if len(before) == len(after) == 1:
        before, after = before / after, one  # equal scales leave the weights as they are
    changed = list(parts)
    weighted = with_weights(changed)
    first, last = weighted[0], weighted[-1]
    changed[first] = scaled(changed[first], before, one)
    changed[last] = scaled(changed[last], one, 1 / after)
    return tuple(changed)
