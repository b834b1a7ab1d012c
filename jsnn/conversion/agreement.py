"""Whether a model computes what was read of it: its own logits beside those of its layers."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jsnn.conversion.activation import Quantised
from jsnn.conversion.ann import Layer, Layers, Weighted, activations
from jsnn.conversion.build import with_bias

_SOME = 100
"""Images on which both are compared."""

_BORDER = 1e-4
"""Of a step of a QCFS: so close to the border between two, other sums may round the other way."""

_FLIPPED = 2.0
"""How much more other roundings may change than those that were tried."""


def check_agrees(model: Any, layers: Layers, images: np.ndarray, logits: np.ndarray) -> None:
    """Raise ValueError where the model itself gives other logits than its layers as read.

    They may differ by 1e-3 of the largest one and, where a QCFS is close to the border between two
    of its steps, by what its rounding the other way changes. Parameters alone give no logits.
    """
    if isinstance(model, Mapping):
        return
    some, read = images[:_SOME].astype(logits.dtype), logits[:_SOME]
    own = predictions_of(model, some)
    if own.shape == read.shape:
        error = np.abs(own - read).max(axis=1)
        tolerance = 1e-3 * np.abs(read).max()
        if np.all(error <= tolerance):
            return
        if np.all(error <= tolerance + _FLIPPED * _changed_by_rounding(layers, some, read)):
            return
    raise ValueError(
        "model: its logits are not those of its layers as they were read; expected a model "
        "that calls them in that order and does nothing else in between"
    )


def _changed_by_rounding(layers: Layers, images: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """[n]: by how much logits change where each QCFS rounds a little earlier, or later."""
    rows = images.reshape(len(images), -1)
    nudged = [
        activations([_nudged(layer, by) for layer in layers], rows)[-1]
        for by in (-_BORDER, _BORDER)
    ]
    return np.maximum(*(np.abs(other - logits).max(axis=1) for other in nudged))


def _nudged(layer: Layer, by: float) -> Layer:
    """A layer whose QCFS, if it has one, is given `by` steps more."""
    if not isinstance(layer, Weighted) or not isinstance(layer.activation, Quantised):
        return layer
    step = layer.activation.threshold / layer.activation.levels
    return with_bias(layer, np.asarray(layer.bias) + by * step)


def predictions_of(model: Any, images: np.ndarray) -> np.ndarray:
    """A model's own logits [n, classes], in evaluation mode; the model is left as it is.

    Products are of full precision, as those of its layers are. The model is an `nnx.Module` or a
    bound Linen module. Raises TypeError or ValueError where it cannot be called with images alone,
    or returns something else.
    """
    if not callable(model):
        raise TypeError(f"model: given {type(model).__name__}; expected one that can be called")
    try:
        inspect.signature(model).bind(images)
    except TypeError as error:
        raise TypeError(
            f"model: called with images alone: {error}; expected a model that takes nothing else "
            "(with modes such as train chosen beforehand)"
        ) from None
    if isinstance(model, nnx.Module):
        model = nnx.merge(*nnx.split(model))
        model.eval()
    with jax.default_matmul_precision("highest"):
        own = model(jnp.asarray(images))
    if not isinstance(own, jax.Array):
        raise TypeError(
            f"model: returns a {type(own).__name__}; expected an array, the logits [n, classes]"
        )
    if own.ndim != 2:
        raise ValueError(f"model: returns shape {own.shape}; expected the logits [n, classes]")
    return np.asarray(own)
