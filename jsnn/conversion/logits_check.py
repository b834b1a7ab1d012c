"""Check that a model computes what was read from it: its logits against those of its layers."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jsnn.conversion.activation import Quantised
from jsnn.conversion.layers import Layer, Layers, Weighted, activations

_SOME = 100
"""Images on which the logits are compared."""

_BORDER = 1e-4
"""Distance from the border between two steps of a QCFS, as a share of a step.

Closer to the border, the order of a sum may decide to which side it is rounded.
"""

_FLIPPED = 2.0
"""Factor by which logits may change more than by the roundings that are tried."""


def check_logits(model: Any, layers: Layers, images: np.ndarray, logits: np.ndarray) -> None:
    """Raise ValueError if the model itself computes other logits than its layers as read.

    The logits may differ by 1e-3 of the largest one and, if a QCFS is close to the border between
    two of its steps, by the change that rounding to the other side makes. Parameters alone compute
    no logits and are not checked.

    Args:
      model: the model, or its parameters.
      layers: its layers as read.
      images: calibration images, [n, ...].
      logits: logits of the layers, [n, classes].
    """
    if isinstance(model, Mapping):
        return
    some, read = images[:_SOME].astype(logits.dtype), logits[:_SOME]
    own = logits_of(model, some)
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
    """Return the change of the logits if each QCFS rounds a little earlier, or later: [n]."""
    rows = images.reshape(len(images), -1)
    nudged = [
        activations([_nudged(layer, by) for layer in layers], rows)[-1]
        for by in (-_BORDER, _BORDER)
    ]
    return np.maximum(*(np.abs(other - logits).max(axis=1) for other in nudged))


def _nudged(layer: Layer, by: float) -> Layer:
    """Shift the input of the layer's QCFS, if it has one, by `by` steps."""
    if not isinstance(layer, Weighted) or not isinstance(layer.activation, Quantised):
        return layer
    step = layer.activation.threshold / layer.activation.levels
    return layer.with_bias(np.asarray(layer.bias) + by * step)


def logits_of(model: Any, images: np.ndarray) -> np.ndarray:
    """Compute the logits of a model in evaluation mode, [n, classes], and leave it as it is.

    Products are of full precision, as in the layers.

    Args:
      model: an `nnx.Module` or a bound Linen module.
      images: [n, ...].

    Raises:
      TypeError: if the model cannot be called with images alone, or does not return an array.
      ValueError: if the array is not of shape [n, classes].
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
