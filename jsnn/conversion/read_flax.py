"""A Flax model, layer by layer, as the linear maps and activations that it computes."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jsnn._checks import check_finite, check_type
from jsnn.connectivity import AveragePool2D, Conv2D, Dense, OneToOne
from jsnn.conversion.activation import Activation, Identity, Quantised, Relu
from jsnn.conversion.ann import Layer, MaxPool, Weighted, each_neuron, has_weights
from jsnn.conversion.layer import QCFS
from jsnn.conversion.max_pool import MaxPool2D

_RELUS = (jax.nn.relu, nnx.relu)
_EXPECTED = (
    "Linear, Conv, BatchNorm, Dropout, nnx.relu, jsnn.conversion.QCFS, jsnn.conversion.flatten, or "
    "functools.partial of nnx.avg_pool or nnx.max_pool"
)

Shape = tuple[int, ...]


def flatten(x: jax.Array) -> jax.Array:
    """[..., height, width, channels] -> [..., features], a step of a model that can be seen."""
    return x.reshape(*x.shape[:-3], -1)


def read_flax(
    model: Any, image_shape: Shape, composition: Sequence[Callable[..., Any]] | None = None
) -> list[Layer]:
    """The layers of a trained model, batch normalisation folded in and dropout left out.

    Args:
      model: `nnx.Sequential`, nested ones too; any `nnx.Module` whose `composition` is given; or
        the parameters of a Linen model of dense layers with a ReLU between each two.
      image_shape: of one input, (features,) or (height, width, channels).
      composition: what the model calls, in that order.

    Raises ValueError or TypeError that names the layer where one cannot be converted.
    """
    if isinstance(model, Mapping):
        named = _linen_steps(model)
    elif composition is not None:
        named = _steps(composition, "")
    elif isinstance(model, nnx.Sequential):
        named = _steps(model.layers, "")
    else:
        raise TypeError(
            f"model: given {type(model).__name__}, whose calls cannot be seen; expected an "
            "nnx.Sequential, or its steps in order as `composition`"
        )
    reader = _Reader(image_shape)
    for name, step in named:
        reader.take(name, step)
    return reader.finish()


def predictions_of(model: nnx.Module, images: np.ndarray) -> np.ndarray:
    """The model's own logits [n, classes], in evaluation mode; the model is left as it is."""
    copy = nnx.merge(*nnx.split(model))
    copy.eval()
    return np.asarray(copy(jnp.asarray(images)))


class _Batchless(NamedTuple):
    """A dense layer from a parameter tree."""

    kernel: Any
    bias: Any


def _steps(layers: Sequence[Any], prefix: str) -> list[tuple[str, Any]]:
    named: list[tuple[str, Any]] = []
    for i, layer in enumerate(layers):
        if isinstance(layer, nnx.Sequential):
            named += _steps(layer.layers, f"{prefix}{i}.")
        else:
            named.append((f"layer {prefix}{i} ({_kind(layer)})", layer))
    return named


def _kind(layer: Any) -> str:
    if isinstance(layer, functools.partial):
        return _kind(layer.func)
    return getattr(layer, "__name__", type(layer).__name__)


def _linen_steps(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Dense_0, Dense_1, ... in the order of their numbers, with a ReLU between each two."""
    tree = params.get("params", params)
    check_type(tree, Mapping, "model, params")
    numbered: dict[int, str] = {}
    for name, layer in tree.items():
        match = re.fullmatch(r".*?(\d+)", str(name))
        if match is None or int(match[1]) in numbered:
            raise ValueError(
                f"model, {name!r}: expected names that end in different numbers, such as Dense_0 "
                "and Dense_1, since the order of the layers comes from them"
            )
        if not isinstance(layer, Mapping) or np.ndim(layer.get("kernel", 0)) != 2:
            raise ValueError(
                f"model, {name!r}: expected the parameters of a dense layer, a kernel [pre, post] "
                "and perhaps a bias; other Linen layers do not say how they were called"
            )
        unknown = set(layer) - {"kernel", "bias"}
        if unknown:
            raise ValueError(f"model, {name!r}: given {min(unknown)!r}; expected kernel and bias")
        numbered[int(match[1])] = name
    named: list[tuple[str, Any]] = []
    for number in sorted(numbered):
        name = numbered[number]
        if named:
            named.append((f"ReLU before {name}", jax.nn.relu))
        named.append((f"layer {name}", _Batchless(tree[name]["kernel"], tree[name].get("bias"))))
    return named


class _Part(NamedTuple):
    """A linear map and what is added after it, [channels], or None."""

    connectivity: Any
    bias: np.ndarray | None


class _Reader:
    """Takes one step of the model after the other; everything linear gathers in `parts`."""

    def __init__(self, image_shape: Shape) -> None:
        if len(image_shape) not in (1, 3):
            raise ValueError(
                f"calibration_images: given images of shape {image_shape}; expected (features,) "
                "or (height, width, channels)"
            )
        self.shape = image_shape
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
        elif isinstance(step, (nnx.Linear, _Batchless)):
            self._linear(step, name, what)
        elif isinstance(step, nnx.Conv):
            self._convolution(step, name, what)
        elif isinstance(step, nnx.BatchNorm):
            self._fold(step, what)
        elif isinstance(step, functools.partial) and step.func is nnx.avg_pool:
            self._average_pool(step, name, what)
        elif isinstance(step, functools.partial) and step.func is nnx.max_pool:
            self._max_pool(step, name, what)
        elif _is_activation(step):
            self._activate(_activation(step, what), name, what)
        else:
            raise ValueError(
                f"model, {name}: what it computes cannot be seen or converted; expected {_EXPECTED}"
            )

    def finish(self) -> list[Layer]:
        if self.pooled is not None or (self.layers and not self.parts):
            raise ValueError(
                f"model, {self.layers[-1].name}: given as the last layer; expected the logits to "
                "come from a Linear, a Conv or average pooling, with no activation on them"
            )
        if not self.parts:
            raise ValueError("model: given no Linear or Conv layer; expected at least one")
        self._close(Identity())
        return self.layers

    def _linear(self, step: Any, name: str, what: str) -> None:
        kernel, bias = _parameters(step, what)
        expected = self.shape[-1]
        if len(kernel) != expected:
            where = "calibration_images" if not self.names else what
            raise ValueError(
                f"{where}: {name} takes {len(kernel)} features, and its input has shape "
                f"{self.shape}; expected as many"
            )
        if len(self.shape) == 3:  # the same at every place of the image
            self._add(Conv2D(kernel[None, None], _image(self.shape)), bias, name)
            self.shape = (*self.shape[:2], kernel.shape[1])
        else:
            self._add(Dense(kernel), bias, name)
            self.shape = (kernel.shape[1],)

    def _convolution(self, step: nnx.Conv, name: str, what: str) -> None:
        kernel, bias = _parameters(step, what)
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
        if kernel.shape[2] != self.shape[2]:
            raise ValueError(
                f"{what}: takes {kernel.shape[2]} channels, and its input has shape {self.shape}; "
                "expected as many"
            )
        if step.mask is not None:
            kernel = kernel * np.asarray(step.mask)
        stride = _two(step.strides)
        padding = _padding(step.padding, self.shape, kernel.shape[:2], stride, what)
        connectivity = Conv2D(kernel, _image(self.shape), stride=stride, padding=padding)
        self._add(connectivity, bias, name)
        self.shape = connectivity.output_shape

    def _average_pool(self, step: Any, name: str, what: str) -> None:
        window, stride = self._window(step, what)
        dtype = self.parts[-1].connectivity.dtype if self.parts else np.float32
        connectivity = AveragePool2D(_image(self.shape), window, stride, dtype=dtype)
        self._add(connectivity, None, name)
        self.shape = connectivity.output_shape

    def _max_pool(self, step: Any, name: str, what: str) -> None:
        window, stride = self._window(step, what)
        if not self.layers and not self.parts:
            raise ValueError(
                f"{what}: given on the input image; expected it after an activation (pool the "
                "images before)"
            )
        if self.parts and not any(has_weights(part.connectivity) for part in self.parts):
            raise ValueError(
                f"{what}: given after average pooling alone; expected it after an activation"
            )
        dtype = np.asarray(jax.tree.leaves(self.parts or self.layers)[0]).dtype
        pool = MaxPool(name, MaxPool2D(_image(self.shape), window, stride, dtype))
        if self.parts:
            self.pooled = pool  # a maximum of activations is the activation of a maximum
        else:
            self.layers.append(pool)
            self.shape = pool.shape

    def _window(self, step: Any, what: str) -> tuple[tuple[int, int], tuple[int, int]]:
        try:
            names = ("window_shape", "strides", "padding", "count_include_pad")
            given = {**dict(zip(names, step.args, strict=False)), **step.keywords}
            window = _two(given["window_shape"])
            stride = _two(given.get("strides") or (1, 1))
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{what}: given {step}; expected a window_shape of two numbers"
            ) from None
        if len(self.shape) != 3:
            raise ValueError(
                f"{what}: given on an input of shape {self.shape}; expected (height, width, "
                "channels)"
            )
        padding = given.get("padding", "VALID")
        if _padding(padding, self.shape, window, stride, what) != "VALID" and any(
            sum(pad) for pad in jax.lax.padtype_to_pads(self.shape[:2], window, stride, "SAME")
        ):
            raise ValueError(f"{what}: given padding {padding!r} that adds a frame; expected VALID")
        return window, stride

    def _fold(self, norm: nnx.BatchNorm, what: str) -> None:
        """y = (x - mean) gamma / sqrt(var + epsilon) + beta, into the weights before."""
        if not any(has_weights(part.connectivity) for part in self.parts):
            after = self.layers[-1].name if self.layers else "the input"
            raise ValueError(
                f"{what}: given after {after}; expected right after a Linear or Conv, into which "
                "it is folded"
            )
        mean, var = np.asarray(norm.mean[...], float), np.asarray(norm.var[...], float)
        gamma = 1.0 if norm.scale is None else np.asarray(norm.scale[...], float)
        beta = 0.0 if norm.bias is None else np.asarray(norm.bias[...], float)
        check_finite(mean + var + gamma + beta, f"{what}, parameters and statistics")
        if norm.axis not in (-1, len(self.shape)) or mean.shape != self.shape[-1:]:
            raise ValueError(
                f"{what}: given {mean.size} features on axis {norm.axis}; expected "
                f"{self.shape[-1]}, on the last axis"
            )
        factor = gamma / np.sqrt(var + norm.epsilon)
        last = max(i for i, part in enumerate(self.parts) if has_weights(part.connectivity))
        connectivity, bias = self.parts[last]
        scaled = jax.tree.map(
            lambda w: jnp.asarray(np.asarray(w, float) * factor, w.dtype), connectivity
        )
        self.parts[last] = _Part(scaled, None if bias is None else bias * factor)
        end = self.parts[-1]
        shift = beta - mean * factor + (0.0 if end.bias is None else end.bias)
        self.parts[-1] = end._replace(bias=shift)
        self.names[-1] += " + BatchNorm"

    def _activate(self, activation: Activation, name: str, what: str) -> None:
        if not any(has_weights(part.connectivity) for part in self.parts):
            after = self.names[-1] if self.parts else "another activation or the input"
            raise ValueError(f"{what}: given after {after}; expected a Linear or Conv before it")
        self._close(activation)
        if self.pooled is not None:
            self.layers.append(self.pooled)
            self.shape, self.pooled = self.pooled.shape, None

    def _add(self, connectivity: Any, bias: np.ndarray | None, name: str) -> None:
        self.parts.append(_Part(connectivity, bias))
        self.names.append(name.removeprefix("layer "))

    def _close(self, activation: Activation) -> None:
        """Make a layer of what has gathered."""
        if not any(has_weights(part.connectivity) for part in self.parts):
            size, dtype = prod(self.shape), self.parts[-1].connectivity.dtype
            self._add(OneToOne(np.ones(size, dtype)), None, "identity")
        total = jnp.zeros(self.parts[0].connectivity.num_pre, self.parts[0].connectivity.dtype)
        for connectivity, bias in self.parts:
            total = connectivity.deliver(total)
            if bias is not None:
                total = total + jnp.asarray(each_neuron(bias, total.size), total.dtype)
        parts = tuple(part.connectivity for part in self.parts)
        name = "layer " + ", ".join(self.names)
        self.layers.append(Weighted(name, parts, total, self.shape, activation))
        self.parts, self.names = [], []


def _is_activation(step: Any) -> bool:
    return isinstance(step, QCFS) or any(step is relu for relu in _RELUS)


def _activation(step: Any, what: str) -> Activation:
    if not isinstance(step, QCFS):
        return Relu()
    threshold = np.asarray(step.threshold[...])
    check_finite(threshold, f"{what}, threshold")
    if threshold.ndim or threshold <= 0:
        raise ValueError(f"{what}, threshold: given {threshold}; expected one number > 0")
    return Quantised(float(threshold), step.levels)


def _parameters(step: Any, what: str) -> tuple[np.ndarray, np.ndarray | None]:
    kernel, bias = (
        None if value is None else np.asarray(value[...]) for value in (step.kernel, step.bias)
    )
    assert kernel is not None
    for name, value in (("kernel", kernel), ("bias", bias)):
        if value is not None:
            try:
                check_finite(value, f"{what}, {name}")
            except ValueError as error:
                raise ValueError(f"{error} (was the model trained?)") from None
    return kernel, bias


def _two(given: Any) -> tuple[int, int]:
    sizes = (given, given) if isinstance(given, int) else tuple(given)
    down, across = sizes
    return int(down), int(across)


def _image(shape: Shape) -> tuple[int, int, int]:
    height, width, channels = shape
    return height, width, channels


def _padding(given: Any, shape: Shape, window: Any, stride: Any, what: str) -> str:
    """The word for a padding, "SAME" or "VALID", if one says the same."""
    if given in ("SAME", "VALID"):
        return str(given)
    pads = [(given, given)] * 2 if isinstance(given, int) else given
    if isinstance(pads, Sequence) and not isinstance(pads, str):
        pads = [(pad, pad) if isinstance(pad, int) else tuple(pad) for pad in pads]
        for name in ("VALID", "SAME"):
            if pads == list(jax.lax.padtype_to_pads(shape[:2], window, stride, name)):
                return name
    raise ValueError(f"{what}: given padding {given!r}; expected 'SAME' or 'VALID', or the like")
