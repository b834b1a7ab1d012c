"""Benchmark: one gradient of a spiking network, in jsnn, in a scan written by hand, and in peers.

The network is 700-256-20: leaky integrate-and-fire neurons with exponential synapses and a leaky
readout, 100 steps with spikes in 2 % of the inputs. All take turns; medians over the repeats, with
the first run, which compiles, apart. The machine should be idle.
"""

import statistics
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from experiments import cli
from experiments.mnist.bench import machine
from experiments.training.contenders import Seconds, by_hand, in_jsnn, in_script, in_spyx

NOTES = {
    "spyx": "CuBaLIF, soft reset; readout without synapses",
    "sparx": "Synaptic; readout without synapses",
    "snntorch": "Synaptic, for the readout too",
    "spikingjelly": "SynapseFilter and LIFNode, multi-step",
    "norse": "LIF and LI",
}
FLAGS = {
    "sparx": "sparx_python",
    **dict.fromkeys(("snntorch", "spikingjelly", "norse"), "torch_python"),
}
"""The flag that a peer needs."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags."""

    repeats: int = 9
    """Number of times that each gradient is made."""
    batch_sizes: tuple[int, ...] = (64, 256)
    """Presentations per gradient."""
    sparx_python: Path | None = None
    """Python of an environment with sparx."""
    torch_python: Path | None = None
    """Python of an environment with snnTorch, SpikingJelly and Norse."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "repeats", "batch_sizes")
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are measured
    contenders: dict[str, Any] = {"jsnn": in_jsnn, "scan by hand": by_hand, "spyx": in_spyx}
    missing = []
    for name, flag in FLAGS.items():
        python = getattr(config, flag)
        if python is None:
            note = f"not measured: give --{flag.replace('_', '-')} of an environment with {name}"
            missing.append({"name": name, "note": note})
        else:
            contenders[name] = partial(in_script, python, name)
    rows = [
        row for batch in config.batch_sizes for row in measured(contenders, batch, config.repeats)
    ]
    for row in rows:
        row["note"] = row.get("note") or NOTES.get(row["name"], "")
    rows += missing
    print("| contender | batch | first run [s] | gradient [s] | fastest [s] | note |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        numbers = [row.get(name) for name in ("first", "median", "fastest")]
        shown = " | ".join("" if x is None else f"{x:.3f}" for x in numbers)
        print(f"| {row['name']} | {row.get('batch', '')} | {shown} | {row['note']} |")
    return {"machine": machine(), "rows": rows}


def measured(contenders: dict[str, Any], batch: int, repeats: int) -> list[dict[str, Any]]:
    """Measure all contenders in turns; one that fails keeps a row with the reason."""
    rows: dict[str, dict[str, Any]] = {}
    gradients: dict[str, Seconds] = {}
    for name, build in contenders.items():
        rows[name] = {"name": name, "batch": batch, "version": version(name)}
        try:
            gradients[name] = build(batch)
            rows[name]["first"] = gradients[name]()
        except Exception as error:  # a peer may raise any error
            gradients.pop(name, None)
            rows[name]["note"] = f"failed: {type(error).__name__}: {error}"[:200]
    turns = [{name: seconds() for name, seconds in gradients.items()} for _ in range(repeats)]
    for name in gradients:
        of_turns = [turn[name] for turn in turns]
        rows[name] |= {"median": statistics.median(of_turns), "fastest": min(of_turns)}
    return list(rows.values())


def version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
