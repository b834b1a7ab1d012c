"""Scaling of weights channel by channel; channels are the last axis."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.connectivity import AveragePool2D, Conv2D, OneToOne


def each_neuron(values: Any, size: int) -> np.ndarray:
    """Repeat one value per channel, [C], to one per neuron, [size]."""
    return np.tile(np.asarray(values), size // len(np.asarray(values)))


def has_weights(part: Any) -> bool:
    """Return True if a connectivity has weights of its own; average pooling has none."""
    return bool(jax.tree.leaves(part))


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
        groups = part.groups if isinstance(part, Conv2D) else 1
        by_group = each_neuron(before, weights.shape[-2] * groups).reshape(groups, -1).T
        factors = np.repeat(by_group, weights.shape[-1] // groups, axis=1) * factors[None, :]
    changed = jnp.asarray(np.asarray(weights, np.float64) * factors, weights.dtype)
    return jax.tree.map(lambda _: changed, part)


def rescaled(parts: Sequence[Any], before: np.ndarray, after: np.ndarray) -> tuple[Any, ...]:
    """Multiply the weights of a linear map from channel i to channel j by before_i / after_j.

    Pooling keeps channels apart, so the factors pass through it to the first and to the last part
    that has weights. If a part mixes channels on the way there, or has other channels, the factors
    become weights of their own, from one neuron to one.

    Args:
      parts: connectivities, one after the other; at least one has weights.
      before: [1] or one per input channel.
      after: [1] or one per output channel.
    """
    one = np.ones(1)
    if len(before) == len(after) == 1:
        before, after = before / after, one  # equal scales leave the weights as they are
    changed = list(parts)
    first = _reached(changed, len(before), _channels_in)
    if first is None:
        changed.insert(0, _factors(before, changed[0].num_pre, changed[0].dtype))
    else:
        changed[first] = scaled(changed[first], before, one)
    backwards = changed[::-1]
    last = _reached(backwards, len(after), _channels_out)
    if last is None:
        backwards.insert(0, _factors(1 / after, backwards[0].num_post, backwards[0].dtype))
    else:
        backwards[last] = scaled(backwards[last], one, 1 / after)
    return tuple(backwards[::-1])


def _reached(parts: Sequence[Any], number: int, channels: Callable[[Any], int]) -> int | None:
    """Return the index of the first part with weights if `number` factors pass on to it."""
    for i, part in enumerate(parts):
        if number > 1 and channels(part) % number:
            return None
        if has_weights(part):
            return i
        if number > 1 and not isinstance(part, AveragePool2D):
            return None
    return None


def _factors(values: np.ndarray, size: int, dtype: Any) -> OneToOne:
    return OneToOne(jnp.asarray(each_neuron(values, size), dtype))


def _channels_in(part: Any) -> int:
    is_image = isinstance(part, (Conv2D, AveragePool2D))
    return int(part.image_shape[2] if is_image else part.num_pre)


def _channels_out(part: Any) -> int:
    is_image = isinstance(part, (Conv2D, AveragePool2D))
    return int(part.output_shape[2] if is_image else part.num_post)
