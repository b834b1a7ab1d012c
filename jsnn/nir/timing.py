"""Times of a graph against the length of a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jsnn.nir.flat import Flat
from jsnn.nir.nodes import Node
from jsnn.nir.report import Report
from jsnn.nir.units import in_ms

_LONGEST = np.iinfo(np.int32).max


def check_times(graph: Flat, dt: float) -> None:
    """Raise ValueError if a step is longer than a time constant."""
    for name, node in graph.nodes.items():
        for key in ("tau", "tau_syn", "tau_mem"):
            if key in node.fields:
                shortest = float(np.min(in_ms(node.fields[key])))
                what = f"node {name!r}, field {key!r}"
                if shortest <= 0:
                    raise ValueError(f"{what}: given {shortest / 1000:g} s; expected a time > 0")
                if dt > shortest * (1 + 1e-6):
                    raise ValueError(
                        f"{what}: given {shortest / 1000:g} s with dt = {dt:g} ms; expected a dt "
                        f"of at most {shortest:g} ms"
                    )


def with_whole_delays(graph: Flat, dt: float, report: Report) -> Flat:
    """Return a graph whose Delays are in steps.

    One that is not a whole number of steps is rounded and reported.

    Raises:
      ValueError: if a Delay is below 0 or has too many steps.
    """
    delays = {
        name: _in_steps(name, node, dt, report)
        for name, node in graph.nodes.items()
        if node.kind == "Delay"
    }
    return replace(graph, nodes=graph.nodes | delays)


def _in_steps(name: str, node: Node, dt: float, report: Report) -> Node:
    what = f"node {name!r}, field 'delay'"
    given = np.ravel(node.fields["delay"])
    exact = in_ms(given) / dt
    if np.any(given < 0):
        raise ValueError(f"{what}: given {given.min()} s; expected times >= 0")
    if np.any(exact > _LONGEST):
        raise ValueError(
            f"{what}: given {given.max():g} s, {exact.max():g} steps of {dt:g} ms; expected at "
            f"most {_LONGEST} steps"
        )
    steps = np.round(exact).astype(np.int64)
    off = np.flatnonzero(np.abs(exact - steps) > 1e-3)
    if off.size:
        report.lose(
            f"{what}: {given[off[0]]:g} s is no whole number of steps of {dt:g} ms; it is rounded"
        )
    return replace(node, fields={"delay": steps})
