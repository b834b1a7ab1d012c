"""Models that cannot be converted, and the messages that say so."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import jsnn
from jsnn.conversion import QCFS, recipes
from jsnn.conversion.reading.model import model_of, read
from tests.conversion.architectures import norm
from tests.conversion.models import conv, images, linear

ROBUST = recipes.rueckauer_2017(100.0, v_init=0.5)
W = jnp.asarray(np.random.default_rng(0).normal(size=(12, 7)), jnp.float32)
V = jnp.asarray(np.random.default_rng(1).normal(size=(7, 3)), jnp.float32)


def between(function):
    """Return a model with a function between two products."""
    return lambda x: function(x @ W) @ V


class Normed(nnx.Module):
    def __init__(self):
        self.first, self.norm, self.last = linear(), nnx.LayerNorm(7, rngs=nnx.Rngs(0)), linear(7)

    def __call__(self, x):
        return self.last(nnx.relu(self.norm(self.first(x))))


def maxima(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2), (1, 2), "VALID")


def other_norm(x):
    return x / jnp.sqrt((x * x).sum())


HERE = r"(in \w+ )?at test_refusals\.py:\d+ cannot be converted"
REFUSED = {
    "softmax": (
        lambda x: jax.nn.softmax(x @ W),
        f"max of .* in softmax {HERE}, since .*; expected logits .leave out a softmax at the end",
    ),
    "sigmoid": (between(jax.nn.sigmoid), f"logistic of .1, 7. {HERE}.*expected ReLU in place of"),
    "tanh": (
        between(jnp.tanh),
        f"tanh of .1, 7. {HERE}, since it is not linear and no ReLU; .*ReLU",
    ),
    "GELU": (between(jax.nn.gelu), f"integer_pow of .1, 7. in gelu {HERE}.*in place of gelu"),
    "softplus": (between(jax.nn.softplus), f"{HERE}.* no ReLU; expected ReLU in place of softplus"),
    "hard tanh": (between(jax.nn.hard_tanh), f"{HERE}.*expected jnp.clip.x, -1, 1. in place of"),
    "min pooling": (
        lambda x: jnp.min((x @ W[:, :6]).reshape(-1, 3, 2), -1) @ V[:3],
        f"reduce_min of .*{HERE}.*expected max or average pooling in place of min pooling",
    ),
    "ELU": (between(jax.nn.elu), f"expm1 of .* {HERE}.*in place of elu"),
    "exp": (lambda x: jnp.exp(x @ W), f"exp of .1, 7. {HERE}.*leave out a softmax at the end"),
    "LayerNorm": (Normed(), f"square of .1, 7. {HERE}.*expected batch normalisation in place"),
    "a norm": (between(other_norm), f"mul of .* {HERE}, since both of its factors .*GroupNorm"),
    "attention": (lambda x: (x @ W) @ (x @ W).T, f"dot_general of .*{HERE}, since both of its fac"),
    "an inverse": (between(lambda x: 1 / x), f"div of .* {HERE}, since it divides by what depends"),
    "while": (
        lambda x: jax.lax.while_loop(lambda c: c.sum() > 0, lambda c: c - 1, x @ W),
        f"while of .* {HERE}, since its control flow",
    ),
    "cond": (
        lambda x: jax.lax.cond(x.sum() > 0, lambda y: y @ W, lambda y: -y @ W, x),
        f"convert_element_type of .. {HERE}, since a condition depends on the image",
    ),
    "a condition in Python": (
        lambda x: x @ W if x.sum() > 0 else -x @ W,
        r"model: it needs the numbers of its image at test_refusals.py:\d+ .*no condition, loop",
    ),
    "NumPy": (
        lambda x: np.maximum(x @ W, 0) @ V,
        r"numbers of its image at test_refusals.py:\d+ .*jax.numpy in place of NumPy",
    ),
    "a batch of one image": (
        lambda x: x.reshape(1, 12) @ W,
        r"returns shape \(1, 7\); expected the logits",
    ),
    "a jump": (
        between(lambda x: jnp.where(x > 0, x + 1, 0)),
        f"select_n of .* {HERE}, since its two cases do not meet",
    ),
    "integers": (
        lambda x: W[(x[:, :3] * 5).astype(int)].sum(-1),
        f"{HERE}, since it rounds to integers",
    ),
    "rounding": (between(jnp.floor), "dot_general at .*: rounds its values and does not clip them"),
    "uneven levels": (
        between(lambda x: jnp.floor(jnp.clip(x, 0, 1) * 3.5 + 0.5)),
        f"{HERE}, since it rounds 3.5 levels with an offset of 0.5; expected a whole number",
    ),
    "maxima of the image": (
        lambda x: maxima(x) @ V[:6],
        f"{HERE}, since it is of the image itself",
    ),
    "maxima without activation": (
        lambda x: maxima(x @ W) @ V[:3],
        f"{HERE}, since reduce_window_max at .* is of a value without an activation; expected ReLU",
    ),
    "activation at the end": (
        lambda x: jax.nn.relu(x @ W),
        "dot_general at .*: given as the last la",
    ),
    "no weights": (lambda x: jax.nn.relu(x)[:, :3], "given no layer with weights"),
    "no image": (
        lambda x: jnp.zeros((1, 3)) + 0 * x @ W[:, :3],
        "its logits do not depend on the im",
    ),
    "statistics of the batch": (
        between(lambda x: x - x.mean(0, keepdims=True)),
        "its logits do not depend on the",
    ),
    "no number": (
        lambda x: x @ (W * jnp.nan),
        "constant of dot_general at .*: given NaN; expected",
    ),
    "a parameter that is no number": (
        nnx.Sequential(linear(bias=np.inf)),
        r"model, layers\.0: given .*; expected finite numbers \(was the model trained",
    ),
    "a negative variance": (
        nnx.Sequential(linear(), nnx.BatchNorm(7, rngs=nnx.Rngs(0), epsilon=-2.0)),
        "given NaN; expected finite numbers",
    ),
    "a conv of a matrix": (nnx.Sequential(conv()), "the model takes neither a batch of shape"),
    "other features": (
        nnx.Sequential(linear(10)),
        r"batch of shape \[1, 12\] nor one image of shape",
    ),
    "another argument": (
        lambda x, train: x @ W,
        r"takes neither .*missing 1 required positional argument: 'train'\); expected images as",
    ),
    "a class": (
        lambda x: jnp.argmax(x @ W, -1),
        r"returns shape \(1,\); expected the logits, \[n, ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@jax.numpy_dtype_promotion("standard")
def test_what_cannot_be_converted_is_named_with_its_line(name):
    model, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        converted(model)


def converted(model, pixels=None):
    pixels = images() if pixels is None else pixels
    return read(model_of(model, pixels), pixels)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: (x, x), "returns a tuple; expected one array"),
        (nnx.Dict(), "given Dict; expected one that can be called"),
        (3, "given int; expected one that can be called"),
        (nnx.Linear, "given the class Linear; expected an instance of it"),
        ({"params": np.ones(3)}, "given dict; expected one that can be called"),
        (linen.Dense(3), r"given Dense, a Linen module without parameters; expected module\.bind"),
        (
            lambda x: (x.astype(jnp.bfloat16) @ W.astype(jnp.bfloat16)).astype(jnp.float32),
            r"convert_element_type of \[1, 12\] at .* computes in bfloat16; expected float32",
        ),
        (lambda x: (x @ W).astype(jnp.bfloat16), "returns logits of bfloat16; expected float32"),
    ],
    ids=[
        "tuple",
        "no call",
        "number",
        "class",
        "variables",
        "unbound",
        "bfloat16",
        "bfloat16 logits",
    ],
)
def test_a_model_of_the_wrong_kind_is_named(model, message):
    with pytest.raises(TypeError, match=message):
        converted(model)


def test_data_types_are_not_mixed():
    with jax.enable_x64(True):
        model = nnx.Sequential(linear(), nnx.relu, linear(7, 3, param_dtype=jnp.float64))
        with pytest.raises(
            TypeError, match=r"goes on in float64 with what was computed in float32"
        ):
            converted(model)


def abstract(only=None):
    """Return a model whose kernels and biases, or the kernel of one layer, have no numbers."""
    model = nnx.Sequential(linear(), norm(7), nnx.relu, linear(7))
    if only is None:
        graph, state = nnx.split(model)
        return nnx.merge(graph, jax.eval_shape(lambda: state))
    model.layers[only].kernel = nnx.Param(jax.ShapeDtypeStruct((7, 7), jnp.float32))
    return model


def bound_to_shapes():
    model = linen.Dense(3)
    return model.bind(jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 12))))


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (lambda: abstract(), r"layers\.0\.bias"),
        (lambda: abstract(3), r"layers\.3\.kernel"),
        (bound_to_shapes, "bias"),
    ],
    ids=["nnx", "one layer", "bound"],
)
def test_a_model_that_was_not_restored_is_named(model, what):
    with pytest.raises(TypeError, match=f"model, {what}: given the shape .*without numbers"):
        jsnn.convert(model(), images(), ROBUST)


@pytest.mark.parametrize("traced", ["images", "model", "nothing"])
def test_a_conversion_inside_jit_names_the_way_out(traced):
    graph, state = nnx.split(nnx.Sequential(linear()))

    def of(leaf):
        model = nnx.merge(graph, leaf if traced == "model" else state)
        pixels = leaf if traced == "images" else images()
        return jsnn.convert(model, pixels, ROBUST)[1].least_steps

    with pytest.raises(TypeError, match=r"called inside jax\.jit.*convert first, and trace the n"):
        jax.jit(of)({"images": images(), "model": state, "nothing": 0}[traced])


def test_a_model_that_is_mapped_over_is_named():
    graph, state = nnx.split(nnx.Sequential(linear()))
    many = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    convert = lambda state: jsnn.convert(nnx.merge(graph, state), images(), ROBUST)[1].least_steps  # noqa: E731
    with pytest.raises(TypeError, match=r"model, layers\.0.*given traced values"):
        jax.vmap(convert)(many)


def test_traced_images_of_a_drive_are_named():
    _, found = jsnn.convert(nnx.Sequential(linear()), images(), ROBUST)
    with pytest.raises(TypeError, match="images: given traced values; expected numbers"):
        jax.jit(found.drive)(images())


class MixesTheBatch(nnx.Module):
    """Model whose logits of an image depend on the others of the batch."""

    def __init__(self, change, activation):
        self.layers = nnx.List([linear(), activation, linear(7, 3)])
        self.change = change

    def __call__(self, x):
        logits = functools.reduce(lambda a, layer: layer(a), self.layers, x)
        return logits if len(x) == 1 else self.change(x, logits)


@pytest.mark.parametrize("activation", [nnx.relu, QCFS(4, 2.0)])
@pytest.mark.parametrize("factor", [1.1, 100.0])
def test_logits_that_differ_on_a_few_images_are_refused(factor, activation):
    pixels = images(100)
    few = float(np.sort(pixels[:, 0])[-4])
    model = MixesTheBatch(lambda x, o: jnp.where(x[:, :1] > few, factor * o, o), activation)
    with pytest.raises(ValueError, match="its logits are not those of its layers"):
        jsnn.convert(model, pixels, ROBUST)


def test_the_model_computes_its_logits_at_full_precision():
    asked = []

    def note(x, logits):
        asked.append(jax.config.jax_default_matmul_precision)
        return logits

    jsnn.convert(MixesTheBatch(note, nnx.relu), images(), ROBUST)
    assert asked[-1] == "highest"  # before, the model says which shapes it takes
