"""The weights of a Flax NNX multilayer perceptron, as a spiking network takes them."""

import jax
import numpy as np
from flax import nnx

from jsnn._checks import check_finite, check_type

_RELUS = (jax.nn.relu, nnx.relu)


def dense_weights(model: nnx.Sequential) -> list[np.ndarray]:
    """The kernels [pre, post] of a bias-free ReLU MLP, for `jsnn.feedforward`.

    A rectified linear unit and an integrate-and-fire neuron with the same weights agree in that
    the neuron's rate is, up to a factor, the unit's activation (Diehl et al. 2015, IJCNN,
    doi:10.1109/IJCNN.2015.7280696), so the weights are taken over as they are.

    Args:
      model: `nnx.Sequential` of `nnx.Linear(..., use_bias=False)` with a ReLU between each two of
        them; `nnx.Dropout` may stand anywhere and is left out.

    Raises:
      TypeError: the model is not an `nnx.Sequential`.
      ValueError: a layer is none of these, has a bias, is out of place, or its kernel holds a NaN
        or an infinity; it is named by its index in the model.
    """
    check_type(model, nnx.Sequential, "model", " of flax.nnx")
    kernels: list[np.ndarray] = []
    rectified = True
    for i, layer in enumerate(model.layers):
        what = f"model, layer {i}"
        if isinstance(layer, nnx.Linear):
            if not rectified:
                raise ValueError(f"{what}: given a Linear after a Linear; expected a ReLU between")
            kernels.append(_kernel(layer, what))
            rectified = False
        elif layer in _RELUS:
            if rectified:
                raise ValueError(f"{what}: given a ReLU; expected a Linear before it")
            rectified = True
        elif not isinstance(layer, nnx.Dropout):
            name = getattr(layer, "__name__", type(layer).__name__)
            raise ValueError(f"{what}: given {name}; expected Linear, ReLU or Dropout")
    if not kernels:
        raise ValueError("model: given no Linear layer; expected at least one")
    if rectified:
        raise ValueError("model: given a ReLU after the last Linear; expected none on the logits")
    return kernels


def _kernel(layer: nnx.Linear, what: str) -> np.ndarray:
    if layer.bias is not None:
        raise ValueError(f"{what}: given a Linear with a bias; expected use_bias=False")
    kernel = np.asarray(layer.kernel[...])
    check_finite(kernel, f"{what}, kernel")
    return kernel
