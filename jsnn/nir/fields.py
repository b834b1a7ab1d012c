"""Fields of nodes, checked one by one and against each other."""

from __future__ import annotations

from math import prod

import numpy as np

from jsnn.nir.connectivity import Shape
from jsnn.nir.nodes import Node


def parameter_shape(node: Node, name: str) -> Shape:
    """Return the shape that the parameters of a node have in common; scalars fit every shape.

    Raises:
      ValueError: if two of them have different shapes.
    """
    shapes = {key: np.shape(value) for key, value in node.fields.items()}
    largest = max(shapes.values(), key=lambda shape: (prod(shape), len(shape)))
    for key, shape in shapes.items():
        if prod(shape) != 1 and shape != largest:
            raise ValueError(
                f"node {name!r}, field {key!r}: given shape {shape}; expected {largest}, as its "
                "other fields have, or one number"
            )
    return largest


def numbers_of(node: Node, name: str, key: str, axes: int) -> Shape:
    """Return a field as a whole number for each axis; one number stands for all."""
    value = np.asarray(node.fields[key])
    what = f"node {name!r}, field {key!r}"
    if value.size not in (1, axes) or np.any(value != np.round(value)):
        raise ValueError(f"{what}: given {value.tolist()}; expected {axes} whole numbers")
    least = 0 if key == "padding" else 1
    if value.min() < least:
        raise ValueError(f"{what}: given {value.tolist()}; expected numbers >= {least}")
    return tuple(int(number) for number in np.broadcast_to(value.ravel(), axes))


def padding_of(node: Node, name: str, axes: int) -> Shape | str:
    """Return the padding of a convolution: "same", "valid" or a number for each axis."""
    given = node.fields["padding"]
    if not isinstance(given, str):
        return numbers_of(node, name, "padding", axes)
    what = f"node {name!r}, field 'padding'"
    if given not in ("same", "valid"):
        raise ValueError(f"{what}: given {given!r}; expected 'same', 'valid' or whole numbers")
    if given == "same" and set(numbers_of(node, name, "stride", axes)) != {1}:
        raise ValueError(f"{what}: given 'same' with a stride; expected a stride of 1 or numbers")
    return given


def check_convolution(node: Node, name: str) -> None:
    """Raise ValueError if the fields of a convolution do not fit together."""
    axes = 1 if node.kind == "Conv1d" else 2
    weight = node.fields["weight"]
    if weight.ndim != axes + 2:
        raise ValueError(
            f"node {name!r}, field 'weight': given shape {weight.shape}; expected (out, in, "
            f"{'length' if axes == 1 else 'height, width'})"
        )
    groups = numbers_of(node, name, "groups", 1)[0]
    if weight.shape[0] % groups:
        raise ValueError(
            f"node {name!r}, field 'groups': given {groups} with {weight.shape[0]} channels out; "
            "expected a divisor of them"
        )
    if node.fields["bias"].shape != (weight.shape[0],):
        raise ValueError(
            f"node {name!r}, field 'bias': given shape {node.fields['bias'].shape}; expected "
            f"({weight.shape[0]},), a number for each channel out"
        )


def dims_of(node: Node, name: str, shape: Shape) -> tuple[int, int]:
    """Return the first and the last axis that a Flatten makes one; any fit a signal of one axis."""
    dims = []
    for key in ("start_dim", "end_dim"):
        given = node.fields[key]
        what = (
            f"node {name!r}, field {key!r}: given {given.tolist()} with a signal of shape {shape}"
        )
        if given.size != 1 or given.item() != int(given.item()):
            raise ValueError(f"{what}; expected a whole number")
        dim = int(given.item())
        if len(shape) > 1 and not -len(shape) <= dim < len(shape):
            raise ValueError(
                f"{what}; expected one of its {len(shape)} axes (NIR counts them without a batch)"
            )
        dims.append(dim)
    start, end = (dim % len(shape) for dim in dims)
    if start > end:
        raise ValueError(
            f"node {name!r}: start_dim {dims[0]} lies behind end_dim {dims[1]}; expected it before"
        )
    return dims[0], dims[1]
