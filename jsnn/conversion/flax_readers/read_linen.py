"""Reader of Linen models of dense layers, with a ReLU between each two."""

import re
from collections.abc import Callable, Mapping
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from jsnn._checks import check_type
from jsnn.conversion.flax_readers.flatten import flatten
from jsnn.conversion.logits_check import logits_of


class LinenDense(NamedTuple):
    """Dense layer.

    Attributes:
      kernel: [pre, post].
      bias: [post] or None.
      dtype: data type of the computation, or None for that of the parameters.
      flattens: True if the model flattens images in front of the layer.
    """

    kernel: Any
    bias: Any
    dtype: Any = None
    flattens: bool = False


def linen_steps(
    model: linen.Module | Mapping[str, Any], image_shape: tuple[int, ...]
) -> list[tuple[str, Any]]:
    """Return the dense layers, the activations between them and flattening, each with its name.

    Args:
      model: `module.bind(variables)`, whose layers come in the order in which it calls them; or
        the parameters alone, whose layers come in the order of the numbers at the end of their
        names.
      image_shape: shape of one input.

    Raises:
      ValueError: if a layer, named in the message, is no dense layer.
      TypeError: if a layer is of the wrong type, or the model has no parameters.
    """
    layers = _numbered(model) if isinstance(model, Mapping) else _called(model, image_shape)
    steps: list[tuple[str, Any]] = []
    for number, (name, dense) in enumerate(layers):
        if number:
            steps.append((f"ReLU before {name}", jax.nn.relu))
        if dense.flattens:
            steps.append((f"flattening before {name}", flatten))
        steps.append((f"layer {name}", dense))
    return steps


def _called(model: Any, image_shape: tuple[int, ...]) -> list[tuple[str, LinenDense]]:
    """Return the dense layers that a bound module calls with an image, in that order."""
    if model.scope is None:
        raise TypeError(
            f"model: given {type(model).__name__}, a Linen module without parameters; expected "
            "module.bind(variables)"
        )
    params = _params(model.variables)
    called: list[tuple[str, LinenDense]] = []
    shape = image_shape

    def note(call: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
        nonlocal shape
        module = context.module
        if context.method_name != "__call__":
            return call(*args, **kwargs)
        path = module.path[len(model.path) :]
        name = "/".join(path) or type(module).__name__
        own = reduce(lambda tree, key: tree.get(key, {}), path, params)
        if isinstance(module, linen.Dense):
            (x,) = args or kwargs.values()
            flattens = len(shape) == 3 and x.shape[1:] == (prod(shape),)
            called.append((name, _dense(own, name, module.dtype)._replace(flattens=flattens)))
            shape = (*x.shape[1:-1], module.features)
            return jnp.zeros((*x.shape[:-1], module.features), x.dtype)
        if any(not isinstance(value, Mapping) for value in own.values()):
            raise ValueError(
                f"model, {name!r}: given a {type(module).__name__} with parameters; expected Dense "
                "layers alone with ReLU in between (an nnx.Sequential may have others)"
            )
        return call(*args, **kwargs)

    with linen.intercept_methods(note):
        logits_of(model, np.zeros((1, *image_shape), np.float32))
    return called


def _numbered(variables: Mapping[str, Any]) -> list[tuple[str, LinenDense]]:
    """Return the layers Dense_0, Dense_1, ... in the order of their numbers."""
    numbered: dict[int, tuple[str, LinenDense]] = {}
    for name, layer in _params(variables).items():
        match = re.fullmatch(r".*?(\d+)", str(name))
        if match is None or int(match[1]) in numbered:
            raise ValueError(
                f"model, {name!r}: expected names that end in different numbers, such as Dense_0 "
                "and Dense_1, since the order of the layers comes from them (module.bind(variables)"
                " shows it by its calls)"
            )
        numbered[int(match[1])] = name, _dense(layer, name)
    return [numbered[number] for number in sorted(numbered)]


def _params(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters.

    Raises:
      ValueError: if there are other variables.
      TypeError: if the parameters are no mapping.
    """
    if "params" not in variables:
        return variables
    others = set(variables) - {"params"}
    if others:
        raise ValueError(
            f"model, collection {min(others)!r}: cannot be converted; expected "
            "'params' alone, of dense layers (an nnx.Sequential may have others)"
        )
    check_type(variables["params"], Mapping, "model, params")
    return variables["params"]


def _dense(layer: Any, name: str, dtype: Any = None) -> LinenDense:
    if not isinstance(layer, Mapping) or np.ndim(layer.get("kernel", 0)) != 2:
        raise ValueError(
            f"model, {name!r}: expected the parameters of a dense layer, a kernel [pre, post] "
            "and perhaps a bias (an nnx.Sequential may have other layers)"
        )
    unknown = set(layer) - {"kernel", "bias"}
    if unknown:
        raise ValueError(f"model, {name!r}: given {min(unknown)!r}; expected kernel and bias")
    bias = layer.get("bias")
    return LinenDense(
        np.asarray(layer["kernel"]), None if bias is None else np.asarray(bias), dtype
    )
