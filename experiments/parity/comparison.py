"""Comparisons: a requirement, a measurement, and the verdict."""

import math
from typing import NamedTuple

import numpy as np

from experiments.balanced.network import DT, Run


class Comparison(NamedTuple):
    """A row of the table."""

    what: str
    asked: str
    measured: str
    passed: bool


def equal_spikes(what: str, ours: Run, theirs: Run) -> Comparison:
    """Compare two runs, which must have the same spikes in the same steps."""
    first = first_difference(ours, theirs)
    return Comparison(what, "equal", how_equal(ours, theirs), first is None)


def equal_at_first(what: str, ours: Run, theirs: Run, num_steps: int) -> Comparison:
    """Compare two runs, which must have the same spikes in the first steps."""
    first = first_difference(ours, theirs)
    passed = first is None or first >= num_steps
    asked = f"equal for {num_steps * DT:.0f} ms"
    return Comparison(what, asked, how_equal(ours, theirs), passed)


def how_equal(ours: Run, theirs: Run) -> str:
    first = first_difference(ours, theirs)
    if first is None:
        return f"{len(ours.steps):,} spikes, all equal"
    return f"{len(ours.steps):,} and {len(theirs.steps):,} spikes, equal for {first * DT:.1f} ms"


def first_difference(ours: Run, theirs: Run) -> int | None:
    """Return the first step in which the spikes of two runs differ, or None."""
    if np.array_equal(ours.steps, theirs.steps) and np.array_equal(ours.neurons, theirs.neurons):
        return None
    return min(step for step, _ in spikes_of(ours) ^ spikes_of(theirs))


def common_spikes(what: str, ours: Run, theirs: Run, num_steps: int, least: float) -> Comparison:
    """Compare the first steps of two runs by the share of spikes that both of them have."""
    mine, other = (
        {spike for spike in spikes_of(run) if spike[0] < num_steps} for run in (ours, theirs)
    )
    share = len(mine & other) / max(1, len(mine | other))
    measured = f"{100 * share:.2f} % of {len(mine | other):,}"
    return Comparison(what, f">= {100 * least:.0f} %", measured, share >= least)


def spikes_of(run: Run) -> set[tuple[int, int]]:
    """Return the spikes of a run as {(step, neuron)}."""
    return set(zip(run.steps.tolist(), run.neurons.tolist(), strict=True))


def within(what: str, value: float, target: float, tolerance: float, unit: str = "") -> Comparison:
    asked = f"{target:g} +- {tolerance:.3g}{unit}"
    return Comparison(what, asked, f"{value:.3f}{unit}", abs(value - target) <= tolerance)


def at_most(what: str, value: float, limit: float, unit: str = "") -> Comparison:
    passed = math.isfinite(value) and value <= limit
    return Comparison(what, f"<= {limit:.0e}{unit}", f"{value:.1e}{unit}", passed)


def markdown(rows: list[Comparison]) -> list[str]:
    head = ["| | asked | measured | |", "|---|---|---|---|"]
    return head + [
        f"| {row.what} | {row.asked} | {row.measured} | {'yes' if row.passed else '**no**'} |"
        for row in rows
    ]
