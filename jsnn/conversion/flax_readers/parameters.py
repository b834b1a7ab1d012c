"""Checked parameters of the layers of a Flax model."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import linen, nnx

from jsnn._checks import check_finite, is_concrete


def check_has_numbers(model: Any) -> None:
    """Check that the arrays of a model are there and can be read.

    Raises:
      TypeError: if one of them, named in the message, is a mere shape or is traced.
    """
    variables = model if isinstance(model, Mapping) else {}
    if isinstance(model, nnx.Module):
        variables = nnx.to_pure_dict(nnx.state(model))
    elif isinstance(model, linen.Module) and model.scope is not None:
        variables = model.variables
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        what = f"model, {jax.tree_util.keystr(path)}"
        if isinstance(leaf, jax.ShapeDtypeStruct):
            raise TypeError(
                f"{what}: given the shape {leaf.shape} without numbers; expected a model with "
                "parameters (restore them, and put them in with nnx.update or module.bind)"
            )
        if not is_concrete(leaf):
            raise TypeError(
                f"{what}: given traced values; expected numbers (convert outside jax.jit, vmap and "
                "grad, and trace the network)"
            )


def weights_of(step: Any, dtype: np.dtype[Any], what: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the kernel [..., pre, post] and the bias [post] of a layer.

    Args:
      step: the layer.
      dtype: data type of the network.
      what: name of the layer, for error messages.

    Raises:
      ValueError: if a number is not finite, or the bias does not fit the kernel.
      TypeError: if the layer computes in another data type.
    """
    kernel = np.asarray(step.kernel[...])
    bias = None if step.bias is None else np.asarray(step.bias[...])
    for name, value in (("kernel", kernel), ("bias", bias)):
        if value is None:
            continue
        if value.dtype != dtype:
            raise TypeError(
                f"{what}, {name}: given {value.dtype}; expected {dtype}, the data type of "
                "the kernel of the model's first layer"
            )
        try:
            check_finite(value, f"{what}, {name}")
        except ValueError as error:
            raise ValueError(f"{error} (was the model trained?)") from None
    if step.dtype is not None and np.dtype(step.dtype) != dtype:
        raise TypeError(
            f"{what}, dtype: given {np.dtype(step.dtype)}; expected {dtype}, the data "
            "type of its parameters, in which the network computes"
        )
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ValueError(
            f"{what}, bias: given shape {bias.shape}; expected {kernel.shape[-1:]}, for a "
            f"kernel of shape {kernel.shape}"
        )
    return kernel, bias


def affine_of(
    norm: nnx.BatchNorm, shape: tuple[int, ...], what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return batch normalisation as a factor and a shift, [channels] each.

        (x - mean) gamma / sqrt(var + epsilon) + beta = factor x + shift

    Args:
      norm: the layer.
      shape: shape of its input, without the batch.
      what: name of the layer, for error messages.

    Raises:
      ValueError: if a number is not finite, a variance is negative, or the features are not those
        of the last axis.
      TypeError: if the layer computes in less than float32.
    """
    if norm.dtype is not None and np.dtype(norm.dtype) not in (np.float32, np.float64):
        raise TypeError(f"{what}, dtype: given {np.dtype(norm.dtype)}; expected float32 or float64")
    mean, var = np.asarray(norm.mean[...], float), np.asarray(norm.var[...], float)
    gamma = 1.0 if norm.scale is None else np.asarray(norm.scale[...], float)
    beta = 0.0 if norm.bias is None else np.asarray(norm.bias[...], float)
    check_finite(mean + var + gamma + beta, f"{what}, parameters and statistics")
    if var.min() < 0:
        raise ValueError(f"{what}, var: given {var.min():g}; expected variances >= 0")
    if norm.axis not in (-1, len(shape)) or mean.shape != shape[-1:]:
        raise ValueError(
            f"{what}: given {mean.size} features on axis {norm.axis}; expected "
            f"{shape[-1]}, on the last axis"
        )
    factor = gamma / np.sqrt(var + norm.epsilon)
    return factor, beta - mean * factor
