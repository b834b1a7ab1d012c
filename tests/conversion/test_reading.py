"""Layers read from a model against the logits of the model itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from jsnn.conversion import QCFS, qcfs, recipes
from jsnn.conversion.layers import Weighted, entering
from jsnn.conversion.reading.model import model_of, read
from tests.conversion.architectures import ARCHITECTURES, norm
from tests.conversion.models import answer, conv, flatten, images, linear, logits_of

ROBUST = recipes.rueckauer_2017(100.0, v_init=0.5)
IMAGE = (6, 6, 2)


def layers_of(model, pixels):
    return read(model_of(model, pixels), pixels)


def relative_error(read, own):
    return np.abs(read - own).max() / np.abs(own).max()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_compute_the_logits_of_any_model(name):
    make, shape = ARCHITECTURES[name]
    model, pixels = make(), images(6, shape)
    function = model_of(model, pixels)
    found = logits_of(read(function, pixels), pixels)
    assert relative_error(found, function.logits(pixels)) < 1e-6


def pool(of, size=2):
    return functools.partial(of, window_shape=(size, size), strides=(size, size))


SEQUENCES = {
    "norm of the input": (lambda: [norm(12), linear()], (12,)),
    "norm of an image": (lambda: [norm(2), conv(), nnx.relu, flatten, linear(108)], IMAGE),
    "norm of activations": (lambda: [linear(), nnx.relu, norm(7), linear(7, 3)], (12,)),
    "norm before a frame": (lambda: [conv(), nnx.relu, norm(3), conv(3, 4), flatten], IMAGE),
    "norm of averages": (
        lambda: [
            *(conv(), nnx.relu, pool(nnx.avg_pool), norm(3)),
            *(conv(3, 4, padding="VALID"), flatten),
        ],
        IMAGE,
    ),
    "norm of maxima": (
        lambda: [conv(), nnx.relu, pool(nnx.max_pool), norm(3), flatten, linear(27)],
        IMAGE,
    ),
    "norm after norm": (
        lambda: [conv(), pool(nnx.avg_pool), norm(3), norm(3), nnx.relu, flatten, linear(27)],
        IMAGE,
    ),
    "norm of each place": (lambda: [conv(), flatten, norm(108), nnx.relu, linear(108)], IMAGE),
    "norm at the end": (lambda: [linear(), nnx.relu, norm(7)], (12,)),
    "norm with an activation": (lambda: [linear(), nnx.relu, norm(7), nnx.relu, linear(7)], (12,)),
    "average at the end": (lambda: [conv(), nnx.relu, pool(nnx.avg_pool, 6), flatten], IMAGE),
    "averages in a frame": (
        lambda: [
            conv(),
            nnx.relu,
            functools.partial(nnx.avg_pool, window_shape=(3, 3), padding="SAME"),
            flatten,
        ],
        IMAGE,
    ),
    "maxima before ReLU": (
        lambda: [conv(), pool(nnx.max_pool), nnx.relu, flatten, linear(27)],
        IMAGE,
    ),
    "maxima of averages": (
        lambda: [conv(), nnx.relu, pool(nnx.avg_pool), pool(nnx.max_pool, 3), flatten, linear(3)],
        IMAGE,
    ),
    "maxima of maxima": (
        lambda: [conv(), nnx.relu, pool(nnx.max_pool), pool(nnx.max_pool, 3), flatten, linear(3)],
        IMAGE,
    ),
    "maxima over all axes": (
        lambda: [
            *(conv(), nnx.relu, lambda x: x.reshape(len(x), 2, 3, 6, 3)),
            *(lambda x: x.max((1, 2, 3)), linear(3)),
        ],
        IMAGE,
    ),
    "weight normalisation": (
        lambda: [nnx.WeightNorm(linear(), rngs=nnx.Rngs(0)), nnx.relu, linear(7, 3)],
        (12,),
    ),
    "ReLU twice": (lambda: [linear(), nnx.relu, nnx.relu, linear(7, 3)], (12,)),
    "ReLU of the image": (lambda: [nnx.relu, linear()], (12,)),
    "ReLU of averages": (
        lambda: [conv(), nnx.relu, pool(nnx.avg_pool), nnx.relu, flatten, linear(27)],
        IMAGE,
    ),
    "QCFS of QCFS": (lambda: [linear(), QCFS(4, 2.0), QCFS(4, 2.0), linear(7)], (12,)),
    "images without channels": (
        lambda: [lambda x: x[..., None], conv(1), nnx.relu, flatten, linear(108)],
        (6, 6),
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
@jax.numpy_dtype_promotion("standard")  # nnx.avg_pool needs it
def test_layers_compute_the_logits_of_a_sequence(name):
    layers, shape = SEQUENCES[name]
    model, pixels = nnx.Sequential(*layers()), images(10, shape)
    found = logits_of(layers_of(model, pixels), pixels)
    model.eval()
    assert relative_error(found, answer(model, pixels)) < 1e-5


@jax.custom_vjp
def straight_through(x):
    return jnp.round(x)


straight_through.defvjp(lambda x: (jnp.round(x), None), lambda _, g: (g,))


def scanned(x):
    return jax.lax.scan(lambda x, w: (jax.nn.relu(x * w), None), x, jnp.array([1.0, 0.5]))[0]


SLOPES = np.linspace(0, 0.7, 8, dtype=np.float32)

ACTIVATIONS = {
    "relu": (jax.nn.relu, "Relu()"),
    "maximum": (lambda x: jnp.maximum(0, x), "Relu()"),
    "where": (lambda x: jnp.where(x < 0, 0, x), "Relu()"),
    "gate": (lambda x: x * (x > 0), "Relu()"),
    "half of x + |x|": (lambda x: (x + jnp.abs(x)) / 2, "Relu()"),
    "not below 0": (lambda x: jnp.where(~(x < 0), x, 0), "Relu()"),
    "PReLU": (lambda x: jnp.where(x >= 0, x, SLOPES * x), "Relu()"),
    "leaky, of channels one of which is silent": (
        lambda x: jax.nn.leaky_relu(SLOPES * x),
        "Relu()",
    ),
    "no choice": (lambda x: jax.nn.relu(jnp.where(x >= x, x, 0)), "Relu()"),
    "leaky": (lambda x: jax.nn.leaky_relu(x, 0.1), "Relu()"),
    "threshold": (lambda x: jnp.maximum(x, 0.3), "Relu()"),
    "minimum": (lambda x: jnp.minimum(x, 0.3), "Relu()"),
    "maxout": (lambda x: jnp.maximum(x, x[..., ::-1]), "Relu()"),
    "relu6": (jax.nn.relu6, "Clipped(highest=6.0)"),
    "clip": (lambda x: jnp.clip(x, -1, 2), "Clipped(highest=3.0)"),
    "min before max": (lambda x: jnp.maximum(jnp.minimum(x, 0.5), 0), "Relu()"),
    "qcfs": (lambda x: qcfs(x, 2.0, 4), "Quantised(threshold=2.0, levels=4)"),
    "equation of qcfs": (
        lambda x: 2.0 * jnp.clip(jnp.floor(x * 4 / 2.0 + 0.5) / 4, 0, 1),
        "Quantised(threshold=2.0, levels=4)",
    ),
    "round": (
        lambda x: 2.0 * jnp.round(jnp.clip(x / 2.0, 0, 1) * 4) / 4,
        "Quantised(threshold=2.0, levels=4)",
    ),
    "straight-through": (
        lambda x: (c := jnp.clip(x, 0, 1)) + jax.lax.stop_gradient(jnp.round(c * 4) / 4 - c),
        "Quantised(threshold=1.0, levels=4)",
    ),
    "custom gradient": (
        lambda x: straight_through(jnp.clip(x, 0, 1.5) * 4) / 4,
        "Quantised(threshold=1.5, levels=6)",
    ),
    "checkpoint": (jax.checkpoint(jax.nn.relu), "Relu()"),
    "scan": (scanned, "Relu()"),
}


def perceptron_with(activation):
    """Return a function of one image with an activation between two products."""
    random = np.random.default_rng(3)
    first, second = (
        jnp.asarray(random.normal(0, 1, shape), jnp.float32) for shape in ((12, 8), (8, 3))
    )
    return lambda image: activation(image @ first - 0.2) @ second


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_read_in_any_writing(name):
    activation, expected = ACTIVATIONS[name]
    model, pixels = perceptron_with(activation), images(30)
    layers = layers_of(model, pixels)
    assert str(layers[0].activation) == expected
    found = [layer_by_layer(layers, image) for image in pixels]
    with jax.numpy_dtype_promotion("standard"):
        own = np.stack([model(jnp.asarray(image)) for image in pixels])
    assert relative_error(np.stack(found), own) < 1e-6


def layer_by_layer(layers, image):
    """Return the logits of an image, without compiling a program of the whole."""
    found = []
    for layer in layers:
        found.append(layer(*entering(layer, jnp.asarray(image.ravel()), found)))
    return np.asarray(found[-1])


LINEAR = {
    "einsum": lambda x, w: jnp.einsum("io,...i->...o", w, x),
    "product from the left": lambda x, w: (w.T @ x.T).T,
    "roll": lambda x, w: jnp.roll(x, 2, -1) @ w,
    "repeat": lambda x, w: jnp.repeat(x, 2, -1)[..., :12] @ w,
    "cumulative sum": lambda x, w: jnp.cumsum(x, -1) @ w,
    "split": lambda x, w: sum(p @ w[:6] for p in jnp.split(x, 2, -1)),
    "product of groups": lambda x, w: jnp.einsum(
        "...gi,gio->...go", x.reshape(-1, 3, 4), w.reshape(3, 4, 7)
    ).sum(-2),
    "transposition": lambda x, w: jnp.swapaxes(x.reshape(-1, 3, 4), 1, 2).reshape(-1, 12) @ w,
    "convolution of one dimension": lambda x, w: jax.lax.conv_general_dilated(
        x.reshape(-1, 6, 2),
        w[:6].reshape(3, 2, 7),
        (2,),
        "SAME",
        dimension_numbers=("NHC", "HIO", "NHC"),
    ).sum(1),
    "convolution of several images": lambda x, w: (
        jax.lax.conv_general_dilated(
            x.reshape(-1, 3, 2),
            w[:4].reshape(2, 2, 7),
            (1,),
            ((1, 0),),
            dimension_numbers=("NHC", "HIO", "NHC"),
        )
        .reshape(-1, 6, 7)
        .sum(1)
    ),
    "transposed convolution": lambda x, w: jax.lax.conv_transpose(
        x.reshape(-1, 2, 3, 2), w[:8].reshape(2, 2, 2, 7), (2, 2), "SAME"
    ).mean((1, 2)),
    "padding with ones": lambda x, w: (
        jnp.pad(x[..., :10], ((0, 0), (1, 1)), constant_values=1.0) @ w
    ),
    "replacement": lambda x, w: x.at[..., 2].set(0.5) @ w,
    "tile": lambda x, w: jnp.tile(x, (1,) * (x.ndim - 1) + (2,))[..., 3:15] @ w,
    "weights of integers": lambda x, w: x @ jnp.rint(3 * w).astype(int),
    "gather outside": lambda x, w: (
        jnp.take(x, np.array([3, *range(1, 12), 50]), axis=-1, mode="fill", fill_value=0)
        @ w[np.array([0, *range(12)])]
    ),
    "gather": lambda x, w: x[..., np.array([3, 1, 1, *range(9)])] @ w,
    "dropped at random": lambda x, w: (
        jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, (12,)), x, 0) @ w
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_map_is_read_in_any_writing(name):
    random, pixels = np.random.default_rng(0), images(4)
    w = jnp.asarray(random.normal(size=(12, 7)), jnp.float32)
    v = jnp.asarray(random.normal(size=(7, 12)), jnp.float32)

    def model(x):
        return LINEAR[name](jax.nn.relu(LINEAR[name](x, w) @ v - 0.1), w)

    found = np.stack([layer_by_layer(layers_of(model, pixels), image) for image in pixels])
    with jax.numpy_dtype_promotion("standard"):
        own = np.concatenate([model(jnp.asarray(image[None])) for image in pixels])
    assert relative_error(found, own) < 1e-6


STEPS = {
    "dense": lambda x, w: x @ w,
    "relu": lambda x, w: jax.nn.relu(x),
    "shift": lambda x, w: x - jnp.broadcast_to(w[0], x.shape),
    "scale": lambda x, w: x * jnp.broadcast_to(w[1], x.shape),
    "halve": lambda x, w: x / 2,
    "clip": lambda x, w: jnp.clip(x, -0.2, 0.7),
    "skip": lambda x, w: x + jax.nn.relu(x @ w),
    "difference": lambda x, w: x - jax.nn.relu(x),
    "concatenate": lambda x, w: jnp.concatenate([x[..., 4:], jax.nn.relu(x[..., :4])], -1),
    "flip": lambda x, w: x[..., ::-1],
    "maximum": lambda x, w: jnp.maximum(x, x @ w),
    "mean": lambda x, w: x - x.mean(-1, keepdims=True),
}


@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8), seed=st.integers(0, 5)
)
@settings(max_examples=12, deadline=None)
def test_layers_compute_the_logits_of_a_random_model(names, seed):
    random = np.random.default_rng(seed)
    w = [jnp.asarray(random.normal(0, 0.4, (12, 12)), jnp.float32) for _ in names]
    last = jnp.asarray(random.normal(size=(12, 3)), jnp.float32)

    def model(x):
        for name, each in zip(names, w, strict=True):
            x = STEPS[name](x, each)
        return x @ last

    pixels = images(2) * 2 - 1
    layers = layers_of(model, pixels)
    own = np.concatenate([model(jnp.asarray(image[None])) for image in pixels])
    found = np.stack([layer_by_layer(layers, image) for image in pixels])
    np.testing.assert_allclose(found, own, rtol=1e-4, atol=2e-5)


def test_layers_have_the_names_of_the_parameters():
    make, shape = ARCHITECTURES["residual"]
    layers = layers_of(make(), images(2, shape))
    names = ["stem", "first", "second", "third", "fourth, shortcut", "last"]
    assert [layer.name for layer in layers] == names
    assert [layer.sources for layer in layers] == [(-1,), (0,), (0, 1), (2,), (3, 2), (4,)]


def test_neurons_of_images_with_their_channels_first_have_their_channels_last():
    make, shape = ARCHITECTURES["Equinox CNN"]
    layers = layers_of(make(), images(2, shape))
    assert [layer.shape for layer in layers] == [(6, 6, 4), (6, 6, 4), (3, 3, 4), (3,)]


def test_weights_that_nothing_is_folded_into_keep_their_bits():
    model = nnx.Sequential(linear(), nnx.relu, linear(7, 3))
    layers = layers_of(model, images())
    for layer, of_model in zip(layers, model.layers[::2], strict=True):
        assert isinstance(layer, Weighted)
        np.testing.assert_array_equal(layer.branches[0].parts[0].weights, of_model.kernel[...])
        np.testing.assert_array_equal(layer.bias, of_model.bias[...])


def test_the_model_stays_in_training_mode():
    model = nnx.Sequential(linear(), nnx.Dropout(0.5, rngs=nnx.Rngs(0)), norm(7))
    layers_of(model, images())
    assert not model.layers[1].deterministic


def test_float64_models_give_float64_layers():
    with jax.enable_x64(True):
        model = nnx.Sequential(
            linear(param_dtype=jnp.float64), nnx.relu, linear(7, param_dtype=jnp.float64)
        )
        for pixels in (images(), images().astype(np.float64)):
            layers = layers_of(model, pixels)
            assert {layer.dtype for layer in layers} == {np.dtype(np.float64)}


def test_a_float64_function_may_refuse_images_of_32_bits():
    with jax.enable_x64(True):
        w = jnp.asarray(np.random.default_rng(0).normal(size=(12, 12)))

        def model(image):
            x = jax.nn.relu(jax.lax.mul(image, w[0])) + 1 / 3
            return jnp.pad(x, 1, constant_values=1 / 3)[:12] @ w

        pixels = images(4).astype(np.float64)
        found = np.stack([layer_by_layer(layers_of(model, pixels), image) for image in pixels])
        own = np.stack([model(jnp.asarray(image)) for image in pixels])
        assert relative_error(found, own) < 1e-14
