"""Models in the styles of several libraries, with parameters that NumPy draws."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from tests.conversion.models import conv, linear


def norm(features, **kwargs):
    """Return batch normalisation whose statistics are not 0 and 1; some factors are negative."""
    layer = nnx.BatchNorm(features, rngs=nnx.Rngs(0), use_running_average=True, **kwargs)
    rng = np.random.default_rng(features)
    for value, low in ((layer.mean, -1), (layer.var, 0.5), (layer.scale, -1), (layer.bias, -1)):
        value[...] = jnp.asarray(rng.uniform(low, 2, features), jnp.float32)
    return layer


def redrawn(tree):
    """Return the arrays of a model drawn by NumPy, variances > 0."""

    def leaf(path, array):
        if not eqx.is_inexact_array(array):
            return array
        random = np.random.default_rng(array.size)
        values = random.normal(0, max(array.shape[-1:] or (1,)) ** -0.5, array.shape)
        if "var" in jax.tree_util.keystr(path):
            values = 1 + np.abs(values)
        return jnp.asarray(values, array.dtype)

    return jax.tree_util.tree_map_with_path(leaf, tree)


class Residual(nnx.Module):
    """Residual network with an identity and a strided shortcut, and a global mean."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.stem, self.stem_norm = conv(2, 4, use_bias=False, rngs=rngs), norm(4)
        self.first, self.first_norm = conv(4, 4, rngs=rngs), norm(4)
        self.second, self.second_norm = conv(4, 4, rngs=rngs), norm(4)
        self.third = conv(4, 6, strides=2, rngs=rngs)
        self.fourth = conv(6, 6, rngs=rngs)
        self.shortcut, self.shortcut_norm = conv(4, 6, (1, 1), strides=2, rngs=rngs), norm(6)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.last = linear(6, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem_norm(self.stem(x)))
        y = nnx.relu(self.first_norm(self.first(x)))
        x = nnx.relu(x + self.second_norm(self.second(y)))
        y = self.fourth(nnx.relu(self.third(x)))
        x = jax.nn.relu(y + self.shortcut_norm(self.shortcut(x)))
        return self.last(self.dropout(x.mean(axis=(1, 2))))


class Separable(nnx.Module):
    """Depthwise separable convolutions, the first one dilated."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.depth = conv(2, 2, feature_group_count=2, kernel_dilation=2, use_bias=False, rngs=rngs)
        self.point, self.norm = conv(2, 6, (1, 1), rngs=rngs), norm(6)
        self.grouped = conv(6, 4, feature_group_count=2, strides=(2, 1), rngs=rngs)
        self.last = linear(4 * 18, 3, rngs=rngs)

    def __call__(self, x):
        x = jax.nn.relu6(self.norm(self.point(self.depth(x))))
        return self.last(nnx.relu(self.grouped(x)).reshape(len(x), -1))


class Padded(nnx.Module):
    """Padding as in PyTorch, 1 on every side also with a stride of 2, by two means."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.first = conv(2, 3, strides=2, padding=((1, 1), (1, 1)), rngs=rngs)
        self.second = conv(3, 3, strides=2, padding="VALID", rngs=rngs)
        self.last = linear(12, 3, rngs=rngs)

    def __call__(self, x):
        x = jnp.maximum(self.first(x), 0)
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return self.last(jnp.where((x := self.second(x)) > 0, x, 0).reshape(-1, 12))


class Inception(nnx.Module):
    """Small inception block: three branches of one image side by side."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.stem = conv(2, 3, rngs=rngs)
        self.one, self.three = conv(3, 2, (1, 1), rngs=rngs), conv(3, 3, rngs=rngs)
        self.after_pool, self.join = conv(3, 2, (1, 1), rngs=rngs), conv(7, 4, rngs=rngs)
        self.last = linear(4, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem(x))
        pooled = nnx.max_pool(x, (3, 3), (1, 1), padding="SAME")
        branches = [self.one(x), self.three(x), self.after_pool(pooled)]
        x = jnp.concatenate([nnx.relu(branch) for branch in branches], axis=-1)
        return self.last(jnp.max(nnx.relu(self.join(x)), axis=(1, 2)))


class LinenSetup(linen.Module):
    def setup(self):
        self.first, self.second = linen.Conv(3, (3, 3)), linen.Conv(4, (2, 2), strides=2)
        self.last = linen.Dense(3)

    def __call__(self, x):
        x = linen.avg_pool(linen.relu(self.first(x)), (2, 2), (2, 2), padding="SAME")
        return self.last(linen.relu(self.second(x)).reshape(x.shape[0], -1))


class LinenCompact(linen.Module):
    @linen.compact
    def __call__(self, x):
        for features in (3, 4):
            x = linen.Conv(features, (3, 3), use_bias=False)(x)
            x = linen.BatchNorm(use_running_average=True)(x)
            x = linen.max_pool(linen.relu(x), (2, 2), strides=(2, 2))
        return linen.Dense(3)(linen.Dropout(0.3, deterministic=True)(x.reshape(len(x), -1)))


def bound(model, shape):
    """Return a Linen model with variables that NumPy draws."""
    with jax.numpy_dtype_promotion("standard"):  # linen.avg_pool needs it
        variables = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, *shape)))
    return model.bind(
        redrawn(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), variables))
    )


def equinox_perceptron():
    key = jax.random.key(0)
    return redrawn(eqx.nn.MLP(12, 3, width_size=8, depth=2, key=key))


class EquinoxConvolutional(eqx.Module):
    """Images have their channels first."""

    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    pool: eqx.nn.MaxPool2d
    last: eqx.nn.Linear

    def __init__(self):
        key = jax.random.key(0)
        self.first = eqx.nn.Conv2d(2, 4, 3, padding=1, key=key)
        self.second = eqx.nn.Conv2d(4, 4, 3, padding=1, groups=2, key=key)
        self.pool = eqx.nn.MaxPool2d(2, 2)
        self.last = eqx.nn.Linear(4 * 9, 3, key=key)

    def __call__(self, x):
        x = jax.nn.relu(self.first(x))
        x = self.pool(jax.nn.relu(x + self.second(x)))
        return self.last(x.ravel())


def plain_function():
    """Return a function of one image, closed over its parameters."""
    random = np.random.default_rng(0)
    first, second, third = (
        jnp.asarray(random.normal(0, 0.4, shape), jnp.float32)
        for shape in ((12, 8), (8, 8), (8, 3))
    )

    @jax.jit
    def logits(image):
        x = (image - 0.5) / 0.25 @ first
        x = x * (x > 0)
        x = x + jnp.clip(x @ second, -1.0, 1.0)
        return jnp.abs(x) @ third + 0.1

    return logits


IMAGE = (6, 6, 2)
CHANNELS_FIRST = (2, 6, 6)

ARCHITECTURES = {
    "residual": (Residual, IMAGE),
    "depthwise separable": (Separable, IMAGE),
    "PyTorch-style padding": (Padded, IMAGE),
    "inception": (Inception, IMAGE),
    "Linen with setup": (lambda: bound(LinenSetup(), IMAGE), IMAGE),
    "Linen compact": (lambda: bound(LinenCompact(), IMAGE), IMAGE),
    "Equinox perceptron": (equinox_perceptron, (12,)),
    "Equinox CNN": (lambda: redrawn(EquinoxConvolutional()), CHANNELS_FIRST),
    "plain function": (plain_function, (12,)),
}
"""Name: (function that makes the model, shape of an image)."""
