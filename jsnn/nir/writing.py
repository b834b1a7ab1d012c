"""Writing of NIR: a network becomes a graph."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import nir
import numpy as np

from jsnn._checks import check_flag, check_known, check_type, check_untraced
from jsnn._summary import Summary, Table
from jsnn.models import SPIKE_SOURCE
from jsnn.network import Network
from jsnn.network.network import check_numbers
from jsnn.network.values import checked_name
from jsnn.network.whole_files import write_whole
from jsnn.nir.assembly import assembled
from jsnn.nir.flat import Flat, free
from jsnn.nir.layout import Layout, layouts
from jsnn.nir.links import links_of
from jsnn.nir.neurons.signals import RELAY
from jsnn.nir.nodes import Node
from jsnn.nir.reading import Reading
from jsnn.nir.report import Report, remarks
from jsnn.nir.shapes import shapes_of
from jsnn.nir.to_neurons import neuron_node


@dataclass(frozen=True, repr=False)
class Writing:
    """A graph that was made from a network.

    Attributes:
      graph: the graph, an object of the package `nir`.
      notes: decisions, in words.
      lost: what was lost, in words; empty if strict.
    """

    graph: nir.NIRGraph
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return the nodes and the notes as tables."""
        nodes = [(name, type(node).__name__) for name, node in self.graph.nodes.items()]
        return Summary(
            f"Graph of NIR with {len(nodes)} nodes and {len(self.graph.edges)} edges",
            [
                Table(("node", "type"), nodes),
                *remarks(self.notes, self.lost),
            ],
        )

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


def write(
    network: Network | Reading,
    path: str | PathLike[str] | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    strict: bool = True,
) -> Writing:
    """Write a network as a graph of NIR.

    Neurons are those that `read` makes, and of jsnn IF, LIF, INTEGRATOR, LEAKY_INTEGRATOR and
    SPIKE_SOURCE (an Input). Their thresholds are V >= v_thresh, which becomes V > v_threshold with
    the number below. V of a LIF that begins at v_rest is counted from there. Projections are DELTA
    with any weights that do not learn: a dense matrix is a Linear, with a constant current source
    an Affine; `jsnn.Conv2D` is a Conv2d, its neurons in the order of NIR, channels first. A delay
    is a Delay, unless it is the one step of a projection that closes a cycle.

    Args:
      network: the network, or a `Reading`, which knows its inputs, outputs and shapes.
      path: of the file, whose directory is made if it does not exist; None for no file.
      inputs: {name of an Input: the population that it drives}; by default "input", or
        "input_NAME" if there are several, for populations that no other one reaches.
      outputs: {name of an Output: the population that it shows}; by default "output", or
        "output_NAME", for populations that reach no other one.
      strict: raise an error for what would be lost; otherwise `lost` of the result lists it.

    Returns:
      The graph and the notes.

    Raises:
      TypeError: if `network` is neither, or holds traced numbers, or `path` is no path.
      ValueError: if NIR cannot say a part of the network, or something would be lost.
      OSError: if the file cannot be written; it is as it was.
    """
    reading = network if isinstance(network, Reading) else None
    whole = reading.network if reading else network
    check_type(whole, Network, "jsnn.nir.write, network", " or the result of jsnn.nir.read")
    assert isinstance(whole, Network)
    check_flag(strict, "jsnn.nir.write, strict")
    if path is not None and not isinstance(path, str | PathLike):
        raise TypeError(f"jsnn.nir.write, path: given {type(path).__name__}; expected a path")
    check_untraced(whole, "jsnn.nir.write", "write the network that training returns")
    check_numbers(whole)
    if outputs is None and reading:
        outputs = {name: shown for name, shown in reading.outputs.items() if name != shown}
    report = Report()
    laid_out = layouts(whole, reading.shapes if reading else {})
    links = links_of(whole, laid_out, report)
    driven = _ends(whole, inputs, "inputs", "input", 1)
    shown = _ends(whole, outputs, "outputs", "output", 0)
    for name in driven.keys() & shown.keys():
        raise ValueError(
            f"jsnn.nir.write: given {name!r} in inputs and in outputs; expected two names"
        )
    nodes = {
        population.name: _node(whole, population.name, laid_out[population.name], shown, report)
        for population in whole.populations
    }
    dt: Any = np.asarray(whole.dt)[()]
    graph = assembled(nodes, links, driven, shown, laid_out, dt, report)
    report.check("jsnn.nir.write", strict)
    written = _as_object(graph)
    if path is not None:
        content = io.BytesIO()
        nir.write(content, written)
        write_whole(path, content.getvalue())
    return Writing(written, tuple(report.notes), tuple(report.lost))


def _ends(
    network: Network, given: Mapping[str, str] | None, what: str, kind: str, at: int
) -> dict[str, str]:
    """Return the Inputs or Outputs that are no population by themselves."""
    what = f"jsnn.nir.write, {what}"
    pairs = [(p.pre, p.post) for p in network.projections if p.pre != p.post]
    reached = {pair[at] for pair in pairs}
    if given is not None:
        check_type(given, Mapping, what, " of populations by the names of nodes")
        check_known(given.values(), network.sizes, what, "population")
        for name, population in given.items():
            checked_name(name, what)
            if name in network.sizes:
                raise ValueError(
                    f"{what}: given {name!r}, which is also a population; expected another name"
                )
            if kind == "input" and network.population(population).model == SPIKE_SOURCE:
                raise ValueError(
                    f"{what}: given population {population!r} of model SPIKE_SOURCE, which is an "
                    "Input itself; expected others"
                )
        return dict(given)
    bare = [
        population.name
        for population in network.populations
        if population.name not in reached
        and population.model != RELAY
        and not (kind == "input" and population.model == SPIKE_SOURCE)
    ]
    names = [kind] if len(bare) == 1 else [f"{kind}_{name}" for name in bare]
    names = [free(name, network.sizes) for name in names]
    return dict(zip(names, bare, strict=True))


def _node(
    network: Network, name: str, layout: Layout, shown: Mapping[str, str], report: Report
) -> Node:
    """Return the node of a population."""
    population = network.population(name)
    shape = {"shape": np.array(layout.shape)}
    if population.model == SPIKE_SOURCE:
        return Node("Input", shape)
    if population.model != RELAY:
        return neuron_node(population, layout, float(network.dt), report)
    if not any(projection.post == name for projection in network.projections):
        return Node("Input", shape)
    goes_on = any(projection.pre == name for projection in network.projections)
    goes_on |= name in shown.values()
    return Node("Relay") if goes_on else Node("Output", shape)


def _as_object(graph: Flat) -> nir.NIRGraph:
    """Return a graph as an object of the package `nir`, with the shapes of its signals."""
    for name in graph.nodes:
        if "/" in name or "\0" in name or name == ".":
            raise ValueError(
                f"node {name!r}: no name that a file of NIR can hold; expected one without '/'"
            )
    nodes = {name: _node_object(node) for name, node in graph.nodes.items()}
    for name, (before, after) in shapes_of(graph, Report()).items():
        nodes[name].input_type = {"input": np.array(before)}
        nodes[name].output_type = {"output": np.array(after)}
    return nir.NIRGraph(nodes=nodes, edges=list(graph.edges), type_check=False)


def _node_object(node: Node) -> Any:
    fields = dict(node.fields)
    if node.kind == "Input":
        return nir.Input(input_type={"input": fields["shape"]})
    if node.kind == "Output":
        return nir.Output(output_type={"output": fields["shape"]})
    if node.kind == "Flatten":
        fields["input_type"] = {"input": fields["input_type"]}
    of_one_axis = ("input_shape", "stride", "padding", "dilation") if node.kind == "Conv1d" else ()
    for name in ("start_dim", "end_dim", "groups", *of_one_axis):
        if name in fields and not isinstance(fields[name], str):
            fields[name] = int(fields[name].item())
    return getattr(nir, node.kind)(**fields)
