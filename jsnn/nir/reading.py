"""Reading of NIR: a graph becomes a network, with a note of how to drive and read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from os import PathLike
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_flag, check_known, check_type, numbers, real_number
from jsnn._engine.inputs import over_time
from jsnn._summary import Summary, Table
from jsnn.network import Network
from jsnn.nir.connectivity import Shape
from jsnn.nir.flat import flat
from jsnn.nir.neurons.conventions import CONVENTIONS
from jsnn.nir.nodes import SPIKING, Edge, load
from jsnn.nir.parts import population, projections
from jsnn.nir.plan import Plan, Route, plan
from jsnn.nir.report import Report, remarks
from jsnn.nir.shapes import shapes_of
from jsnn.nir.timing import check_times, with_whole_delays
from jsnn.recording import Spikes, Variable

if TYPE_CHECKING:
    import nir


@dataclass(frozen=True, repr=False)
class Reading:
    """A network that was read from NIR.

    Attributes:
      network: the network. Each node with a memory is a population of its name, and so is each
        Input; linear nodes are projections.
      inputs: {Input: shape of its signal}, populations to be driven.
      outputs: {Output: population that it shows}.
      shapes: {population: shape of its neurons in NIR}, in whose order they are numbered, the last
        axis fastest.
      one_step: the edges that take one step, as they close a cycle without a Delay. Where signals
        meet before a linear node, all edges into the node may.
      notes: repairs and decisions, in words.
      lost: what was lost, in words; empty if strict.
      spiking: the populations that send spikes; others send numbers.
    """

    network: Network
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, str]
    shapes: Mapping[str, Shape]
    one_step: tuple[Edge, ...] = ()
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    spiking: frozenset[str] = field(default=frozenset())

    @property
    def record(self) -> dict[str, Spikes | Variable]:
        """Recordings that show the outputs: spikes, or V of a population that sends numbers."""
        return {
            name: Spikes(shown) if shown in self.spiking else Variable(shown, "v")
            for name, shown in self.outputs.items()
        }

    def drive(self, signals: Any) -> dict[str, Any]:
        """Return a drive for signals in the shapes of NIR.

        Args:
          signals: {Input: [T, *shape]}, or the array itself if there is one Input; [n, T, *shape]
            are n presentations, for `jsnn.fit` and `jsnn.evaluate`.

        Raises:
          TypeError: if a signal is no array of numbers.
          ValueError: if an Input is unknown or missing, or a signal has another shape.
        """
        if not isinstance(signals, Mapping):
            if len(self.inputs) != 1:
                raise ValueError(
                    f"signals: given one array; expected a dict with {', '.join(self.inputs)}"
                )
            signals = {next(iter(self.inputs)): signals}
        check_known(signals, self.inputs, "signals", "Input")
        missing = [name for name in self.inputs if name not in signals]
        if missing:
            raise ValueError(f"signals: given none for {missing[0]!r}; expected one of each Input")
        drive = {}
        for name, shape in self.inputs.items():
            signal = jnp.asarray(numbers(signals[name], f"signal {name!r}", bools=True))
            before = signal.shape[: signal.ndim - len(shape)]
            if len(before) not in (1, 2) or signal.shape[len(before) :] != shape:
                axes = ", ".join(map(str, shape))
                raise ValueError(
                    f"signal {name!r}: given shape {signal.shape}; expected [T, {axes}] (or "
                    f"[n, T, {axes}] for presentations)"
                )
            rows = signal.reshape(*before, prod(shape)).astype(self.network.dtype)
            drive[name] = over_time(rows)
        return drive

    def summary(self) -> Summary:
        """Return the ends of the network and the notes as tables."""
        ends = [(name, "Input", name, self.inputs[name]) for name in self.inputs]
        ends += [(name, "Output", p, self.shapes[p]) for name, p in self.outputs.items()]
        steps = [(f"{pre} -> {post}",) for pre, post in self.one_step]
        title = self.network.summary().title.replace("Network", "Network from NIR", 1)
        return Summary(
            title,
            [
                Table(("node", "type", "population", "shape"), ends),
                Table(("edge that takes one step",), steps),
                *remarks(self.notes, self.lost),
            ],
        )

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


def read(
    source: str | PathLike[str] | nir.NIRNode,
    dt: Any = None,
    *,
    integration: str = "exact",
    strict: bool = True,
) -> Reading:
    """Read a graph of NIR as a network.

    NIR states equations and no steps. A signal between nodes is a number that is constant within a
    step: a spike is 1 for one step, and not an impulse, as on every platform of the NIR paper
    (Pedersen et al. 2024, Nat. Commun. 15, 8122); so a weight w gives a current w for the time dt.
    All edges have delay 0, in the order of the graph; an edge that closes a cycle without a Delay
    has one step. V and I begin at 0. `integration` says how a step is made:

    - "exact": the equations are solved for signals that are constant within the step, and a spike
      sets V to v_reset where V crosses the threshold, from where V goes on to the end of the step.
    - "end_of_step": solved likewise, V <- a V + (1 - a) (v_leak + r I), a = exp(-dt/τ); but the
      threshold is checked and V reset at the end of the step, as `jsnn.LIF` does. "nengo" does so.
    - "euler": V <- V + dt/τ (v_leak - V + r I), then spike and reset. The current of CubaLIF first:
      I <- I + dt/τ_syn (w_in S - I), and V takes the new one. "norse", "snntorch" and "spinnaker2"
      do so, the first with IF as V <- V + r I, without dt.
    - "rockpool" and "sinabs": V <- a V + dt/τ (v_leak + r I); V >= v_threshold is a spike, which
      subtracts v_threshold - v_reset. IF of Sinabs is V <- V + r I, without dt.
    - "spyx": as "euler", but a V above the threshold is a spike of the next step, in which V falls
      by v_threshold - v_reset. IF is V <- V + r I, without dt.

    Args:
      source: the path of a file, or an object of the package `nir`.
      dt: the length of a step, in ms.
      integration: one of the above.
      strict: raise an error for what would be lost; otherwise `lost` of the result lists it.

    Returns:
      The network and how to drive and read it.

    Raises:
      FileNotFoundError: if there is no such file.
      TypeError: if `source` is neither a path nor an object of `nir`, or dt is missing.
      ValueError: if the file is not one of NIR, the graph is faulty, a node has no convention, dt
        is not above 0 or is longer than a time constant, or something would be lost.
    """
    if dt is None:
        raise TypeError(
            "jsnn.nir.read, dt: not given; expected the length of a step in ms, such as dt=0.1, as "
            "NIR does not state one"
        )
    step = real_number(dt, "jsnn.nir.read, dt")
    if not 0 < step < np.inf:
        raise ValueError(f"jsnn.nir.read, dt: given {step}; expected a time in ms > 0")
    check_type(integration, str, "jsnn.nir.read, integration")
    check_known([integration], CONVENTIONS, "jsnn.nir.read, integration", "convention")
    check_flag(strict, "jsnn.nir.read, strict")
    report = Report()
    graph = flat(load(source), report)
    shapes = shapes_of(graph, report)
    check_times(graph, step)
    planned = plan(with_whole_delays(graph, step, report))
    for name in planned.idle:
        report.lose(f"node {name!r}: in a cycle of linear nodes that no other signal reaches")
    return _built(planned, _with_relays(planned, shapes), step, integration, report, strict)


def _with_relays(
    planned: Plan, shapes: dict[str, tuple[Shape, Shape]]
) -> dict[str, tuple[Shape, Shape]]:
    """Return the shapes, with those of relays, which have the shape of what comes before them."""
    found = dict(shapes)
    for name, node in planned.graph.nodes.items():
        if node.kind == "Relay":
            after = planned.graph.after(name)[0]
            before = planned.graph.before(name)
            is_meeting = after in shapes and len(planned.graph.before(after)) == 1
            shape = shapes[after][0] if is_meeting else shapes[before[0]][1]
            found[name] = (shape, shape)
    return found


def _built(
    planned: Plan,
    shapes: dict[str, tuple[Shape, Shape]],
    dt: float,
    integration: str,
    report: Report,
    strict: bool,
) -> Reading:
    nodes, dtype = planned.graph.nodes, np.dtype(jnp.result_type(float))
    populations = [
        population(name, nodes[name], shapes[name][1], integration, dtype)
        for name in planned.populations
    ]
    taken = set(planned.populations)
    joined = []
    for route in planned.routes:
        name = _name(route, taken)
        taken.add(name)
        joined += projections(name, route, planned, shapes, dtype)
    report.check("jsnn.nir.read", strict)
    return Reading(
        network=Network(populations, joined, dt=dt),
        inputs={
            name: shapes[name][1] for name in planned.populations if nodes[name].kind == "Input"
        },
        outputs=planned.outputs,
        shapes={name: shapes[name][1] for name in planned.populations},
        one_step=planned.one_step,
        notes=tuple(report.notes),
        lost=tuple(report.lost),
        spiking=frozenset(name for name in planned.populations if nodes[name].kind in SPIKING),
    )


def _name(route: Route, taken: set[str]) -> str:
    """Return the name of a projection: those of the nodes on its route, joined by "+"."""
    name = "+".join(route.through) or f"{route.pre}_to_{route.post}"
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
