"""Losses of snnTorch and Norse for the page of that name, which draws them over jsnn's.

Both run the code that the page shows, in an environment of their own, which `nox -s stored` makes.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from experiments import cli
from experiments.mnist.bench import machine
from experiments.page_code import code_of
from experiments.training.data.few_digits import FewDigits, few_digits

PAGE = "from_snntorch.md"
RESULTS = {"snnTorch": ("losses", "membrane", "spikes"), "Norse": ("losses",)}
"""Names that the code of each program leaves behind."""
PEER = Path(__file__).parent / "peers" / "page_peer.py"


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags."""

    torch_python: Path = Path(".nox/torch/bin/python")
    """Python of an environment with snnTorch and Norse."""


def main(config: Config) -> dict[str, Any]:
    python = str(config.torch_python)
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "command": "nox -s stored",
        "versions": {name: version(python, name.lower()) for name in (*RESULTS, "torch")},
        "results": {name: in_peer(python, name) for name in RESULTS},
    }


def version(python: str, package: str) -> str:
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.check_output((python, "-c", asked), text=True).strip()


def in_peer(python: str, program: str) -> dict[str, Any]:
    """Run a program's code in the page and return its results."""
    with tempfile.TemporaryDirectory() as directory:
        code, arrays = Path(directory) / "code.py", Path(directory) / "arrays.npz"
        code.write_text(code_of(PAGE, "PyTorch", program))
        trains, labels, *weights = few_digits()
        numbers = np.float32(trains), np.int64(labels), *weights
        np.savez(arrays, **dict(zip(FewDigits._fields, numbers, strict=True)))
        command = (python, str(PEER), str(code), str(arrays), *RESULTS[program])
        printed = subprocess.check_output(command, text=True)
    results: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return results


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
