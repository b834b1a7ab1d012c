"""Reader of Flax models: the linear maps and activations that a model computes, layer by layer."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from jsnn._checks import check_finite, check_type, float_dtype
from jsnn.conversion.activation import Activation, Identity, Quantised, Relu
from jsnn.conversion.channel_scaling import each_neuron, scaled, with_weights
from jsnn.conversion.flax_readers.flatten import flatten
from jsnn.conversion.flax_readers.padding import check_fits, padding_word, pair
from jsnn.conversion.flax_readers.parameters import affine_of, check_has_numbers, weights_of
from jsnn.conversion.flax_readers.read_linen import LinenDense, linen_steps
from jsnn.conversion.layers import Layer, MaxPool, Weighted
from jsnn.conversion.max_pool import MaxPool2D
from jsnn.conversion.qcfs_layer import QCFS
from jsnn.network.connectivity import AveragePool2D, Conv2D, Dense, OneToOne

_EXPECTED = (
    "Linear, Conv, BatchNorm, Dropout, nnx.relu, jsnn.conversion.QCFS, jsnn.conversion.flatten, or "
    "functools.partial of nnx.avg_pool or nnx.max_pool"
)

Shape = tuple[int, ...]


def read_flax(
    model: Any, image_shape: Shape, composition: Sequence[Callable[..., Any]] | None = None
) -> list[Layer]:
    """Read the layers of a trained model, fold batch normalisation in and leave dropout out.

    Args:
      model: `nnx.Sequential`, nested ones too; any `nnx.Module` whose `composition` is given; or
        a Linen model as `linen_steps` takes it.
      image_shape: shape of one input, (features,) or (height, width, channels).
      composition: the layers and functions that the model calls, in that order.

    Raises:
      ValueError: if a layer, named in the message, cannot be converted.
      TypeError: if the model or a layer is of the wrong type.
    """
    if len(image_shape) not in (1, 3):
        raise ValueError(
            f"calibration_images: given images of shape {image_shape}; expected (features,) "
            "or (height, width, channels)"
        )
    check_has_numbers(model)
    if composition is not None:
        check_type(model, nnx.Module, "model", " of Flax NNX, since `composition` is given")
        named = _steps(composition, "")
    elif isinstance(model, (Mapping, linen.Module)):
        named = linen_steps(model, image_shape)
    elif isinstance(model, nnx.Sequential):
        named = _steps(model.layers, "")
    else:
        raise TypeError(
            f"model: given {type(model).__name__}, whose calls cannot be seen; expected an "
            "nnx.Sequential, or its steps in order as `composition`"
        )
    reader = _Reader(image_shape, _dtype(named))
    for name, step in named:
        reader.take(name, _bare(step))
    return reader.finish()


def _steps(layers: Sequence[Any], prefix: str) -> list[tuple[str, Any]]:
    named: list[tuple[str, Any]] = []
    for i, layer in enumerate(layers):
        if isinstance(layer, nnx.Sequential):
            named += _steps(layer.layers, f"{prefix}{i}.")
        else:
            named.append((f"layer {prefix}{i} ({_kind(layer)})", layer))
    return named


def _bare(step: Any) -> Any:
    """Return the function that a jit, or a partial without arguments, calls."""
    step = inspect.unwrap(step)
    if isinstance(step, partial) and not (step.args or step.keywords):
        return _bare(step.func)
    return step


_RELU = _bare(jax.nn.relu)


def _kind(layer: Any) -> str:
    if isinstance(layer, partial):
        return _kind(layer.func)
    return getattr(layer, "__name__", type(layer).__name__)


def _dtype(named: Sequence[tuple[str, Any]]) -> np.dtype[Any]:
    """Return the data type of the first kernel, which all layers have to share."""
    for name, step in named:
        if isinstance(step, (nnx.Linear, nnx.Conv, LinenDense)):
            return float_dtype(np.dtype(step.kernel[...].dtype), f"model, {name}, kernel")
    return np.dtype(np.float32)


class _Part(NamedTuple):
    """Linear map with a bias.

    Attributes:
      connectivity: the map.
      bias: [post].
    """

    connectivity: Any
    bias: np.ndarray


class _Reader:
    """Reader that takes the steps of a model one by one and gathers linear ones in `parts`."""

    def __init__(self, image_shape: Shape, dtype: np.dtype[Any]) -> None:
        self.shape = image_shape
        self.dtype = dtype
        self.layers: list[Layer] = []
        self.parts: list[_Part] = []
        self.names: list[str] = []
        self.pooled: MaxPool | None = None

    def take(self, name: str, step: Any) -> None:
        what = f"model, {name}"
        if isinstance(step, nnx.Dropout):
            return
        if self.pooled is not None and not _is_activation(step):
            raise ValueError(
                f"{what}: given after {self.pooled.name}, with no activation in between; expected "
                "ReLU or QCFS before or after the max pooling"
            )
        if step is flatten:
            self.shape = (prod(self.shape),)
        elif isinstance(step, (nnx.Linear, LinenDense)):
            self._linear(step, name, what)
        elif isinstance(step, nnx.Conv):
            self._convolution(step, name, what)
        elif isinstance(step, nnx.BatchNorm):
            self._fold(step, name, what)
        elif isinstance(step, partial) and step.func is nnx.avg_pool:
            self._average_pool(step, name, what)
        elif isinstance(step, partial) and step.func is nnx.max_pool:
            self._max_pool(step, name, what)
        elif _is_activation(step):
            self._activate(_activation(step, what), what)
        else:
            raise ValueError(
                f"{what}: cannot be converted, since its function is unknown; expected {_EXPECTED}"
            )

    def finish(self) -> list[Layer]:
        if self.pooled is not None or (self.layers and not self.parts):
            last = self.pooled or self.layers[-1]
            raise ValueError(
                f"model, {last.name}: given as the last layer; expected the logits to "
                "come from a Linear, a Conv or average pooling, with no activation on them"
            )
        if not self.parts:
            raise ValueError("model: given no Linear or Conv layer; expected at least one")
        self._close(Identity())
        return self.layers

    @property
    def before(self) -> str:
        """Name of the step that the next one follows."""
        if self.parts:
            return self.names[-1]
        return self.layers[-1].name if self.layers else "the input"

    def _linear(self, step: Any, name: str, what: str) -> None:
        kernel, bias = weights_of(step, self.dtype, what)
        self._check_enters(len(kernel), "features", name)
        if len(self.shape) == 3:  # the same at every place of the image
            self._add(Conv2D(kernel[None, None], _image(self.shape)), bias, name)
            self.shape = (*self.shape[:2], kernel.shape[1])
        else:
            self._add(Dense(kernel), bias, name)
            self.shape = (kernel.shape[1],)

    def _convolution(self, step: nnx.Conv, name: str, what: str) -> None:
        kernel, bias = weights_of(step, self.dtype, what)
        if len(self.shape) != 3 or kernel.ndim != 4:
            raise ValueError(
                f"{what}: given a kernel of shape {kernel.shape} on an input of shape "
                f"{self.shape}; expected a 2D convolution of (height, width, channels)"
            )
        for option in ("input_dilation", "kernel_dilation"):
            if set(np.ravel(getattr(step, option) or 1)) != {1}:
                raise ValueError(f"{what}: {option} cannot be converted; expected 1")
        if step.feature_group_count != 1:
            raise ValueError(
                f"{what}: given feature_group_count={step.feature_group_count}; expected 1"
            )
        self._check_enters(kernel.shape[2], "channels", name)
        if step.mask is not None:
            kernel = kernel * np.asarray(step.mask)
        stride = pair(step.strides)
        window = kernel.shape[:2]
        padding = padding_word(step.padding, self.shape, window, stride, ("VALID", "SAME"), what)
        if padding == "VALID":
            check_fits(window, self.shape, what)
        connectivity = Conv2D(kernel, _image(self.shape), stride=stride, padding=padding)
        self._add(connectivity, bias, name)
        self.shape = connectivity.output_shape

    def _average_pool(self, step: Any, name: str, what: str) -> None:
        window, stride = self._window(step, what)
        connectivity = AveragePool2D(_image(self.shape), window, stride, dtype=self.dtype)
        self._add(connectivity, None, name)
        self.shape = connectivity.output_shape

    def _max_pool(self, step: Any, name: str, what: str) -> None:
        window, stride = self._window(step, what)
        if not self.layers and not self.parts:
            raise ValueError(
                f"{what}: given on the input image; expected it after an activation (pool the "
                "images before)"
            )
        if self.parts and not self._weighted():
            raise ValueError(
                f"{what}: given after {self.before} alone; expected it after an activation"
            )
        pool = MaxPool(name, MaxPool2D(_image(self.shape), window, stride, self.dtype))
        if self.parts:
            self.pooled = pool  # a maximum of activations is the activation of a maximum
        else:
            self.layers.append(pool)
            self.shape = pool.shape

    def _window(self, step: Any, what: str) -> tuple[tuple[int, int], tuple[int, int]]:
        try:
            () = step.args  # the first one would be the input
            given = step.keywords
            window = pair(given["window_shape"])
            stride = pair(given.get("strides") or (1, 1))
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{what}: given {step}; expected window_shape=(down, across)"
            ) from None
        if len(self.shape) != 3:
            raise ValueError(
                f"{what}: given on an input of shape {self.shape}; expected (height, width, "
                "channels)"
            )
        padding_word(given.get("padding", "VALID"), self.shape, window, stride, ("VALID",), what)
        check_fits(window, self.shape, what)
        return window, stride

    def _fold(self, norm: nnx.BatchNorm, name: str, what: str) -> None:
        """Fold a normalisation into the weights in front of it, or else into those behind it."""
        factor, shift = affine_of(norm, self.shape, what)
        weighted = self._weighted()
        if not weighted or not _has_channels(self.parts[weighted[-1]].connectivity, len(factor)):
            each = each_neuron(factor, prod(self.shape)).astype(self.dtype)
            self._add(OneToOne(each), shift, name)
            return
        last = weighted[-1]
        changed = scaled(self.parts[last].connectivity, np.ones(1), factor)
        self.parts[last] = self.parts[last]._replace(connectivity=changed)
        for i, (connectivity, bias) in enumerate(self.parts[last:], last):
            self.parts[i] = _Part(connectivity, bias * each_neuron(factor, len(bias)))
        end = self.parts[-1]
        self.parts[-1] = end._replace(bias=end.bias + each_neuron(shift, len(end.bias)))
        self.names[-1] += " + BatchNorm"

    def _activate(self, activation: Activation, what: str) -> None:
        if not self._weighted():
            if self.layers and isinstance(activation, Relu):
                return  # nothing is below 0 here
            of = "the activation of " if self.layers and not self.parts else ""
            raise ValueError(
                f"{what}: given after {of}{self.before}; expected a Linear or Conv before it"
            )
        self._close(activation)
        if self.pooled is not None:
            self.layers.append(self.pooled)
            self.shape, self.pooled = self.pooled.shape, None

    def _check_enters(self, number: int, kind: str, name: str) -> None:
        """Raise ValueError if a layer takes another number of features or channels."""
        if number == self.shape[-1]:
            return
        if self.layers or self.parts:
            raise ValueError(
                f"model, {name}: takes {number} {kind}, and {self.before} gives {self.shape}; "
                "expected as many"
            )
        raise ValueError(
            f"calibration_images: {name} takes {number} {kind}, and its input has shape "
            f"{self.shape}; expected as many"
        )

    def _weighted(self) -> list[int]:
        return with_weights([part.connectivity for part in self.parts])

    def _add(self, connectivity: Any, bias: np.ndarray | None, name: str) -> None:
        post = connectivity.num_post
        added = np.zeros(post) if bias is None else each_neuron(bias, post).astype(np.float64)
        if self.parts and isinstance(connectivity, (Dense, Conv2D)):
            scale, shift = self.parts[-1]
            if isinstance(scale, OneToOne):
                # Through the weights as they were: a frame of zeros is not shifted.
                added += np.asarray(connectivity.deliver(jnp.asarray(shift, self.dtype)))
                channels = jax.tree.leaves(connectivity)[0].shape[-2]
                connectivity = scaled(connectivity, scale.weights[:channels], np.ones(1))
                self.parts.pop()
        self.parts.append(_Part(connectivity, added))
        self.names.append(name)

    def _close(self, activation: Activation) -> None:
        """Make a layer of the parts that have gathered."""
        if not self._weighted():
            self._add(OneToOne(np.ones(prod(self.shape), self.dtype)), None, "identity")
        total = jnp.zeros(self.parts[0].connectivity.num_pre, self.dtype)
        for connectivity, bias in self.parts:
            total = connectivity.deliver(total) + jnp.asarray(bias, self.dtype)
        parts = tuple(part.connectivity for part in self.parts)
        name = "layer " + ", ".join(name.removeprefix("layer ") for name in self.names)
        self.layers.append(Weighted(name, parts, total, self.shape, activation))
        self.parts, self.names = [], []


def _is_activation(step: Any) -> bool:
    return isinstance(step, QCFS) or step is _RELU


def _activation(step: Any, what: str) -> Activation:
    if not isinstance(step, QCFS):
        return Relu()
    threshold = np.asarray(step.threshold[...])
    check_finite(threshold, f"{what}, threshold")
    if threshold.ndim or threshold <= 0:
        raise ValueError(f"{what}, threshold: given {threshold}; expected one number > 0")
    return Quantised(float(threshold), step.levels)


def _has_channels(connectivity: Any, number: int) -> bool:
    """Return True if the output of a connectivity has that number of channels."""
    return jax.tree.leaves(connectivity)[0].shape[-1] % number == 0


def _image(shape: Shape) -> tuple[int, int, int]:
    height, width, channels = shape
    return height, width, channels
