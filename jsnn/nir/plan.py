"""Plan of a network: which nodes become populations, and the routes between them.

Linear nodes between two populations are one projection. Where signals meet before a linear node, or
part after one, a population of relays stands, so that no weight is held twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from jsnn.nir.flat import Flat, free, is_linear
from jsnn.nir.nodes import Edge, Node


@dataclass(frozen=True)
class Route:
    """The way of a signal from one population to another.

    Attributes:
      pre: the node where it begins.
      post: the node where it ends.
      nodes: the linear nodes on it, in order.
      delay: the Delay at its beginning, or None.
      closes: True if it closes a cycle of routes without delay, so that it takes one step.
    """

    pre: str
    post: str
    nodes: tuple[str, ...]
    delay: str | None
    closes: bool = False

    @property
    def through(self) -> tuple[str, ...]:
        """All nodes between its ends."""
        return (*((self.delay,) if self.delay else ()), *self.nodes)

    @property
    def first_edge(self) -> Edge:
        """Its first edge in the graph."""
        return self.pre, (*self.through, self.post)[0]


@dataclass(frozen=True)
class Plan:
    """Populations and routes.

    Attributes:
      graph: the graph, with a node of kind "Relay" for each population of relays that was added.
      populations: the names of the nodes that are populations, from the inputs on.
      routes: the ways between them.
      outputs: {name of an Output: the population that it shows}.
      relays: {name of a population of relays: the node before or behind which it stands}.
    """

    graph: Flat
    populations: tuple[str, ...]
    routes: tuple[Route, ...]
    outputs: dict[str, str]
    relays: dict[str, str]

    @property
    def one_step(self) -> tuple[Edge, ...]:
        """The edges of the given graph that take one step, as they close a cycle.

        All edges into a node do where the step lies between its relays and the node.
        """
        edges: list[Edge] = []
        for pre, post in (route.first_edge for route in self.routes if route.closes):
            is_behind_relays = self.relays.get(pre) == post
            edges += (
                [(p, post) for p in self.graph.before(pre)] if is_behind_relays else [(pre, post)]
            )
        of_relays = self.relays.get
        return tuple((of_relays(pre, pre), of_relays(post, post)) for pre, post in edges)

    @property
    def idle(self) -> list[str]:
        """The nodes that are neither populations nor on a route."""
        used = {*self.populations, *self.outputs, *(n for r in self.routes for n in r.through)}
        return [name for name in self.graph.nodes if name not in used]


def plan(given: Flat) -> Plan:
    """Return the plan of a graph."""
    graph, relays = _with_relays(given)
    outputs = {}
    for name, node in graph.nodes.items():
        if node.kind == "Output":
            before = graph.before(name)
            shows = len(before) == 1 and _is_population(graph, before[0])
            outputs[name] = before[0] if shows else name
    hidden = {name for name, shown in outputs.items() if shown != name}
    names = [name for name in _from_inputs(graph) if _is_population(graph, name)]
    names = [name for name in names if name not in hidden]
    routes = [
        route for name in names for route in _routes_from(graph, name) if route.post not in hidden
    ]
    return Plan(graph, tuple(names), tuple(_with_steps(names, graph, routes)), outputs, relays)


def _with_relays(graph: Flat) -> tuple[Flat, dict[str, str]]:
    """Return the graph with relays where signals meet before a linear node or part after one.

    And {relay: its node}.
    """
    nodes, edges, relays = dict(graph.nodes), list(graph.edges), {}
    for name, node in graph.nodes.items():
        if node.kind == "Delay":
            before = graph.before(name)
            if len(before) == 1 and not is_linear(graph.nodes[before[0]]):
                continue
            meets, parts = any(is_linear(graph.nodes[pre]) for pre in before), False
        else:
            meets = is_linear(node) and len(graph.before(name)) > 1
            parts = is_linear(node) and len(graph.after(name)) > 1
        if meets:
            relay = free(f"{name}.in", nodes)
            nodes[relay], relays[relay] = Node("Relay"), name
            edges = [(pre, relay if post == name else post) for pre, post in edges]
            edges.append((relay, name))
        if parts:
            relay = free(f"{name}.out", nodes)
            nodes[relay], relays[relay] = Node("Relay"), name
            edges = [(relay if pre == name else pre, post) for pre, post in edges]
            edges.append((name, relay))
    return Flat(nodes, sorted(edges)), relays


def _is_population(graph: Flat, name: str) -> bool:
    node = graph.nodes[name]
    return not is_linear(node) and not _is_part_of_route(graph, name)


def _is_part_of_route(graph: Flat, name: str) -> bool:
    """Return True for a Delay that is one time, right after a population, before one node.

    Any other Delay is a population of relays, which are reached late.
    """
    node = graph.nodes[name]
    if node.kind != "Delay" or np.unique(node.fields["delay"]).size != 1:
        return False
    before, after = graph.before(name), graph.after(name)
    if len(before) != 1 or len(after) != 1 or is_linear(graph.nodes[before[0]]):
        return False
    return "Delay" not in (graph.nodes[before[0]].kind, graph.nodes[after[0]].kind)


def _from_inputs(graph: Flat) -> list[str]:
    """Return the names of all nodes, each after one that leads to it where that can be."""
    inputs = [name for name, node in graph.nodes.items() if node.kind == "Input"]
    found: dict[str, None] = {}
    for start in (*inputs, *graph.nodes):  # a cycle may have no input
        queue = [start] if start not in found else []
        for name in queue:
            found[name] = None
            queue += [post for post in graph.after(name) if post not in (*found, *queue)]
    return list(found)


def _routes_from(graph: Flat, pre: str) -> Iterator[Route]:
    """Yield the routes that begin at a population, in the order of their nodes' names."""
    for first in graph.after(pre):
        delay = first if _is_part_of_route(graph, first) else None
        at = graph.after(first)[0] if delay else first
        through = []
        while not _is_population(graph, at):  # each such node has one edge out of it
            through.append(at)
            at = graph.after(at)[0]
        yield Route(pre, at, tuple(through), delay)


def _with_steps(names: list[str], graph: Flat, routes: list[Route]) -> list[Route]:
    """Return the routes, with those that close a cycle marked."""
    free_of_delay = [
        (route.pre, route.post)
        for route in routes
        if not _takes_time(graph, route.delay) and not _takes_time(graph, route.post)
    ]
    closing = closing_edges(names, free_of_delay)
    return [
        replace(route, closes=True)
        if (route.pre, route.post) in closing
        and not _takes_time(graph, route.delay)
        and not _takes_time(graph, route.post)
        else route
        for route in routes
    ]


def _takes_time(graph: Flat, name: str | None) -> bool:
    """Return True for a Delay of which every element is above 0."""
    node = graph.nodes[name] if name else None
    return node is not None and node.kind == "Delay" and bool(np.all(node.fields["delay"] > 0))


def closing_edges(names: list[str], edges: list[Edge]) -> set[Edge]:
    """Return the edges that close a cycle in a search into the depth.

    The search begins at each node in turn and takes neighbours in the order of their names, so the
    result does not depend on the order of a file.
    """
    after: dict[str, list[str]] = {name: [] for name in names}
    for pre, post in sorted(set(edges)):
        after[pre].append(post)
    done: set[str] = set()
    closing: set[Edge] = set()
    for start in names:
        on_path: dict[str, Iterator[str]] = {}
        stack = [start] if start not in done else []
        while stack:
            name = stack[-1]
            ahead = on_path.setdefault(name, iter(after[name]))
            post = next(ahead, "")
            if not post:
                stack.pop()
                del on_path[name]
                done.add(name)
            elif post in on_path:
                closing.add((name, post))
            elif post not in done:
                stack.append(post)
    return closing
