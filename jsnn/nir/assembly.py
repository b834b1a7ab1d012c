"""Assembly of a graph of NIR from the nodes of populations and the links between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from jsnn.nir.flat import Flat, free
from jsnn.nir.layout import Layout
from jsnn.nir.links import Link
from jsnn.nir.nodes import Edge, Node
from jsnn.nir.plan import plan
from jsnn.nir.report import Report
from jsnn.nir.units import in_seconds

Ends = Mapping[str, str]
"""Inputs or outputs, {name of the node: population}."""


def assembled(
    populations: Mapping[str, Node],
    links: Sequence[Link],
    inputs: Ends,
    outputs: Ends,
    layouts: Mapping[str, Layout],
    dt: np.floating[Any],
    report: Report,
) -> Flat:
    """Return the graph.

    A delay of a step needs no Delay on a link that closes a cycle, since a reader gives it one.

    Args:
      populations: the node of each population; a "Relay" where signals only meet.
      links: the links between populations.
      inputs: the Inputs beside the populations that are one.
      outputs: the Outputs beside the populations that are one.
      layouts: the layout of each population.
      dt: the length of a step in ms, in the dtype of the network.
      report: for notes.
    """
    populations, links = _with_delays(populations, links, dt)
    plain = [link for link in links if np.all(link.steps == 1) and not link.delay]
    while True:
        graph = _graph(populations, links, plain, inputs, outputs, layouts, dt)
        closing = {(route.pre, route.post) for route in plan(graph).routes if route.closes}
        wanted = {(link.pre, link.post) for link in plain}
        if closing == wanted:
            break
        is_part = closing < wanted
        plain = [link for link in plain if is_part and (link.pre, link.post) in closing]
    for link in links:
        steps = int(np.max(link.steps))
        if steps > 0 and link not in plain:
            report.note(f"projection {link.name!r}: its delay of {steps} step(s) is a Delay")
    return graph


def _with_delays(
    populations: Mapping[str, Node], links: Sequence[Link], dt: np.floating[Any]
) -> tuple[dict[str, Node], list[Link]]:
    """Return relays that all their links reach late, and as they are, as Delays; and the links."""
    found, left = dict(populations), list(links)
    for name, node in populations.items():
        before = [link for link in links if link.post == name]
        if node.kind != "Relay" or not before:
            continue
        first = before[0].steps
        is_delay = np.max(first) > 0 and all(
            not link.nodes and np.array_equal(link.steps, first) for link in before
        )
        if is_delay:
            found[name] = Node("Delay", {"delay": first})
            left = [replace(link, steps=0) if link.post == name else link for link in left]
    return found, left


def _graph(
    populations: Mapping[str, Node],
    links: Sequence[Link],
    plain: Sequence[Link],
    inputs: Ends,
    outputs: Ends,
    layouts: Mapping[str, Layout],
    dt: np.floating[Any],
) -> Flat:
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for name, node in populations.items():
        shape = layouts[name].shape
        nodes[name] = _delay(node.fields["delay"], shape, dt) if node.kind == "Delay" else node
    for ends, kind in ((inputs, "Input"), (outputs, "Output")):
        for name, population in ends.items():
            nodes[name] = Node(kind, {"shape": np.array(layouts[population].shape)})
            edges.append((name, population) if kind == "Input" else (population, name))
    for link in links:
        through = list(link.nodes)
        if np.any(link.steps > 0) and link not in plain:
            delay = _delay(link.steps, layouts[link.pre].shape, dt)
            through.insert(0, (link.delay or f"{link.name}.delay", delay))
        names = []
        for name, node in through:
            names.append(free(name, nodes))
            nodes[names[-1]] = node
        edges += zip([link.pre, *names], [*names, link.post], strict=True)
    return _without_relays(nodes, edges, layouts, dt.dtype)


def _delay(steps: Any, shape: tuple[int, ...], dt: np.floating[Any]) -> Node:
    """Return a Delay of some steps, in seconds."""
    times = np.asarray(steps, np.float64) * in_seconds(dt)
    return Node("Delay", {"delay": np.array(np.broadcast_to(times, prod(shape)).reshape(shape))})


def _without_relays(
    nodes: dict[str, Node], edges: list[Edge], layouts: Mapping[str, Layout], dtype: Any
) -> Flat:
    """Return a graph without relays: edges lead past them.

    A relay past which an edge would be repeated becomes a Scale by 1.
    """
    for name in [name for name, node in nodes.items() if node.kind == "Relay"]:
        before = [pre for pre, post in edges if post == name]
        after = [post for pre, post in edges if pre == name]
        past = [(pre, post) for pre in before for post in after]
        others = [edge for edge in edges if name not in edge]
        if set(past) & set(others) or name in after:
            nodes[name] = Node("Scale", {"scale": np.ones(layouts[name].shape, dtype)})
        else:
            edges = [*others, *past]
            del nodes[name]
    return Flat({name: nodes[name] for name in sorted(nodes)}, sorted(set(edges)))
