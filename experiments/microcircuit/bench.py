"""Benchmark: the cortical microcircuit in jsnn beside NEST and sparx.

By default a fifth of the circuit, with a constant background, is simulated for a second after a
first 100 ms, whose seconds include compilation. Every run is in a process of its own, the
simulators take turns, and medians are given. Each draws its network by its own means, so rates
agree and spikes do not. jsnn and sparx compute in float32, NEST in float64. The processor time is
that of the loop, of all threads; it depends less on what else the machine does.

sparx needs Python 3.12: `--sparx-python` names an interpreter that has it. A simulator that is not
installed, or that fails, keeps its row.
"""

import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jsnn
from experiments import cli
from experiments.microcircuit.contenders import BLOCK, Measured, in_jsnn, in_nest, in_sparx
from experiments.microcircuit.network import DT, circuit
from experiments.mnist.bench import machine
from experiments.mnist.peers import failure
from experiments.parity.apart import apart


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a fifth of the circuit and a second."""

    scale: float = 0.2
    """Numbers of neurons and of the synapses of each, in those of the full circuit."""
    duration_ms: float = 1000.0
    """Simulated time after the first 100 ms, in ms, a multiple of 100."""
    repeats: int = 3
    """Number of times that each run is measured."""
    sparx_python: Path = Path(sys.executable)
    """Interpreter of an environment with sparx (the package sparxml)."""


class Contender(NamedTuple):
    """A simulator, which is left out if it has no version."""

    version: str | None
    measure: Callable[[float, int, int], Measured]
    """A function (scale, number of blocks, seed) -> figures."""


def contenders(sparx_python: Path) -> dict[str, Contender]:
    return {
        "jsnn": Contender(jsnn.__version__, partial(apart, in_jsnn)),
        "NEST, 2 threads": Contender(version("nest-simulator"), partial(apart, in_nest)),
        "sparx": Contender(version("sparxml", sparx_python), partial(in_sparx, sparx_python)),
    }


def version(package: str, python: Path = Path(sys.executable)) -> str | None:
    """Return the version of a package in the environment of an interpreter, if it is installed."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    asked = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def side_by_side(config: Config, num_blocks: int) -> list[dict[str, Any]]:
    """Measure all simulators in turns; return a row for each."""
    together = contenders(config.sparx_python)
    problems = {name: "not installed" for name, each in together.items() if each.version is None}
    runs: dict[str, list[Measured]] = {name: [] for name in together}
    with cli.progress_bar(len(together) * config.repeats, "run") as bar:
        for repeat in range(config.repeats):
            for name, contender in together.items():
                bar.set_description(name)
                if name not in problems:
                    try:
                        run = contender.measure(config.scale, num_blocks, config.seed + repeat)
                        runs[name].append(run)
                    except Exception as error:  # a simulator may raise any error
                        problems[name] = failure(error)
                bar.update()
    return [
        {"name": name, "version": contender.version}
        | ({"problem": problems[name]} if name in problems else figures(runs[name], num_blocks))
        for name, contender in together.items()
    ]


def figures(runs: list[Measured], num_blocks: int) -> dict[str, Any]:
    """Return medians, and the figures of all runs."""
    columns = zip(*runs, strict=True)
    medians = dict(zip(Measured._fields, map(statistics.median, columns), strict=True))
    factor = medians["loop_seconds"] / (1e-3 * DT * num_blocks * BLOCK)
    return medians | {"real_time_factor": factor, "runs": [run._asdict() for run in runs]}


def markdown(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table with a row for each simulator."""
    heads = ["name", "version", "build", "first 100 ms", "loop", "real-time factor"]
    heads += ["processor time", "synapses", "mean rate", "peak memory"]

    def cells(row: dict[str, Any]) -> list[str]:
        if "problem" in row:
            return [row["problem"].replace("|", "/"), *[""] * 7]
        return [
            f"{row['build_seconds']:.1f} s",
            f"{row['first_seconds']:.1f} s",
            f"{row['loop_seconds']:.2f} s",
            f"{row['real_time_factor']:.2f}",
            f"{row['processor_seconds']:.2f} s",
            f"{row['num_synapses']:,.0f}",
            f"{row['rate_hz']:.2f} Hz",
            f"{row['memory_mb']:,.0f} MB",
        ]

    table = [heads, *([row["name"], row["version"] or "", *cells(row)] for row in rows)]
    lines = ["| " + " | ".join(line) + " |" for line in table]
    return [lines[0], "|---" * len(heads) + "|", *lines[1:]]


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "repeats")
    num_blocks, rest = divmod(round(config.duration_ms / DT), BLOCK)
    if num_blocks < 1 or rest:
        raise ValueError(
            f"--duration-ms: given {config.duration_ms:g}; expected a multiple of {BLOCK * DT:g}"
        )
    if shutil.which(config.sparx_python) is None:
        raise ValueError(
            f"--sparx-python: given {config.sparx_python}; expected a Python interpreter"
        )
    numbers = circuit(config.scale, config.scale, "dc")
    rows = side_by_side(config, num_blocks)
    print(
        f"\n{numbers.num_neurons:,} neurons, {config.duration_ms:g} ms after the first "
        f"{BLOCK * DT:g} ms, constant background\n",
        *markdown(rows),
        sep="\n",
    )
    return {"machine": machine(), "num_neurons": numbers.num_neurons, "rows": rows}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
