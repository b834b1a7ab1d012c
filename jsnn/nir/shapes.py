"""Shapes of the signals of a graph, from what the nodes hold.

The package `nir` 1.0.8 takes kernels for square and forgets that channels come in groups, so a
shape that a file states for an Input, an Output or a Flatten may be wrong. Weights and parameters
are not: where both speak, they decide.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from jsnn.nir.connectivity import Shape, flattened
from jsnn.nir.fields import check_convolution, dims_of, numbers_of, padding_of, parameter_shape
from jsnn.nir.flat import Flat
from jsnn.nir.nodes import NEURONS, Node
from jsnn.nir.report import Report
from jsnn.nir.windows import frame, places_of

_BY_ELEMENT = ("Scale", "Threshold", "Delay", *NEURONS)
"""Kinds of nodes whose parameters have the shape of the signal, or are one number for all."""


def shapes_of(graph: Flat, report: Report) -> dict[str, tuple[Shape, Shape]]:
    """Return the shapes of the signals into and out of each node, without axes for batch or time.

    Raises:
      ValueError: if a shape does not fit, or none can be found.
    """
    found: dict[str, tuple[Shape, Shape]] = {}
    for name, node in graph.nodes.items():
        own = _own_shape(node, name)
        if own is not None:
            found[name] = own
    for name, node in graph.nodes.items():
        if node.kind == "Input":
            found[name] = (_input_shape(graph, name, found, report),) * 2
    while len(found) < len(graph.nodes):
        ready = [(pre, post) for pre, post in graph.edges if pre in found and post not in found]
        if not ready:
            lacking = next(name for name in graph.nodes if name not in found)
            raise ValueError(
                f"node {lacking!r}: no signal of a known shape reaches it; expected a path from an "
                "Input (or the shapes of its parameters)"
            )
        for pre, post in ready:
            if post not in found:
                found[post] = _shapes(graph.nodes[post], post, found[pre][1], report)
    for pre, post in graph.edges:
        _check_edge(graph.nodes[post], post, pre, found, report)
    return found


def _own_shape(node: Node, name: str) -> tuple[Shape, Shape] | None:
    """Return the shapes that the fields of a node alone decide, or None."""
    match node.kind:
        case "Affine" | "Linear":
            weight = node.fields["weight"]
            if weight.ndim != 2:
                raise ValueError(
                    f"node {name!r}, field 'weight': given shape {weight.shape}; expected (out, in)"
                )
            return (weight.shape[1],), (weight.shape[0],)
        case "Conv1d" | "Conv2d":
            check_convolution(node, name)
        case kind if kind in _BY_ELEMENT:
            shape = parameter_shape(node, name)
            return None if prod(shape) == 1 else (shape, shape)
    return None


def _stated_image(node: Node, name: str) -> Shape | None:
    """Return the shape of the image that a convolution states, if it states one."""
    if node.kind not in ("Conv1d", "Conv2d") or node.get("input_shape") is None:
        return None
    channels = node.fields["weight"].shape[1] * numbers_of(node, name, "groups", 1)[0]
    axes = 1 if node.kind == "Conv1d" else 2
    return (channels, *numbers_of(node, name, "input_shape", axes))


def _convolved(node: Node, name: str, image: Shape) -> Shape:
    """Return the shape of the result of a convolution."""
    axes = 1 if node.kind == "Conv1d" else 2
    weight = node.fields["weight"]
    groups = numbers_of(node, name, "groups", 1)[0]
    channels = weight.shape[1] * groups
    if len(image) != axes + 1 or image[0] != channels:
        raise ValueError(
            f"node {name!r}: a signal of shape {image} reaches it; expected ({channels}, "
            f"{'length' if axes == 1 else 'height, width'}), as its weights of shape "
            f"{weight.shape} in {groups} groups have it"
        )
    sides = frame(
        padding_of(node, name, axes),
        weight.shape[2:],
        numbers_of(node, name, "dilation", axes),
    )
    return _slid(node, name, image, sides, weight.shape[2:], axes)


def _slid(node: Node, name: str, image: Shape, sides: Any, kernel: Shape, axes: int) -> Shape:
    """Return the shape of what a window sees that slides over an image."""
    stride = numbers_of(node, name, "stride", axes)
    has_gaps = "dilation" in node.fields
    gaps = numbers_of(node, name, "dilation", axes) if has_gaps else (1,) * axes
    framed = tuple(size + sum(side) for size, side in zip(image[1:], sides, strict=True))
    places = places_of(framed, kernel, stride, gaps)
    if min(places) < 1:
        raise ValueError(
            f"node {name!r}: its window of {kernel} does not fit into a signal of shape {image}"
        )
    channels = node.fields["weight"].shape[0] if "weight" in node.fields else image[0]
    return (channels, *places)


def _shapes(node: Node, name: str, shape: Shape, report: Report) -> tuple[Shape, Shape]:
    """Return the shapes of a node that takes those of its input."""
    match node.kind:
        case "Conv1d" | "Conv2d":
            stated = _stated_image(node, name)
            if stated not in (None, shape):
                report.note(
                    f"node {name!r}, field 'input_shape': states {stated[1:]}, but a signal of "
                    f"shape {shape} reaches it, which is taken"
                )
            return shape, _convolved(node, name, shape)
        case "AvgPool2d" | "SumPool2d":
            if len(shape) != 3:
                raise ValueError(
                    f"node {name!r}: a signal of shape {shape} reaches it; expected (channels, "
                    "height, width)"
                )
            sides = [(side, side) for side in numbers_of(node, name, "padding", 2)]
            kernel = numbers_of(node, name, "kernel_size", 2)
            return shape, _slid(node, name, shape, sides, kernel, 2)
        case "Flatten":
            return shape, _flattened(node, name, shape, report)
        case "Output":
            _compare(node, name, shape, "shape", report)
            return shape, shape
    if node.kind in NEURONS and prod(shape) > 1:
        report.note(f"node {name!r}: one number in each field, taken for all {prod(shape)} neurons")
    return shape, shape


def _flattened(node: Node, name: str, shape: Shape, report: Report) -> Shape:
    _compare(node, name, shape, "input_type", report)
    return flattened(shape, *dims_of(node, name, shape))


def _compare(node: Node, name: str, shape: Shape, key: str, report: Report) -> None:
    """Note a shape that a file states and that the signal does not have."""
    stated = node.get(key)
    if stated is not None and tuple(np.ravel(stated).tolist()) != shape:
        report.note(
            f"node {name!r}, field {key!r}: states {tuple(np.ravel(stated).tolist())}, but a "
            f"signal of shape {shape} reaches it, which is taken"
        )


def _input_shape(
    graph: Flat, name: str, found: dict[str, tuple[Shape, Shape]], report: Report
) -> Shape:
    """Return the shape of an Input: the stated one, or the one that what follows needs."""
    stated = graph.nodes[name].get("shape")
    given = None if stated is None else tuple(int(size) for size in np.ravel(stated)) or (1,)
    for post in graph.after(name):
        node = graph.nodes[post]
        needed = found[post][0] if post in found else _stated_image(node, post)
        is_convolution = node.kind in ("Conv1d", "Conv2d")
        if given and is_convolution and given[0] == node.fields["weight"].shape[1]:
            groups = numbers_of(node, post, "groups", 1)[0]  # those that nir 1.0.8 forgets
            needed = (given[0] * groups, *given[1:])
        if needed is None or needed == given:
            continue
        certain = given is None or (is_convolution and given[1:] == needed[1:])
        if certain:
            if given is not None:
                report.note(
                    f"node {name!r}, field 'shape': states {given}, but {post!r} takes {needed}, "
                    "as its weights and groups say"
                )
            return needed
    alone = [post for post in graph.after(name) if graph.nodes[post].kind in _BY_ELEMENT]
    if given is None and alone:
        given = parameter_shape(graph.nodes[alone[0]], alone[0]) or None  # a layer of one neuron
    if given is None:
        raise ValueError(
            f"node {name!r}, field 'shape': not given, and what follows does not tell it; expected "
            "the shape of the signal"
        )
    return given


def _check_edge(
    node: Node, post: str, pre: str, found: dict[str, tuple[Shape, Shape]], report: Report
) -> None:
    """Raise ValueError if the signal of one node does not fit into another."""
    given, needed = found[pre][1], found[post][0]
    if given == needed:
        return
    if prod(given) == prod(needed) and (len(needed) == 1 or len(given) == 1):
        report.note(
            f"edge {pre!r} -> {post!r}: a signal of shape {given} is taken as {needed}, in the "
            "same order"
        )
        return
    raise ValueError(
        f"edge {pre!r} -> {post!r}: {pre!r} sends a signal of shape {given}; {post!r} expects "
        f"{needed}"
    )
