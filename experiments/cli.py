"""Common part of all experiments: flags from a dataclass, short errors, JSON results."""

import io
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import tyro

from jsnn import cache_compilations

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Config:
    """Flags of every experiment."""

    seed: int = 0
    """Seed of all random numbers."""
    json: Path | None = None
    """File for the results, as JSON."""


C = TypeVar("C", bound=Config)


def run(
    config_type: type[C], experiment: Callable[[C], dict[str, Any]], description: str
) -> dict[str, Any]:
    """Read the flags, run an experiment, and write and return its results.

    Bad input ends the process with a message and status 1.

    Args:
      config_type: the class of the flags.
      experiment: the function that runs with them.
      description: the text of --help.
    """
    config = tyro.cli(config_type, description=description)
    cache_compilations()
    try:
        if config.json is not None:
            check_writable(config.json.parent)
        results = experiment(config)
        if config.json is not None:
            write_atomically(config.json, json.dumps(results, indent=1).encode())
        return results
    except (ValueError, TypeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def check_writable(directory: Path) -> None:
    """Make a directory if it does not exist, and check that it can be written to.

    Raises:
      OSError: if nothing can be written there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        pass


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; make its directory if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a figure as PNG, whole or not at all."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150)
    write_atomically(path, png.getvalue())


def peak_memory_mb() -> float:
    """Return the largest resident size that this process has had, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
