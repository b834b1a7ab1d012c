"""Links of a network: what NIR says of its projections, one chain of nodes for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jsnn.models import CONSTANT, DELTA, SPIKE_SOURCE
from jsnn.network import Network, OneToOne, Projection, Sparse
from jsnn.nir.layout import Layout, parts_of
from jsnn.nir.neurons.conventions import KIND_OF_MODEL
from jsnn.nir.neurons.signals import RELAY, SIGNAL, THRESHOLD
from jsnn.nir.nodes import SPIKING, Node
from jsnn.nir.report import Report
from jsnn.nir.to_linear import linear_nodes


@dataclass(frozen=True)
class Link:
    """The way of a signal from one population to another.

    Attributes:
      pre: the presynaptic population.
      post: the postsynaptic population.
      nodes: the linear nodes on it, in order, (name, node) each.
      steps: its delay; one number, or [N] for each element of a link without nodes.
      name: the name of the projection.
      delay: the name of its Delay, if the projection is named for one.
    """

    pre: str
    post: str
    nodes: tuple[tuple[str, Node], ...]
    steps: Any
    name: str
    delay: str = ""


def links_of(network: Network, layouts: Mapping[str, Layout], report: Report) -> list[Link]:
    """Return the links of a network, with constant currents as biases on them.

    Raises:
      ValueError: if NIR cannot say a connectivity, or what a projection carries.
    """
    links = [_link(network, projection, layouts, report) for projection in network.projections]
    links = _joined_diagonals(links)
    for source in network.sources:
        what = f"current source {source.name!r}"
        if source.model != CONSTANT:
            report.lose(f"{what}: of model {source.model.name}, and NIR has no sources")
            continue
        number = next(
            (i for i, link in enumerate(links) if link.post == source.population and link.nodes), -1
        )
        size = network.sizes[source.population]
        current = np.broadcast_to(np.asarray(source.params["magnitude"]), size)
        biased = None if number < 0 else _with_bias(links[number], current, layouts)
        if biased is None:
            report.lose(f"{what}: a constant current, which no weights before it can hold as bias")
        else:
            links[number] = biased
    return links


def _link(
    network: Network, projection: Projection, layouts: Mapping[str, Layout], report: Report
) -> Link:
    what = f"projection {projection.name!r}"
    _check_synapses(network, projection, what, report)
    parts = parts_of(projection)
    identity = _identity_steps(projection, parts)
    if identity is not None:
        order = layouts[projection.pre].order
        steps = identity if np.ndim(identity) == 0 else identity[order]
        is_default = projection.name == f"{projection.pre}_to_{projection.post}"
        delay = "" if is_default else projection.name
        return Link(projection.pre, projection.post, (), steps, projection.name, delay)
    groups: list[list[Node]] = []
    layout = layouts[projection.pre]
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        after = layouts[projection.post] if is_last else None
        nodes, layout = linear_nodes(part, layout, after, what, report)
        groups.append(nodes)
    if layout.shape != layouts[projection.post].shape:
        raise ValueError(
            f"{what}: brings a signal of shape {layout.shape} to a population of shape "
            f"{layouts[projection.post].shape}; expected one shape, as NIR has no node between them"
        )
    delay, names = _names(projection, len(groups))
    named = tuple(
        (name if node is nodes[-1] else f"{name}.flatten", node)
        for name, nodes in zip(names, groups, strict=True)
        for node in nodes
    )
    return Link(projection.pre, projection.post, named, projection.delay, projection.name, delay)


def _check_synapses(network: Network, projection: Projection, what: str, report: Report) -> None:
    """Report what NIR does not say of a projection, weights and delay aside."""
    model = network.population(projection.pre).model
    sends_spikes = KIND_OF_MODEL.get(model) in SPIKING or model in (SPIKE_SOURCE, THRESHOLD)
    is_of_nir = model in KIND_OF_MODEL or model in (RELAY, THRESHOLD, SPIKE_SOURCE)
    if network.population(projection.post).model == SPIKE_SOURCE:
        raise ValueError(
            f"{what}: leads into population {projection.post!r} of model SPIKE_SOURCE, an Input of "
            "NIR, which takes no signals; expected another population"
        )
    if projection.plasticity is not None:
        report.lose(f"{what}, plasticity: NIR has weights that do not change")
    if projection.target != "current":
        report.lose(f"{what}, target: {projection.target!r}; in NIR it is the current")
    if projection.synapse not in (DELTA, SIGNAL):
        report.lose(
            f"{what}, synapse: {projection.synapse.name or 'a model'}; in NIR a spike of weight w "
            "is a current w for one step"
        )
    elif is_of_nir and sends_spikes != (projection.synapse == DELTA):
        raise ValueError(
            f"{what}, synapse: {projection.synapse.name} from population {projection.pre!r} of "
            f"model {model.name}; expected {'DELTA' if sends_spikes else 'SIGNAL'}, as the node "
            f"sends {'spikes' if sends_spikes else 'numbers'} in NIR"
        )


def _identity_steps(projection: Projection, parts: tuple[Any, ...]) -> Any:
    """Return the delay of a projection that passes each signal on as it is; None for any other."""
    part = parts[0]
    is_default = projection.name == f"{projection.pre}_to_{projection.post}"
    if len(parts) > 1 or "+" in projection.name:
        return None
    if isinstance(part, OneToOne):
        passes_on = (is_default or projection.delay) and np.all(np.asarray(part.weights) == 1)
        return projection.delay if passes_on else None
    if not isinstance(part, Sparse) or part.num_pre != part.num_post:
        return None
    pre, post, weights = (np.asarray(a) for a in (part.pre, part.post, part.weights))
    if not (np.array_equal(pre, post) and np.all(weights == 1) and np.unique(pre).size == pre.size):
        return None
    steps = np.full(part.num_pre, -1)  # where there is no synapse
    steps[pre] = np.asarray(part.delays) if part.max_delay else projection.delay
    return steps


def _joined_diagonals(links: list[Link]) -> list[Link]:
    """Return the links with the two that stand for one Delay with elements of 0 joined."""
    found: dict[tuple[str, str], Link] = {}
    others = []
    for link in links:
        if np.ndim(link.steps) == 0:
            others.append(link)
            continue
        other = found.get((link.pre, link.post))
        steps = link.steps if other is None else np.maximum(link.steps, other.steps)
        found[link.pre, link.post] = replace(other or link, steps=steps)
    for link in found.values():
        if np.any(link.steps < 0):
            raise ValueError(
                f"projection {link.name!r}: joins some neurons one to one and others not; expected "
                "all, or a matrix (jsnn.Dense)"
            )
    return [*others, *found.values()]


def _names(projection: Projection, number: int) -> tuple[str, list[str]]:
    """Return the name of the Delay of a projection, if it has one, and those of its other nodes.

    A projection that was read is named for its nodes, joined by "+".
    """
    given = projection.name.split("+")
    if len(given) == number:
        return "", given
    if projection.delay and len(given) == number + 1:
        return given[0], given[1:]
    plain = projection.name.replace("+", "_")
    return "", [plain] if number == 1 else [f"{plain}.{i}" for i in range(number)]


def _with_bias(link: Link, current: np.ndarray, layouts: Mapping[str, Layout]) -> Link | None:
    """Return a link whose last node adds a constant current; None if it cannot."""
    name, node = link.nodes[-1]
    arranged = layouts[link.post].arranged(current)
    if node.kind in ("Linear", "Affine"):
        bias = arranged
    elif node.kind in ("Conv1d", "Conv2d"):
        channels = arranged.reshape(len(arranged), -1)
        if not np.all(channels == channels[:, :1]):
            return None
        bias = channels[:, 0]
    else:
        return None
    bias = bias + node.fields.get("bias", 0)
    kind = "Affine" if node.kind == "Linear" else node.kind
    changed = Node(kind, {**node.fields, "bias": bias})
    return replace(link, nodes=(*link.nodes[:-1], (name, changed)))
