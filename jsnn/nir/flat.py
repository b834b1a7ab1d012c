"""A graph of NIR without graphs in it, with its faults repaired where the meaning is certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from jsnn.nir.nodes import FIELDS, Edge, Graph, Node
from jsnn.nir.report import Report


@dataclass(frozen=True)
class Flat:
    """Nodes by name and edges without repeats, both in an order that depends on names alone."""

    nodes: dict[str, Node]
    edges: list[Edge]

    def before(self, name: str) -> list[str]:
        """Return the names of the nodes whose signals go into a node."""
        return [pre for pre, post in self.edges if post == name]

    def after(self, name: str) -> list[str]:
        """Return the names of the nodes that a node's signal goes into."""
        return [post for pre, post in self.edges if pre == name]


def flat(graph: Graph, report: Report) -> Flat:
    """Return a graph without nested ones, repaired.

    Node "n" of the graph "g" becomes "g.n". A file may lack an Input or an Output: what has no
    other beginning or end gets one, as `nir` itself does.

    Raises:
      ValueError: if there is no node, an edge begins at no node, or a graph lacks a side that an
        edge needs.
    """
    nodes, edges = _inlined(graph, "", report)
    if not nodes:
        raise ValueError("graph: given no nodes; expected at least an Input and an Output")
    for name, node in nodes.items():
        for extra in node.extra:
            report.lose(f"node {name!r}, field {extra!r}: a {node.kind} of NIR has no such field")
    old = [name for name, node in nodes.items() if "v_reset" in FIELDS[node.kind]]
    old = [name for name in old if nodes[name].get("v_reset") is None]
    if old:
        listed = ", ".join(map(repr, sorted(old)))
        report.note(f"node {listed}: no field 'v_reset', as in files of old versions, so it is 0")
    nodes, edges = _with_ends(nodes, edges, report)
    return Flat({name: nodes[name] for name in sorted(nodes)}, sorted(edges))


def _inlined(graph: Graph, outer: str, report: Report) -> tuple[dict[str, Node], list[Edge]]:
    """Return the nodes and edges of a graph and of all within it, by their full names."""
    nodes: dict[str, Node] = {}
    given, edges = _with_known_ends(graph, outer, report)
    for name, node in given.items():
        if isinstance(node, Node):
            nodes[name] = node
            continue
        inside, inner_edges = _inlined(node, f"{outer}{name}.", report)
        inside = {f"{name}.{key}": inner for key, inner in inside.items()}
        inner_edges = [(f"{name}.{pre}", f"{name}.{post}") for pre, post in inner_edges]
        for twice in (given | nodes).keys() & inside.keys():
            raise ValueError(
                f"node {outer + twice!r}: given in graph {outer + name!r} and by this name beside "
                "it; expected another name"
            )
        inner = Flat(inside, inner_edges)
        ways_in = _ends(inner, "Input", inner.before)
        ways_out = _ends(inner, "Output", inner.after)
        edges = [
            (pre, post)
            for edge in edges
            for pre in _joined(edge[0], name, ways_out, "Output", outer)
            for post in _joined(edge[1], name, ways_in, "Input", outer)
        ]
        nodes |= inside
        edges += inner_edges
        for end in dict.fromkeys((*ways_in, *ways_out)):
            if inside[end].kind in ("Input", "Output"):
                nodes, edges = _bypassed(end, nodes, edges)
    return nodes, edges


def _ends(inner: Flat, kind: str, neighbours: Callable[[str], list[str]]) -> list[str]:
    """Return the names of the Inputs or Outputs of a graph; without any, of its first or last."""
    named = [name for name, node in inner.nodes.items() if node.kind == kind]
    return named or [name for name in inner.nodes if not neighbours(name)]


def _joined(end: str, graph: str, ways: list[str], kind: str, outer: str) -> list[str]:
    """Return the node within a graph that stands for the graph at an end of an edge."""
    if end != graph:
        return [end]
    if len(ways) != 1:
        raise ValueError(
            f"graph {outer + graph!r}: has {len(ways)} nodes of type {kind}; expected one, as an "
            "edge names the graph alone"
        )
    return ways


def _bypassed(
    name: str, nodes: dict[str, Node], edges: list[Edge]
) -> tuple[dict[str, Node], list[Edge]]:
    """Return a graph without a node: edges lead past it.

    A node past which an edge would be repeated becomes a Scale by 1, since both signals count.
    """
    before = [pre for pre, post in edges if post == name]
    after = [post for pre, post in edges if pre == name]
    past = [(pre, post) for pre in before for post in after]
    others = [edge for edge in edges if name not in edge]
    if set(past) & set(others):
        return {**nodes, name: Node("Scale", {"scale": np.ones(())})}, edges
    return {key: node for key, node in nodes.items() if key != name}, others + past


def _with_known_ends(
    graph: Graph, outer: str, report: Report
) -> tuple[dict[str, Node | Graph], list[Edge]]:
    """Return the nodes of a graph, and its edges between nodes that exist, without repeats.

    An edge to a node that does not exist leads nowhere. One that comes from there brings a signal
    that nobody knows. Either may be an end of the graph, if that has none and the name says so.
    """
    kinds = {node.kind for node in graph.nodes.values() if isinstance(node, Node)}
    nodes, edges = dict(graph.nodes), []
    for (pre, post), number in Counter(graph.edges).items():
        what = f"edge {outer + pre!r} -> {outer + post!r}"
        for end, kind, other in ((pre, "Input", post), (post, "Output", pre)):
            is_end = kind not in kinds and end.lower().endswith(kind.lower())
            if end not in nodes and other in nodes and is_end:
                nodes[end] = Node(kind)
                report.note(f"{what}: there is no node {outer + end!r}, which is taken for {kind}")
        if number > 1:
            report.note(f"{what}: given more than once, taken once")
        if pre in nodes and post in nodes:
            edges.append((pre, post))
        elif pre in nodes or post not in nodes:
            missing = post if pre in nodes else pre
            report.note(f"{what}: left out, as there is no node {outer + missing!r}")
        else:
            report.lose(f"{what}: there is no node {outer + pre!r}, whose signal would arrive here")
    return nodes, edges


def _with_ends(
    nodes: dict[str, Node], edges: list[Edge], report: Report
) -> tuple[dict[str, Node], list[Edge]]:
    """Return a graph in which every beginning is an Input and every end an Output."""
    nodes, edges = dict(nodes), list(edges)
    for kind, at, side in (("Input", 1, "into"), ("Output", 0, "out of")):
        reached = {edge[at] for edge in edges}
        bare = [
            name
            for name, node in nodes.items()
            if name not in reached and node.kind not in ("Input", "Output")
        ]
        for name in bare:
            end = free(kind.lower() if len(bare) == 1 else f"{kind.lower()}_{name}", nodes)
            nodes[end] = Node(kind)
            edges.append((end, name) if kind == "Input" else (name, end))
            report.note(f"node {name!r}: no edge leads {side} it, so it has an {kind}, {end!r}")
    for name, node in nodes.items():
        if node.kind == "Output" and not any(post == name for _, post in edges):
            raise ValueError(f"node {name!r}: an Output that no edge leads into; expected a signal")
        if node.kind == "Input" and any(post == name for _, post in edges):
            raise ValueError(f"node {name!r}: an Input that an edge leads into; expected none")
        if node.kind == "Output" and any(pre == name for pre, _ in edges):
            raise ValueError(f"node {name!r}: an Output that an edge leads out of; expected none")
    return nodes, edges


def free(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken."""
    while name in taken:
        name += "_"
    return name


def is_linear(node: Node) -> bool:
    """Return True if a node has no memory and no threshold, so that a projection can hold it."""
    return node.kind in LINEAR


LINEAR = ("Affine", "Linear", "Scale", "Conv1d", "Conv2d", "Flatten", "AvgPool2d", "SumPool2d")
