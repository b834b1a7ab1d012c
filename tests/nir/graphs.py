"""Graphs of NIR for tests: random ones of every kind of node, and a comparison of two."""

from typing import Any

import hypothesis.strategies as st
import nir
import numpy as np

DT = 0.1  # ms


def same(a: nir.NIRGraph, b: nir.NIRGraph) -> bool:
    """Compare nodes, fields, dtypes and edges."""
    if list(a.nodes) != list(b.nodes) or a.edges != b.edges:
        return False
    for name, node in a.nodes.items():
        given, other = node.to_dict(), b.nodes[name].to_dict()
        if given.keys() != other.keys():
            return False
        for key, value in given.items():
            left, right = np.asarray(value), np.asarray(other[key])
            if left.dtype != right.dtype or not np.array_equal(left, right):
                return False
    return True


def neuron(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> nir.NIRNode:
    """Make neurons with parameters of their own."""

    def times() -> np.ndarray:
        return random.uniform(1e-3, 2e-2, shape)

    def numbers(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, shape).astype(np.float32)

    fields: dict[str, Any] = {"r": numbers(0.5, 2)}
    if kind in ("LI", "LIF"):
        fields |= {"tau": times(), "v_leak": numbers(-0.2, 0.2)}
    if kind in ("CubaLI", "CubaLIF"):
        fields |= {"tau_syn": times(), "tau_mem": times(), "v_leak": numbers(-0.2, 0.2)}
        fields["w_in"] = numbers(0.5, 2)
    if kind.endswith("IF"):
        fields |= {"v_threshold": numbers(0.02, 0.1), "v_reset": numbers(-0.2, 0.01)}
    if kind in ("I", "IF"):
        fields["r"] = fields["r"] * np.float32(100)
    return getattr(nir, kind)(**fields)


ON_ANY = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Threshold", "Scale", "Delay", "each Delay")
ON_VECTORS = ("Linear", "Affine")
ON_IMAGES = ("Conv2d", "AvgPool2d", "SumPool2d", "Flatten", "part of Flatten")


def node(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> nir.NIRNode:
    """Make a node for a signal of a shape."""

    def weights(*axes: int) -> np.ndarray:
        return random.normal(size=axes).astype(np.float32)

    match kind:
        case "Threshold":
            return nir.Threshold(random.uniform(0, 0.1, shape).astype(np.float32))
        case "Scale":
            return nir.Scale(weights(*shape))
        case "Delay":
            return nir.Delay(np.full(shape, int(random.integers(1, 4)) * DT / 1000))
        case "each Delay":
            return nir.Delay(random.integers(0, 4, shape) * DT / 1000)
        case "Linear":
            return nir.Linear(weights(3, shape[0]))
        case "Affine":
            return nir.Affine(weights(4, shape[0]), weights(4))
        case "Conv1d":
            return nir.Conv1d(shape[1], weights(2, shape[0], 2), 1, "same", 1, 1, weights(2))
        case "Conv2d":
            groups = int(random.choice([g for g in (1, 2) if shape[0] % g == 0]))
            kernel = weights(2, shape[0] // groups, 2, 1)
            return nir.Conv2d(shape[1:], kernel, (1, 2), (1, 0), (1, 1), groups, weights(2))
        case "AvgPool2d" | "SumPool2d":
            fields = (np.array([2, 1]), np.array([1, 2]), np.array([1, 0]))
            return getattr(nir, kind)(*fields)
        case "Flatten":
            return nir.Flatten({"input": np.array(shape)}, 0, -1)
        case "part of Flatten":
            return nir.Flatten({"input": np.array(shape)}, 1, 2)
    return neuron(kind, shape, random)


def shape_after(kind: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the signal behind a node of `node`."""
    match kind:
        case "Linear":
            return (3,)
        case "Affine":
            return (4,)
        case "Conv1d":
            return (2, shape[1])
        case "Conv2d":
            return (2, shape[1] + 1, (shape[2] - 1) // 2 + 1)
        case "AvgPool2d" | "SumPool2d":
            return (shape[0], shape[1] + 1, (shape[2] - 1) // 2 + 1)
        case "Flatten":
            return (int(np.prod(shape)),)
        case "part of Flatten":
            return (shape[0], shape[1] * shape[2])
    return shape


@st.composite
def graphs(draw: st.DrawFn, *, cyclic: bool = True) -> nir.NIRGraph:
    """Draw a graph: nodes with inputs from earlier ones, some parallel, some edges back, nested."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first = draw(st.sampled_from([(3,), (2, 4), (2, 3, 4), (1, 2, 2)]))
    nodes: dict[str, nir.NIRNode] = {"in": nir.Input({"input": np.array(first)})}
    shapes: dict[str, tuple[int, ...]] = {"in": first}
    edges: list[tuple[str, str]] = []
    for number in range(draw(st.integers(1, 7))):
        pre = draw(st.sampled_from(sorted(shapes)))
        shape = shapes[pre]
        kinds = ON_ANY
        kinds += ON_VECTORS if len(shape) == 1 else ()
        kinds += ("Conv1d", "Flatten") if len(shape) == 2 else ()
        kinds += ON_IMAGES if len(shape) == 3 else ()
        kind = draw(st.sampled_from(kinds))
        name = f"{'zyxwvut'[number]}{kind}".replace(" ", "")
        nodes[name] = node(kind, shape, random)
        also = [key for key, other in shapes.items() if other == shape and key != pre]
        edges += [(key, name) for key in (pre, *(k for k in also if draw(st.booleans())))]
        shapes[name] = shape_after(kind, shape)
    leaves = [name for name in shapes if name not in {pre for pre, _ in edges}]
    if cyclic:
        backwards = [
            (pre, post)
            for i, pre in enumerate(nodes)
            for post in list(nodes)[1 : i + 1]
            if pre != "in" and shapes[pre] == into(nodes[post], post, shapes, edges)
        ]
        if backwards:
            back = draw(st.lists(st.sampled_from(backwards), max_size=2, unique=True))
            edges += [edge for edge in back if edge not in edges]
    for number, name in enumerate(leaves):
        nodes[f"out{number}"] = nir.Output({"output": np.array(shapes[name])})
        edges.append((name, f"out{number}"))
    return nir.NIRGraph(nodes, edges, type_check=False)


def into(
    given: nir.NIRNode,
    name: str,
    shapes: dict[str, tuple[int, ...]],
    edges: list[tuple[str, str]],
) -> tuple[int, ...]:
    """Return the shape of the signal into a node."""
    return next(shapes[pre] for pre, post in edges if post == name)
