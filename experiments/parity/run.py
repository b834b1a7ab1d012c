"""Parity with Brian2: balanced networks spike for spike, their statistics, single neurons.

Needs Brian2, which `nox -s parity` installs. Ends with status 1 if a comparison fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments import cli
from experiments.parity.comparison import Comparison, markdown

QUICK = 2000
"""Number of steps with --quick."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for all comparisons."""

    quick: bool = False
    """Run balanced networks for 200 ms instead of a second in Brian2, and leave out statistics."""


def comparisons(config: Config) -> Iterator[Comparison]:
    from experiments.parity.networks import SECOND, compared_spikes, compared_statistics
    from experiments.parity.neurons import compared

    yield from compared_spikes(config.seed, QUICK if config.quick else SECOND)
    if not config.quick:
        yield from compared_statistics(config.seed)
    yield from compared(config.seed)


def main(config: Config) -> dict[str, Any]:
    rows = []
    for row in comparisons(config):
        rows.append(row)
        print(f"{'passed' if row.passed else 'FAILED'}: {row.what}: {row.measured}", flush=True)
    print("", *markdown(rows), sep="\n")
    return {"passed": all(row.passed for row in rows), "rows": [row._asdict() for row in rows]}


if __name__ == "__main__":
    results = cli.run(Config, main, __doc__ or "")
    raise SystemExit(not results["passed"])
