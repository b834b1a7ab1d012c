"""Parity with Brian2 and NEST.

Balanced networks, with and without learning, and single neurons are compared with Brian2, the
cortical microcircuit and learning with NEST, spike for spike. Needs Brian2 and, for its rows, NEST,
which `nox -s parity` installs. Ends with status 1 if a comparison fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from experiments import cli
from experiments.parity.comparison import Comparison, markdown

QUICK = 2000
"""Number of steps with --quick."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for all comparisons."""

    quick: bool = False
    """Run networks for 200 ms instead of a second, and leave out statistics."""
    seeds: int = 5
    """Number of microcircuits whose statistics are compared with NEST's, minutes each."""


def comparisons(config: Config) -> Iterator[Comparison]:
    from experiments.parity import (
        learning,
        microcircuit,
        microcircuit_statistics,
        neurons,
        voltage,
    )
    from experiments.parity.networks import SECOND, compared_spikes, compared_statistics

    num_steps = QUICK if config.quick else SECOND
    yield from compared_spikes(config.seed, num_steps)
    if not config.quick:
        yield from compared_statistics(config.seed)
    yield from neurons.compared(config.seed)
    yield from learning.compared(config.seed, num_steps)
    if find_spec("nest"):
        yield from voltage.compared(config.seed)
        yield from microcircuit.compared(config.seed, num_steps)
        if not config.quick:
            yield from microcircuit_statistics.compared(config.seed, config.seeds)
    else:
        print("NEST is not installed: its rows are left out", flush=True)


def main(config: Config) -> dict[str, Any]:
    if config.seeds < 2:
        raise ValueError(f"--seeds: given {config.seeds}; expected at least 2, to compare them")
    rows = []
    for row in comparisons(config):
        rows.append(row)
        print(f"{'passed' if row.passed else 'FAILED'}: {row.what}: {row.measured}", flush=True)
    print("", *markdown(rows), sep="\n")
    return {"passed": all(row.passed for row in rows), "rows": [row._asdict() for row in rows]}


if __name__ == "__main__":
    results = cli.run(Config, main, __doc__ or "")
    raise SystemExit(not results["passed"])
