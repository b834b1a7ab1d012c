"""Networks that are converted, and their architectures, from which they can be rebuilt.

Each is an `nnx.Sequential` of layers that the conversion knows, all of them with biases.
"""

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import numpy as np
from flax import nnx

from experiments.conversion.data import as_flat, as_square
from jsnn.conversion import QCFS

Model = Literal["mlp128", "mlp256_128", "mlp1200", "cnn", "cnn_wide"]
"""mlp128: 784-128-10. mlp256_128: 784-256-128-10. mlp1200: 784-1200-1200-10. cnn: 12c5-64c5-10.
cnn_wide: 32c5-64c5-10."""

HIDDEN: dict[str, tuple[int, ...]] = {
    "mlp128": (128,),
    "mlp256_128": (256, 128),
    "mlp1200": (1200, 1200),
}
CHANNELS = {"cnn": (12, 64), "cnn_wide": (32, 64)}
"""Channels of the two convolutions."""


@dataclass(frozen=True)
class Architecture:
    """Architecture of a model, which is all of it but the parameters."""

    model: Model = "mlp128"
    """Kind of the model."""
    activation: Literal["relu", "qcfs"] = "qcfs"
    """Activation of every hidden layer."""
    levels: int = 4
    """Number of quantisation steps of qcfs, L."""
    reduction: Literal["average", "max", "stride"] = "average"
    """Halving of images in a cnn: pooling after the activation, or a stride of 2."""
    batch_norm: bool = False
    """Batch normalisation before every activation."""
    input_dropout: float = 0.0
    """Fraction of the pixels that are dropped in training."""
    hidden_dropout: float = 0.0
    """Fraction of the hidden units that are dropped in training."""

    @property
    def title(self) -> str:
        """Sizes of the layers as in papers, such as 784-128-10 or 12c5-64c5-10."""
        if self.takes_squares:
            return "-".join([*(f"{channels}c5" for channels in CHANNELS[self.model]), "10"])
        return "-".join(map(str, (784, *HIDDEN[self.model], 10)))

    @property
    def takes_squares(self) -> bool:
        """True if the model takes images as [n, 28, 28, 1], and not as [n, 784]."""
        return self.model not in HIDDEN


def build(architecture: Architecture, rngs: nnx.Rngs) -> nnx.Sequential:
    """Build a model with parameters drawn from `rngs`, in training mode."""
    if architecture.model in HIDDEN:
        layers = _multilayer_perceptron(architecture, rngs)
    else:
        layers = _convolutional(architecture, rngs)
    if architecture.input_dropout:
        layers = [nnx.Dropout(architecture.input_dropout), *layers]
    return nnx.Sequential(*layers)


def without_parameters(architecture: Architecture) -> nnx.Sequential:
    """Build the model with the shapes of its parameters alone, which compiles nothing."""
    return nnx.eval_shape(lambda: build(architecture, nnx.Rngs(0)))


def inputs_of(architecture: Architecture, pixels: np.ndarray) -> np.ndarray:
    """Convert pixels, uint8 [n, 784], to the inputs of the model."""
    return as_square(pixels) if architecture.takes_squares else as_flat(pixels)


def _multilayer_perceptron(architecture: Architecture, rngs: nnx.Rngs) -> list[Any]:
    he_normal = nnx.initializers.he_normal()
    hidden = HIDDEN[architecture.model]
    layers: list[Any] = []
    for pre, post in itertools.pairwise((784, *hidden)):
        layers += [nnx.Linear(pre, post, kernel_init=he_normal, rngs=rngs)]
        layers += _activation(architecture, post, rngs)
    return [*layers, nnx.Linear(hidden[-1], 10, rngs=rngs)]


def _convolutional(architecture: Architecture, rngs: nnx.Rngs) -> list[Any]:
    stride = 2 if architecture.reduction == "stride" else 1
    pooling = {
        "average": [partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))],
        "max": [partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))],
        "stride": [],
    }[architecture.reduction]
    layers: list[Any] = []
    for pre, post in itertools.pairwise((1, *CHANNELS[architecture.model])):
        size, strides = (5, 5), (stride, stride)
        layers.append(nnx.Conv(pre, post, size, strides, padding="VALID", rngs=rngs))
        layers += [*_activation(architecture, post, rngs), *pooling]
    return [*layers, flatten, nnx.Linear(4 * 4 * CHANNELS[architecture.model][-1], 10, rngs=rngs)]


def flatten(x: jax.Array) -> jax.Array:
    """Flatten images, [n, height, width, channels] -> [n, features]."""
    return x.reshape(len(x), -1)


def _activation(architecture: Architecture, size: int, rngs: nnx.Rngs) -> list[Any]:
    qcfs = architecture.activation == "qcfs"
    layers: list[Any] = [nnx.BatchNorm(size, rngs=rngs)] if architecture.batch_norm else []
    layers.append(QCFS(architecture.levels) if qcfs else nnx.relu)
    if architecture.hidden_dropout:
        layers.append(nnx.Dropout(architecture.hidden_dropout))
    return layers
