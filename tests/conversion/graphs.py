"""Small artificial networks as graphs of layers, made by hand, and their conversion."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.activation import Identity, Relu
from jsnn.conversion.conversion import Conversion, LayerReport
from jsnn.conversion.layers import IMAGE, Branch, MaxPool, Weighted, activations
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.conversion.network_builder import build, prepare
from jsnn.conversion.presentation_length import least_steps
from jsnn.conversion.rearranged import Rearranged
from jsnn.conversion.recipe import Sample
from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense, OneToOne

F32 = np.float32
FLAT, IMAGES = (10,), (6, 6, 2)


class Drawn:
    """Layers with drawn weights, all multiples of `unit` if it is given, so that sums are exact."""

    def __init__(self, seed=0, unit=None):
        self.rng, self.unit = np.random.default_rng(seed), unit

    def weights(self, *shape):
        drawn = self.rng.normal(0, 1.2 * math.prod(shape[:-1]) ** -0.5, shape)
        return F32(drawn if self.unit is None else np.rint(drawn / self.unit) * self.unit)

    def dense(self, pre, post):
        return Dense(self.weights(pre, post))

    def conv(self, image, post, size=3, stride=1, groups=1):
        kernel = self.weights(size, size, image[2] // groups, post)
        return Conv2D(kernel, image, stride, "SAME", groups=groups)

    def layer(self, shape, *branches, activation=Relu()):  # noqa: B008
        """Return a layer; each branch is (source, part, ...)."""
        bias = np.tile(self.weights(1, shape[-1])[0] / 4, math.prod(shape[:-1]))
        return Weighted(
            "a layer",
            tuple(Branch(source, tuple(parts)) for source, *parts in branches),
            jnp.asarray(bias),
            shape,
            activation,
        )

    def logits(self, *branches):
        return self.layer((3,), *branches, activation=Identity())


def identity(size):
    return OneToOne(np.ones(size, F32))


def residual(unit=None):
    """Return a block with an identity shortcut."""
    drawn = Drawn(0, unit)
    return (
        drawn.layer((8,), (IMAGE, drawn.dense(10, 8))),
        drawn.layer((8,), (0, drawn.dense(8, 8))),
        drawn.layer((8,), (1, drawn.dense(8, 8)), (0, identity(8))),
        drawn.logits((2, drawn.dense(8, 3))),
    )


def strided():
    """Return a block of convolutions with a strided convolution of 1 x 1 as the shortcut."""
    drawn = Drawn(1)
    return (
        drawn.layer((6, 6, 4), (IMAGE, drawn.conv(IMAGES, 4))),
        drawn.layer((3, 3, 6), (0, drawn.conv((6, 6, 4), 6, stride=2))),
        drawn.layer(
            (3, 3, 6), (1, drawn.conv((3, 3, 6), 6)), (0, drawn.conv((6, 6, 4), 6, 1, stride=2))
        ),
        drawn.logits((2, AveragePool2D((3, 3, 6), 3), drawn.dense(6, 3))),
    )


def concatenation():
    """Return a layer behind the activations of two layers."""
    drawn = Drawn(2)
    return (
        drawn.layer((6,), (IMAGE, drawn.dense(10, 6))),
        drawn.layer((5,), (0, drawn.dense(6, 5))),
        drawn.layer((7,), (0, drawn.dense(6, 7)), (1, drawn.dense(5, 7))),
        drawn.logits((2, drawn.dense(7, 3))),
    )


def image_again():
    """Return layers that the image enters too, one of them the last."""
    drawn = Drawn(3)
    return (
        drawn.layer((6,), (IMAGE, drawn.dense(10, 6))),
        drawn.layer((7,), (0, drawn.dense(6, 7)), (IMAGE, drawn.dense(10, 7))),
        drawn.logits((1, drawn.dense(7, 3)), (IMAGE, drawn.dense(10, 3))),
    )


def pooled_branch():
    """Return a sum behind max pooling on one way and a convolution on the other."""
    drawn = Drawn(4)
    return (
        drawn.layer((6, 6, 4), (IMAGE, drawn.conv(IMAGES, 4))),
        drawn.layer((3, 3, 4), (0, drawn.conv((6, 6, 4), 4, stride=2))),
        MaxPool("a pool", 0, MaxPool2D((6, 6, 4), (2, 2), (2, 2), np.dtype(F32))),
        drawn.layer((3, 3, 5), (2, drawn.conv((3, 3, 4), 5, 1)), (1, drawn.conv((3, 3, 4), 5, 1))),
        drawn.logits((3, drawn.dense(45, 3))),
    )


def grouped():
    """Return a grouped convolution, and a part of its channels in another order."""
    drawn = Drawn(5)
    some = tuple(int(i) for i in drawn.rng.permutation(144)[:40]) + (-1,) * 5
    return (
        drawn.layer((6, 6, 4), (IMAGE, drawn.conv(IMAGES, 4))),
        drawn.layer((6, 6, 4), (0, drawn.conv((6, 6, 4), 4, groups=2))),
        drawn.layer((9,), (1, Rearranged(some, 144, F32), drawn.dense(45, 9))),
        drawn.logits((2, drawn.dense(9, 3))),
    )


GRAPHS = {
    "residual": (residual, FLAT),
    "strided": (strided, IMAGES),
    "concatenation": (concatenation, FLAT),
    "image again": (image_again, FLAT),
    "pooled branch": (pooled_branch, IMAGES),
    "groups": (grouped, IMAGES),
}


def converted(layers, pixels, recipe, key=None):
    """Convert a graph of layers, as `jsnn.convert` does with those of a model."""
    rows = pixels.reshape(len(pixels), -1)
    found = activations(layers, rows)
    sample = Sample(tuple(layers), rows, found, key)
    prepared = prepare(layers, recipe.scale(sample, recipe), recipe)
    if recipe.calibrate is not None:
        prepared = recipe.calibrate(sample, recipe, prepared)
    built = build(prepared, recipe)
    return built.network, Conversion(
        recipe=recipe,
        layers=tuple(map(_report, layers, built.layers)),
        ann=tuple(layers),
        readout=recipe.output.readout(built.layers[-1]),
        image_shape=pixels.shape[1:],
        image_range=(0.0, 1.0),
        least_steps=least_steps(built.network, recipe),
        built=built,
    )


def _report(layer, population):
    scale = (float(population.unit.min()), float(population.unit.max()))
    return LayerReport(layer.name, population.name, layer.size, scale, np.nan, np.nan)


def matrix(*parts):
    """Return the dense matrix of connectivities in a row, float64 [pre, post]."""
    rows = jnp.eye(parts[0].num_pre, dtype=F32)
    through = functools.partial(functools.reduce, lambda x, part: part.deliver(x), parts)
    return np.asarray(jax.jit(jax.vmap(through))(rows), np.float64)
