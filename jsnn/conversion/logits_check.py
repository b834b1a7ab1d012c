"""Check that a model computes what was read from it: its logits against those of its layers."""

import numpy as np

from jsnn.conversion.activation import Quantised
from jsnn.conversion.layers import Layer, Layers, Weighted, activations
from jsnn.conversion.reading.model import Model

_SOME = 100
"""Images on which the logits are compared."""

_BORDER = 1e-4
"""Distance from the border between two steps of a QCFS, as a share of a step.

Closer to the border, the order of a sum may decide to which side it is rounded.
"""

_FLIPPED = 2.0
"""Factor by which logits may change more than by the roundings that are tried."""


def check_logits(model: Model, layers: Layers, images: np.ndarray, logits: np.ndarray) -> None:
    """Raise ValueError if the model itself computes other logits than its layers as read.

    The logits may differ by 1e-3 of the largest one and, if a QCFS is close to the border between
    two of its steps, by the change that rounding to the other side makes.

    Args:
      model: the model.
      layers: its layers as read.
      images: calibration images, [n, ...].
      logits: logits of the layers, [n, classes].
    """
    some, read = images[:_SOME].astype(logits.dtype), logits[:_SOME]
    own = model.logits(some)
    if own.shape == read.shape:
        error = np.abs(own - read).max(axis=1)
        tolerance = 1e-3 * np.abs(read).max()
        if np.all(error <= tolerance):
            return
        if np.all(error <= tolerance + _FLIPPED * _changed_by_rounding(layers, some, read)):
            return
    raise ValueError(
        "model: its logits are not those of its layers as they were read from one image; expected "
        "a model that treats each image of a batch by itself, in 32 bits and without randomness"
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
