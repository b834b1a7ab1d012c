"""Layers read from a model against the logits of the model itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import jsnn
from jsnn.conversion import QCFS, flatten, recipes
from jsnn.conversion.flax_readers.read_flax import read_flax
from tests.conversion.models import answer, conv, images, linear, logits_of

ROBUST = recipes.rueckauer_2017(100.0, v_init=0.5)
IMAGE = (6, 6, 2)


def norm(features, **kwargs):
    """Return a layer whose statistics are not 0 and 1; some factors are negative."""
    layer = nnx.BatchNorm(features, rngs=nnx.Rngs(0), **kwargs)
    rng = np.random.default_rng(features)
    for value, low in ((layer.mean, -1), (layer.var, 0.5), (layer.scale, -1), (layer.bias, -1)):
        value[...] = jnp.asarray(rng.uniform(low, 2, features), jnp.float32)
    return layer


def pool(of, size=2):
    return functools.partial(of, window_shape=(size, size), strides=(size, size))


def own_logits(model, pixels):
    model.eval()
    with jax.numpy_dtype_promotion("standard"):  # nnx.avg_pool needs it
        return answer(model, pixels)


MODELS = {
    "norm of the input": (lambda: [norm(12), linear()], (12,)),
    "norm of an image": (lambda: [norm(2), conv(), nnx.relu, flatten, linear(108)], IMAGE),
    "norm of activations": (lambda: [linear(), nnx.relu, norm(7), linear(7, 3)], (12,)),
    "norm before a frame": (
        lambda: [conv(), nnx.relu, norm(3), conv(3, 4), flatten],
        IMAGE,
    ),
    "norm of averages": (
        lambda: [
            conv(),
            nnx.relu,
            pool(nnx.avg_pool),
            norm(3),
            conv(3, 4, padding="VALID"),
            flatten,
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
    "maxima of maxima": (
        lambda: [conv(), nnx.relu, pool(nnx.max_pool), pool(nnx.max_pool, 3), flatten, linear(3)],
        IMAGE,
    ),
    "ReLU twice": (lambda: [linear(), nnx.relu, nnx.relu, linear(7, 3)], (12,)),
    "ReLU of averages": (
        lambda: [conv(), nnx.relu, pool(nnx.avg_pool), nnx.relu, flatten, linear(27)],
        IMAGE,
    ),
    "ReLU wrapped": (
        lambda: [linear(), functools.partial(nnx.relu), linear(7), nnx.jit(nnx.relu), linear(7)],
        (12,),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_layers_as_read_compute_the_logits_of_the_model(name):
    layers, shape = MODELS[name]
    model, pixels = nnx.Sequential(*layers()), images(10, shape)
    logits = own_logits(model, pixels)
    error = np.abs(logits_of(read_flax(model, shape), pixels) - logits).max()
    assert error < 1e-5 * np.abs(logits).max()


@pytest.mark.parametrize(
    "name", ["norm before a frame", "norm of each place", "average at the end", "maxima of maxima"]
)
@jax.numpy_dtype_promotion("standard")
def test_decoded_logits_tend_to_those_of_the_model(name):
    layers, shape = MODELS[name]
    model, pixels = nnx.Sequential(*layers()), images(10, shape)
    network, found = jsnn.convert(model, pixels, ROBUST)
    assert len(network.sizes) == len(found.layers)
    logits = own_logits(model, pixels)
    decoded = found.values(pixels, 200)[-1]
    assert np.abs(decoded - logits).max() < 0.05 * np.abs(logits).max()


class Nested(linen.Module):
    """Model whose last layer is named Dense_0."""

    activation: object = linen.relu

    @linen.compact
    def __call__(self, x):
        return linen.Dense(12)(self.activation(linen.Dense(12)(x)))


class Named(linen.Module):
    def setup(self):
        self.last, self.first = linen.Dense(3), linen.Dense(6, use_bias=False)

    def __call__(self, x):
        return self.last(linen.relu(self.first(x)))


class Normal(linen.Module):
    @linen.compact
    def __call__(self, x):
        norm = linen.BatchNorm(use_running_average=True, use_scale=False, use_bias=False)
        return linen.Dense(3)(linen.relu(norm(linen.Dense(6)(x))))


def initialised(model, shape=(12,)):
    """Return variables of a Linen model that NumPy draws."""
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, *shape)))
    random = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: jnp.asarray(random.normal(0, 0.3, leaf.shape).astype(leaf.dtype)), shapes
    )


def bound(model, shape=(12,)):
    return model.bind(initialised(model, shape))


@pytest.mark.parametrize(
    "model",
    [Nested(), Named(), linen.Sequential([linen.Dense(5), linen.relu, linen.Dense(4)])],
)
def test_a_bound_linen_model_is_read_in_the_order_of_its_calls(model):
    model, pixels = bound(model), images()
    _, found = jsnn.convert(model, pixels, ROBUST)
    own = model(jnp.asarray(pixels))
    np.testing.assert_allclose(logits_of(found.ann, pixels), own, rtol=1e-4, atol=1e-5)


class Flattening(linen.Module):
    """Model that flattens images by itself, in front of its first or its second layer."""

    first: int = 0
    axes: tuple[int, ...] = (0, 1, 2, 3)

    @linen.compact
    def __call__(self, x):
        for number in range(3):
            if number == self.first:
                x = jnp.transpose(x, self.axes).reshape(len(x), -1)
            x = linen.Dense(3 + number)(linen.relu(x) if number else x)
        return x


@pytest.mark.parametrize("first", [0, 1])
def test_a_bound_linen_model_may_flatten_images(first):
    shape = (4, 5, 2)
    model, pixels = bound(Flattening(first), shape), images(20, shape)
    _, found = jsnn.convert(model, pixels, ROBUST)
    own = model(jnp.asarray(pixels))
    flat = pixels.reshape(20, -1)
    np.testing.assert_allclose(logits_of(found.ann, flat), own, rtol=1e-4, atol=1e-5)


def test_flattening_in_another_order_is_found_by_its_logits():
    shape = (4, 5, 2)
    model = bound(Flattening(0, (0, 2, 1, 3)), shape)
    with pytest.raises(ValueError, match="its logits are not those of its layers"):
        jsnn.convert(model, images(20, shape), ROBUST)


def abstract(only=None):
    """Return a model whose kernels and biases, or the kernel of one layer, have no numbers."""
    model = nnx.Sequential(linear(), norm(7), nnx.relu, linear(7))
    if only is None:
        graph, state = nnx.split(model)
        return nnx.merge(graph, jax.eval_shape(lambda: state))
    model.layers[only].kernel = nnx.Param(jax.ShapeDtypeStruct((7, 7), jnp.float32))
    return model


def shapes_of(model):
    return jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 12)))


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (lambda: abstract(), r"\['layers'\]\[0\]\['bias'\]"),
        (lambda: abstract(3), r"\['layers'\]\[3\]\['kernel'\]"),
        (lambda: Named().bind(shapes_of(Named())), r"\['params'\]\['first'\]\['kernel'\]"),
        (lambda: shapes_of(Nested()), r"\['params'\]\['Dense_0'\]\['bias'\]"),
    ],
    ids=["nnx", "one layer", "bound", "variables"],
)
def test_a_model_that_was_not_restored_is_named(model, what):
    with pytest.raises(TypeError, match=f"model, {what}: given the shape .*without numbers"):
        jsnn.convert(model(), images(), ROBUST)


@pytest.mark.parametrize("traced", ["images", "model", "nothing"])
def test_a_conversion_inside_jit_names_the_way_out(traced):
    graph, state = nnx.split(nnx.Sequential(linear()))

    def converted(leaf):
        model = nnx.merge(graph, leaf if traced == "model" else state)
        pixels = leaf if traced == "images" else images()
        return jsnn.convert(model, pixels, ROBUST)[1].least_steps

    with pytest.raises(TypeError, match=r"called inside jax\.jit.*convert first, and trace the n"):
        jax.jit(converted)({"images": images(), "model": state, "nothing": 0}[traced])


def test_a_model_that_is_mapped_over_is_named():
    graph, state = nnx.split(nnx.Sequential(linear()))
    many = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    convert = lambda state: jsnn.convert(nnx.merge(graph, state), images(), ROBUST)[1].least_steps  # noqa: E731
    with pytest.raises(TypeError, match=r"model, \['layers'\]\[0\].*given traced values"):
        jax.vmap(convert)(many)


def test_traced_images_of_a_drive_are_named():
    _, found = jsnn.convert(nnx.Sequential(linear()), images(), ROBUST)
    with pytest.raises(TypeError, match="images: given traced values; expected numbers"):
        jax.jit(found.drive)(images())


def test_linen_parameters_alone_are_in_the_order_of_their_numbers():
    tree, pixels = initialised(Nested()), images()
    read = logits_of(read_flax(tree, (12,)), pixels)
    first, second = (jax.tree.map(np.asarray, tree["params"][f"Dense_{i}"]) for i in range(2))
    hidden = np.maximum(pixels @ first["kernel"] + first["bias"], 0)
    expected = hidden @ second["kernel"] + second["bias"]
    np.testing.assert_allclose(read, expected, rtol=1e-4, atol=1e-5)


class NeedsMode(nnx.Module):
    def __call__(self, x, train):
        return x


class Two(nnx.Module):
    def __call__(self, x):
        return x, x


class Uncalled(nnx.Module):
    pass


def of_dtype(**kwargs):
    return nnx.Sequential(linear(), nnx.relu, linear(7, 3, **kwargs))


def dense(**changes):
    kernel = np.ones((12, 3), np.float32)
    return {"params": {"Dense_0": {"kernel": kernel, "bias": kernel[0], **changes}}}


def spoilt(layer, **changes):
    for name, value in changes.items():
        getattr(layer, name)[...] = value
    return layer


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (initialised(Normal()), ValueError, "model, collection 'batch_stats': .* 'params' alone"),
        (bound(Normal()), ValueError, "model, collection 'batch_stats': .* 'params' alone"),
        (bound(Nested(linen.tanh)), ValueError, "its logits are not those of its layers"),
        (Nested(), TypeError, r"given Nested, a Linen module without parameters; .*bind"),
        (
            bound(linen.Sequential([linen.Dense(3), linen.LayerNorm()])),
            ValueError,
            "'layers_1': given a LayerNorm with parameters; expected Dense",
        ),
        (dense(bias=np.ones(4, np.float32)), ValueError, r"Dense_0, bias: given shape \(4,\)"),
        (dense(kernel=np.ones((12, 3))), TypeError, "Dense_0, kernel: given .*float64.* x64"),
        (of_dtype(param_dtype=jnp.bfloat16), TypeError, r"2 \(Linear\), kernel: given bfloat16"),
        (of_dtype(dtype=jnp.bfloat16), TypeError, r"2 \(Linear\), dtype: given bfloat16"),
        (
            nnx.Sequential(linear(param_dtype=jnp.float16)),
            TypeError,
            r"0 \(Linear\), kernel: given .*float16",
        ),
        (
            nnx.Sequential(linear(), norm(7, dtype=jnp.bfloat16)),
            TypeError,
            r"1 \(BatchNorm\), dtype: given bfloat16",
        ),
        (
            nnx.Sequential(linear(), spoilt(norm(7), var=-jnp.ones(7))),
            ValueError,
            r"1 \(BatchNorm\), var: given -1; expected variances >= 0",
        ),
        (
            nnx.Sequential(linear(), nnx.relu, linear(9, 3)),
            ValueError,
            r"model, layer 2 \(Linear\): takes 9 features, and layer 0 \(Linear\) gives \(7,\)",
        ),
        (
            nnx.Sequential(linear(), nnx.relu, QCFS(2), linear(7)),
            ValueError,
            r"layer 2 \(QCFS\): given after the activation of layer 0 \(Linear\)",
        ),
    ],
)
def test_a_layer_that_cannot_be_read_is_named(model, error, message):
    with pytest.raises(error, match=message):
        jsnn.convert(model, images(), ROBUST)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [conv(padding=2)],
            r"layer 0 .*given padding 2; expected 'VALID', here .*\(\(0, 0\), \(0,",
        ),
        ([conv(), nnx.relu, conv()], r"2 \(Conv\): takes 2 channels, and layer 0 \(Conv\) gives"),
        ([conv(), pool(nnx.avg_pool, 7)], r"1 \(avg_pool\): given a window of \(7, 7\) on"),
        ([conv()], r"returns shape \(5, 6, 6, 3\); expected the logits"),
        ([conv(), pool(nnx.max_pool)], r"layer 1 \(max_pool\): given as the last layer"),
        ([pool(nnx.avg_pool), nnx.relu], r"1 \(relu\): given after layer 0 \(avg_pool\)"),
        (
            [
                conv(),
                nnx.relu,
                functools.partial(nnx.avg_pool, window_shape=(3, 3), padding="SAME"),
            ],
            r"given padding 'SAME'; expected 'VALID', here",
        ),
    ],
)
def test_a_layer_of_images_that_cannot_be_read_is_named(layers, message):
    with pytest.raises(ValueError, match=message):
        jsnn.convert(nnx.Sequential(*layers), images(5, IMAGE), ROBUST)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NeedsMode(), "called with images alone: missing a required argument: 'train'"),
        (Two(), "returns a tuple; expected an array"),
        (Uncalled(), "given Uncalled; expected one that can be called"),
        (initialised(Named()), "given dict; expected a Module of Flax NNX"),
    ],
)
def test_a_model_that_cannot_be_compared_with_its_composition_is_refused(model, message):
    with pytest.raises(TypeError, match=message):
        jsnn.convert(model, images(), ROBUST, composition=[linear()])


def test_dtypes_are_not_mixed():
    with jax.enable_x64(True):
        model = nnx.Sequential(linear(), nnx.relu, linear(7, 3, param_dtype=jnp.float64))
        with pytest.raises(TypeError, match=r"2 \(Linear\), kernel: given float64; expected float"):
            jsnn.convert(model, images(), ROBUST)


class Different(nnx.Module):
    """Model that changes the logits of its layers."""

    def __init__(self, change, activation):
        self.layers = nnx.List([linear(), activation, linear(7, 3)])
        self.change = change

    def __call__(self, x):
        return self.change(x, functools.reduce(lambda a, layer: layer(a), self.layers, x))


def converted(change, activation, pixels):
    model = Different(change, activation)
    return jsnn.convert(model, pixels, ROBUST, composition=list(model.layers))


@pytest.mark.parametrize("activation", [nnx.relu, QCFS(4, 2.0)])
@pytest.mark.parametrize("factor", [1.1, 100.0])
def test_logits_that_differ_on_a_few_images_are_refused(factor, activation):
    pixels = images(100)
    few = float(np.sort(pixels[:, 0])[-4])
    with pytest.raises(ValueError, match="its logits are not those of its layers"):
        converted(lambda x, o: jnp.where(x[:, :1] > few, factor * o, o), activation, pixels)


def test_the_model_computes_its_logits_at_full_precision():
    asked = []

    def note(x, logits):
        asked.append(jax.config.jax_default_matmul_precision)
        return logits

    converted(note, nnx.relu, images())
    assert asked == ["highest"]
