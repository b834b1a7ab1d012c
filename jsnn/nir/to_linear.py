"""Linear nodes of NIR for connectivities."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network import AveragePool2D, Connectivity, Conv2D, Dense, OneToOne
from jsnn.nir.connectivity import Biased, Flattening, Shape
from jsnn.nir.layout import Layout, of_image
from jsnn.nir.nodes import Node
from jsnn.nir.report import Report
from jsnn.nir.windows import Convolution, Pooling


def linear_nodes(
    part: Connectivity, before: Layout, after: Layout | None, what: str, report: Report
) -> tuple[list[Node], Layout]:
    """Return the nodes of a connectivity, and the layout behind them.

    Args:
      part: the connectivity.
      before: the layout of what reaches it.
      after: the layout of the population that it reaches; None if another part follows.
      what: the projection, for messages.
      report: for notes.

    Raises:
      ValueError: if NIR cannot say it.
    """
    if getattr(part, "max_delay", 0):
        raise ValueError(
            f"{what}: given {type(part).__name__} with a delay for each synapse, which NIR cannot "
            "say; expected one delay"
        )
    needed = of_image(part, before=True)
    if needed is not None and needed != before:
        raise ValueError(
            f"{what}: a signal in {before} reaches {type(part).__name__}, which expects {needed}; "
            "NIR has no node that reshapes it"
        )
    bias = None
    if isinstance(part, Biased):
        bias, part = np.asarray(part.bias), part.part
    match part:
        case OneToOne():
            return [Node("Scale", {"scale": before.arranged(part.weights)})], before
        case Convolution() | Conv2D():
            return [_convolution(part, bias)], of_image(part, before=False) or before
        case Pooling() | AveragePool2D():
            return [_pooling(part)], of_image(part, before=False) or before
        case Flattening():
            fields = {"start_dim": np.int64(part.start_dim), "end_dim": np.int64(part.end_dim)}
            shape = np.array(part.input_shape)
            return [Node("Flatten", {"input_type": shape, **fields})], Layout(part.output_shape)
    return _matrix(part, bias, before, after, what, report)


def _matrix(
    part: Any,
    bias: np.ndarray | None,
    before: Layout,
    after: Layout | None,
    what: str,
    report: Report,
) -> tuple[list[Node], Layout]:
    """Return the nodes of a connectivity as a matrix, with a Flatten if it sees an image."""
    weights = (
        np.asarray(part.weights) if isinstance(part, Dense) else _as_matrix(part, what, report)
    )
    weight = weights[before.order].T
    behind = after or Layout((weight.shape[0],))
    if len(behind.shape) != 1:
        raise ValueError(
            f"{what}: a matrix onto a population of shape {behind.shape}; expected one of one "
            "axis, as NIR has no node that makes it an image"
        )
    fields = {"weight": weight}
    if bias is not None:
        fields["bias"] = np.broadcast_to(bias, weight.shape[0])
    node = Node("Linear" if bias is None else "Affine", fields)
    if len(before.shape) == 1:
        return [node], behind
    whole = {"input_type": np.array(before.shape), "start_dim": np.int64(0)}
    return [Node("Flatten", {**whole, "end_dim": np.int64(-1)}), node], behind


def _as_matrix(part: Any, what: str, report: Report) -> np.ndarray:
    """Return the weights [pre, post] of a connectivity, as it delivers each neuron by itself."""
    if not hasattr(part, "deliver"):
        raise ValueError(
            f"{what}: given {type(part).__name__}, which has no weights of its own; expected "
            "weights, such as jsnn.Dense"
        )
    report.note(f"{what}: {type(part).__name__} is written as a matrix with all its zeros")
    return np.asarray(jax.vmap(part.deliver)(jnp.eye(part.num_pre, dtype=part.dtype)))


def _convolution(part: Convolution | Conv2D, bias: np.ndarray | None) -> Node:
    weight = np.asarray(part.weights)
    padding: Shape | str
    if isinstance(part, Conv2D):
        weight, padding = _symmetric(part, weight.transpose(3, 2, 0, 1))
        image: Shape = part.image_shape[:2]
        dilation: Shape = (1, 1)
    else:
        image, padding, dilation = part.input_shape[1:], part.padding, part.dilation
    return Node(
        "Conv1d" if len(image) == 1 else "Conv2d",
        {
            "weight": weight,
            "bias": np.zeros(weight.shape[0], weight.dtype) if bias is None else bias,
            "input_shape": np.array(image),
            "stride": np.array(part.stride),
            "padding": padding if isinstance(padding, str) else np.array(padding),
            "dilation": np.array(dilation),
            "groups": np.int64(part.groups),
        },
    )


def _symmetric(part: Conv2D, weight: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return weights and a padding that is the same on both sides, with zeros in the weights."""
    sides = part.padding
    if isinstance(sides, str):
        kernel = part.kernel.shape[:2]
        sides = jax.lax.padtype_to_pads(part.image_shape[:2], kernel, part.stride, sides)
    zeros = [(max(after - before, 0), max(before - after, 0)) for before, after in sides]
    return np.pad(weight, ((0, 0), (0, 0), *zeros)), tuple(max(side) for side in sides)


def _pooling(part: Pooling | AveragePool2D) -> Node:
    padding: Shape = (0, 0)
    if isinstance(part, AveragePool2D):
        kernel, is_average = part.window, True
    else:
        kernel, padding, is_average = part.kernel, part.padding, part.is_average
    return Node(
        "AvgPool2d" if is_average else "SumPool2d",
        {
            "kernel_size": np.array(kernel),
            "stride": np.array(part.stride),
            "padding": np.array(padding),
        },
    )
