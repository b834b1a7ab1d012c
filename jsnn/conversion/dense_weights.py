"""Weights of a bias-free multilayer perceptron, as `jsnn.feedforward` takes them."""

import numpy as np
from flax import nnx

from jsnn._checks import check_type
from jsnn.conversion.activation import Identity, Relu
from jsnn.conversion.layers import Weighted
from jsnn.conversion.reading.model import model_of, read
from jsnn.network.connectivity import Dense


def dense_weights(model: nnx.Sequential) -> list[np.ndarray]:
    """Return the kernels [pre, post] of a bias-free ReLU MLP, for `jsnn.feedforward`.

    The rate of an integrate-and-fire neuron is, up to a factor, the activation of the rectified
    linear unit with the same weights (Diehl et al. 2015, IJCNN,
    doi:10.1109/IJCNN.2015.7280696), so the weights are copied as they are.

    Args:
      model: `nnx.Sequential` of `nnx.Linear(..., use_bias=False)` with a ReLU between each two of
        them; `nnx.Dropout` may stand anywhere and is left out.

    Raises:
      TypeError: if the model is not an `nnx.Sequential`.
      ValueError: if a layer, named in the message, is none of these, has a bias, is out of place,
        or its kernel holds a NaN or an infinity.
    """
    check_type(model, nnx.Sequential, "model", " of flax.nnx")
    features = [layer.in_features for layer in model.layers if isinstance(layer, nnx.Linear)]
    images = np.zeros((1, *(features[:1] or [1])), np.float32)
    kernels = []
    for layer in read(model_of(model, images), images):
        if (
            not isinstance(layer, Weighted)
            or len(layer.branches) != 1
            or len(layer.branches[0].parts) != 1
            or not isinstance(dense := layer.branches[0].parts[0], Dense)
            or not isinstance(layer.activation, Relu | Identity)
        ):
            raise ValueError(
                f"model, {layer.name}: expected one Linear, then a ReLU unless it is the last"
            )
        if np.any(layer.bias):
            raise ValueError(
                f"model, {layer.name}: given with a bias; expected use_bias=False, since "
                "jsnn.feedforward has no biases (jsnn.convert takes them)"
            )
        kernels.append(np.asarray(dense.weights))
    return kernels
