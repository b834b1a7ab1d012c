"""Parts of a network from nodes: populations and projections."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from jsnn.models import DELTA, NeuronModel
from jsnn.network import Chain, Connectivity, Dense, OneToOne, Population, Projection, Sparse
from jsnn.nir.connectivity import Biased, Flattening, Shape
from jsnn.nir.fields import dims_of, numbers_of, padding_of
from jsnn.nir.neurons.conventions import CONVENTIONS
from jsnn.nir.neurons.signals import RELAY, SIGNAL, THRESHOLD
from jsnn.nir.nodes import NEURONS, SPIKING, TIMES, Node
from jsnn.nir.plan import Plan, Route
from jsnn.nir.units import in_ms, per_ms
from jsnn.nir.windows import Convolution, Pooling

Shapes = Mapping[str, tuple[Shape, Shape]]


def population(name: str, node: Node, shape: Shape, convention: str, dtype: Any) -> Population:
    """Return the population of a node."""
    size = prod(shape)
    if node.kind == "Threshold":
        threshold = _spread(node.fields["threshold"], size, dtype)
        return Population(name, size, THRESHOLD, {"threshold": threshold})
    if node.kind not in NEURONS:
        return Population(name, size, RELAY)
    params = {
        key: _spread(_in_units(node, key, value), size, dtype) for key, value in node.fields.items()
    }
    return Population(name, size, _model(name, node, convention), params)


def _model(name: str, node: Node, convention: str) -> NeuronModel:
    models = CONVENTIONS[convention]
    if node.kind not in models:
        raise ValueError(
            f"node {name!r}: of type {node.kind}, for which {convention!r} has no convention; "
            f"expected one of {', '.join(models)} (or integration='exact' or 'euler')"
        )
    return models[node.kind]


def _in_units(node: Node, key: str, value: Any) -> Any:
    if key in TIMES:
        return in_ms(value)
    return per_ms(value) if key == "r" and node.kind in ("I", "IF") else value


def _spread(value: Any, size: int, dtype: Any) -> np.ndarray:
    """Return one number for each neuron, [N]."""
    return np.broadcast_to(np.ravel(value).astype(dtype), size)


def projections(
    name: str, route: Route, plan: Plan, shapes: Shapes, dtype: Any
) -> list[Projection]:
    """Return the projection of a route; two, if a Delay has elements with a delay and without.

    A route that closes a cycle takes a step at its beginning, so a bias on it acts from the start.
    """
    nodes = plan.graph.nodes
    carries_spikes = nodes[route.pre].kind in SPIKING
    given: dict[str, Any] = {"synapse": DELTA if carries_spikes else SIGNAL, "name": name}
    each = [nodes[end].fields["delay"] for end in _delays(route, plan)]
    steps: Any = reduce(np.add, each, np.zeros(1, np.int64))
    steps = np.maximum(steps, 1) if route.closes else steps
    if np.unique(steps).size == 1:
        size = prod(shapes[route.pre][1])
        joined = _connectivity(route, plan, shapes, size, dtype)
        return [Projection(route.pre, route.post, joined, delay=int(np.max(steps)), **given)]
    size, found = steps.size, []
    for late in (True, False):
        where = np.flatnonzero((steps > 0) == late)
        if where.size:
            delays = steps.ravel()[where] if late else None
            ones = np.ones(where.size, dtype)
            diagonal = Sparse(where, where, ones, size, size, delays=delays)
            own = {"name": name} if late else {"name": f"{name} at once", "delay": 0}
            found.append(Projection(route.pre, route.post, diagonal, **(given | own)))
    return found


def _delays(route: Route, plan: Plan) -> list[str]:
    """Return the names of the Delays on a route, its end included."""
    at_end = plan.graph.nodes[route.post].kind == "Delay"
    return [*([route.delay] if route.delay else []), *([route.post] if at_end else [])]


def _connectivity(route: Route, plan: Plan, shapes: Shapes, size: int, dtype: Any) -> Connectivity:
    parts = [linear(name, plan.graph.nodes[name], shapes[name], dtype) for name in route.nodes]
    if not parts:
        return OneToOne(np.ones(size, dtype))
    return parts[0] if len(parts) == 1 else Chain(tuple(parts))


def linear(name: str, node: Node, shapes: tuple[Shape, Shape], dtype: Any) -> Connectivity:
    """Return the connectivity of a linear node."""
    before, _ = shapes
    match node.kind:
        case "Linear":
            return Dense(node.fields["weight"].T.astype(dtype))
        case "Affine":
            bias = node.fields["bias"]
            size = node.fields["weight"].shape[0]
            if bias.size not in (1, size):
                raise ValueError(
                    f"node {name!r}, field 'bias': given shape {bias.shape}; expected ({size},)"
                )
            weights = Dense(node.fields["weight"].T.astype(dtype))
            return Biased(weights, _spread(bias, size, dtype))
        case "Scale":
            return OneToOne(_spread(node.fields["scale"], prod(before), dtype))
        case "Flatten":
            return Flattening(before, *dims_of(node, name, before), np.dtype(dtype))
        case "Conv1d" | "Conv2d":
            return _convolution(name, node, before, dtype)
    kernel, stride, padding = (
        numbers_of(node, name, key, 2) for key in ("kernel_size", "stride", "padding")
    )
    is_average = node.kind == "AvgPool2d"
    return Pooling(before, kernel, stride, padding, is_average, np.dtype(dtype))


def _convolution(name: str, node: Node, image: Shape, dtype: Any) -> Biased:
    axes = len(image) - 1
    return Biased(
        Convolution(
            node.fields["weight"].astype(dtype),
            image,
            numbers_of(node, name, "stride", axes),
            padding_of(node, name, axes),
            numbers_of(node, name, "dilation", axes),
            numbers_of(node, name, "groups", 1)[0],
        ),
        node.fields["bias"].astype(dtype),
    )
