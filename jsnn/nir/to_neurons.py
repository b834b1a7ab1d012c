"""Nodes of NIR for populations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jsnn.models import (
    IF,
    IF_SOFT_RESET,
    INTEGRATOR,
    LEAKY_INTEGRATOR,
    LIF,
    LIF_SOFT_RESET,
    NeuronModel,
)
from jsnn.network import Population
from jsnn.nir.layout import Layout
from jsnn.nir.neurons.conventions import KIND_OF_MODEL
from jsnn.nir.neurons.signals import THRESHOLD
from jsnn.nir.nodes import TIMES, Node
from jsnn.nir.report import Report
from jsnn.nir.units import in_seconds, per_second

Values = dict[str, Any]


def neuron_node(population: Population, layout: Layout, dt: float, report: Report) -> Node:
    """Return the node of a population of neurons.

    Raises:
      ValueError: if NIR has no such neuron.
    """
    size = population.size
    params = {name: np.broadcast_to(p, size) for name, p in population.params.items()}
    kind, fields, starts = _kind_and_fields(population, params, dt, report)
    for name, value in population.initial.items():
        if name in starts and np.any(np.asarray(value) != starts[name]):
            report.lose(
                f"population {population.name!r}, variable {name!r}: its initial value, as NIR has "
                "none and programs begin at 0"
            )
    written = {name: _in_units(kind, name, layout.arranged(v)) for name, v in fields.items()}
    return Node(kind, written)


def _in_units(kind: str, name: str, value: np.ndarray) -> np.ndarray:
    if name in TIMES:
        return in_seconds(value)
    return per_second(value) if name == "r" and kind in ("I", "IF") else value


def _kind_and_fields(
    population: Population, params: Values, dt: float, report: Report
) -> tuple[str, Values, Values]:
    """Return the kind of node, its fields, and the initial values that programs assume."""
    model = population.model
    what = f"population {population.name!r}"
    if model == THRESHOLD:
        return "Threshold", params, {}
    if model in KIND_OF_MODEL:
        return KIND_OF_MODEL[model], params, {"v": 0, "i": 0}
    if model not in _KNOWN:
        reason = f"its {len(model.inputs)} inputs" if len(model.inputs) > 1 else "its equations"
        known = ", ".join(sorted(each.name for each in _KNOWN))
        raise ValueError(
            f"{what}: given model {model.name or 'without a name'}, and NIR has no node with "
            f"{reason}; expected one of {known}, or a neuron that was read from NIR"
        )
    if np.any(np.round(params.get("tau_refrac", np.zeros(1)) / dt) > 0):
        report.lose(f"{what}, parameter 'tau_refrac': a refractory time, which NIR does not have")
    if model in (IF_SOFT_RESET, LIF_SOFT_RESET):
        report.lose(
            f"{what}, model {model.name}: its reset by subtraction; it is written as one to v_reset"
        )
    elif model in (IF, LIF):
        report.note(
            f"{what}: {model.name} checks the threshold at the end of a step; read it with "
            'integration="end_of_step" for the same spikes'
        )
    kind, fields = _KNOWN[model]
    return kind, *fields(population, params)


def _integrator(population: Population, params: Values) -> tuple[Values, Values]:
    return {"r": _ones(population)}, {"v": 0}


def _integrate_fire(population: Population, params: Values) -> tuple[Values, Values]:
    ones = _ones(population)
    reset = params.get("v_reset", 0 * ones)
    return {"r": ones, "v_threshold": _below(params["v_thresh"]), "v_reset": reset}, {"v": 0}


def _leaky_integrator(population: Population, params: Values) -> tuple[Values, Values]:
    fields = {"tau": params["tau_m"], "r": params["r_m"], "v_leak": params["v_rest"]}
    return fields, {"v": 0}


def _leaky_integrate_fire(population: Population, params: Values) -> tuple[Values, Values]:
    """Return the fields of a LIF. V is counted from v_rest if that is where V begins."""
    rest = params["v_rest"]
    begins_at_rest = np.all(np.asarray(population.initial["v"]) == rest)
    zero = rest if begins_at_rest else np.zeros_like(rest)
    fields = {
        "tau": params["tau_m"],
        "r": params["r_m"],
        "v_leak": rest - zero + params["r_m"] * params["i_offset"],
        "v_threshold": _below(params["v_thresh"] - zero),
        "v_reset": params.get("v_reset", rest) - zero,
    }
    return fields, {"v": zero}


def _ones(population: Population) -> np.ndarray:
    """Return r of 1 per ms, as V <- V + I dt has it."""
    return np.ones(population.size, np.asarray(population.initial["v"]).dtype)


def _below(threshold: np.ndarray) -> np.ndarray:
    """Return the largest numbers below a threshold, so that V >= threshold says V > v_threshold."""
    return np.nextafter(threshold, np.array(-np.inf, threshold.dtype))


_KNOWN: dict[NeuronModel, tuple[str, Callable[[Population, Values], tuple[Values, Values]]]] = {
    IF: ("IF", _integrate_fire),
    IF_SOFT_RESET: ("IF", _integrate_fire),
    INTEGRATOR: ("I", _integrator),
    LEAKY_INTEGRATOR: ("LI", _leaky_integrator),
    LIF: ("LIF", _leaky_integrate_fire),
    LIF_SOFT_RESET: ("LIF", _leaky_integrate_fire),
}
"""Models of jsnn that NIR can say, each with its kind of node and a function for its fields."""
