"""Small models to convert, and images for them.

NumPy draws the parameters, since JAX compiles a program for each shape that it draws.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import jsnn
from jsnn.conversion.layers import activations


def flatten(x):
    return x.reshape(len(x), -1)


def images(number=40, shape=(12,)):
    return np.random.default_rng(0).random((number, *shape)).astype(np.float32)


def drawn(deviation=None):
    """Return an initializer of normal numbers; the default deviation is fan_in^(-1/2)."""

    def initial(key, shape, dtype=jnp.float32, out_sharding=None):
        scale = math.prod(shape[:-1]) ** -0.5 if deviation is None else deviation
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return jnp.asarray(random.normal(0, scale, shape).astype(dtype))

    return initial


def linear(pre=12, post=7, bias=0.3, rngs=None, **kwargs):
    rngs = rngs or nnx.Rngs(0)
    return nnx.Linear(pre, post, kernel_init=drawn(), bias_init=drawn(bias), rngs=rngs, **kwargs)


def conv(pre=2, post=3, size=(3, 3), rngs=None, **kwargs):
    return nnx.Conv(pre, post, size, kernel_init=drawn(), rngs=rngs or nnx.Rngs(0), **kwargs)


def perceptron(activation, sizes=(12, 16, 8, 4)):
    rngs = nnx.Rngs(0)
    layers = []
    for i, (pre, post) in enumerate(itertools.pairwise(sizes)):
        layers += [activation()] * (i > 0)
        layers.append(linear(pre, post, bias=0.1, rngs=rngs))
    return nnx.Sequential(*layers)


def relu():
    return nnx.relu


def convolutional(pool):
    """Return a model whose batch normalisation has seen images."""
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        conv(2, 3, (3, 3), padding="SAME", rngs=rngs),
        nnx.BatchNorm(3, rngs=rngs),
        nnx.relu,
        functools.partial(pool, window_shape=(2, 2), strides=(2, 2)),
        conv(3, 4, (2, 2), strides=2, padding="VALID", rngs=rngs),
        nnx.BatchNorm(4, rngs=rngs),
        nnx.relu,
        flatten,
        nnx.Dropout(0.5, rngs=rngs),
        linear(16, 3, bias=0.1, rngs=rngs),
    )
    for _ in range(3):
        answer(model, images(64, (8, 8, 2)) * 2 + 1)  # statistics that are not 0 and 1
    return model


def answer(model, pixels):
    """Return what a model computes, as one compiled program."""
    return np.asarray(_answer(model, jnp.asarray(pixels)))


def first_activation(model, pixels):
    """Return the activation of the first hidden layer of a perceptron."""
    return answer(nnx.Sequential(*model.layers[:2]), pixels)


def logits_of(layers, pixels):
    """Return what the layers of a conversion compute."""
    return activations(layers, pixels.reshape(len(pixels), -1))[-1]


def evidence(network, found, pixels, num_steps):
    """Return the evidence after each step, [n, T, classes]."""
    run = lambda drive: jsnn.simulate(  # noqa: E731
        network, drive, num_steps, record={"read": found.readout.recording}
    )[1]["read"]
    recorded = jax.jit(jax.vmap(run))(found.drive(pixels))
    return np.asarray(jax.vmap(found.recipe.output.evidence)(recorded))


@nnx.jit
def _answer(model, x):
    return model(x)
