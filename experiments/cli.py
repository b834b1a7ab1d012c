"""Common part of all experiments: flags from a dataclass, short errors, progress, JSON results."""

import dataclasses
import functools
import io
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import jsnn
from jsnn import cache_compilations
from jsnn.network.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tqdm import tqdm

PACKAGES = ("h5py", "matplotlib", "pooch", "requests", "scipy", "tqdm", "tyro")
"""Packages that the experiments import beside those of jsnn."""

FIGURES = (".png", ".pdf", ".svg")
"""Suffixes of the files that a figure can be written to."""

OutputDirectory = Annotated[Path, "directory"]
"""Type of a flag for a directory of results."""

OutputFile = Annotated[Path, "file"]
"""Type of a flag for a file of results."""

OutputFigure = Annotated[Path, "figure"]
"""Type of a flag for a figure."""


@dataclass(frozen=True)
class Config:
    """Flags of every experiment."""

    seed: int = 0
    """Seed of all random numbers, from 0 to 2^32 - 1."""
    json: OutputFile | None = None
    """File for the results, as JSON."""


C = TypeVar("C", bound=Config)
P = ParamSpec("P")
T = TypeVar("T")
Results = dict[str, Any]


def run(
    config_type: type[C],
    experiment: Callable[[C], Results | AbstractContextManager[Results]],
    description: str,
) -> Results:
    """Read the flags, check them, run an experiment, and write and return its results.

    Bad input ends the process with a message and status 1.

    Args:
      config_type: the class of the flags.
      experiment: the function that runs with them. If it keeps a checkpoint, it is a context
        manager that yields the results and, once they are written, removes the checkpoint.
      description: the text of --help.
    """
    try:
        check_packages("tyro")
        config = _flags(config_type, description)
        check_packages(*PACKAGES)
        cache_compilations()
        check(config)
        done = experiment(config)
        with nullcontext(done) if isinstance(done, dict) else done as results:
            if config.json is not None:
                write_whole(config.json, json.dumps(results, indent=1).encode())
        return results
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def _flags(config_type: type[C], description: str) -> C:
    import tyro

    return tyro.cli(config_type, description=description)


def check_packages(*packages: str) -> None:
    """Raise ModuleNotFoundError if a package is missing, and name all that the experiments lack."""
    if any(find_spec(package) is None for package in packages):
        missing = [package for package in PACKAGES if find_spec(package) is None]
        raise ModuleNotFoundError(
            f"the experiments need {', '.join(missing)}, not installed: "
            'python -m pip install -e ".[experiments]"',
            name=missing[0],
        )


def check(config: Config) -> None:
    """Raise ValueError if the seed is none, or if results cannot be written where they are to go.

    Directories for results are made.
    """
    if not 0 <= config.seed < 2**32:
        raise ValueError(f"--seed: given {config.seed}; expected 0 to 4294967295")
    fields = dataclasses.fields(config)
    for field in fields:
        if field.type == OutputDirectory:
            check_directory(getattr(config, field.name), field.name)
    files: dict[Path, str] = {}
    for field in fields:
        path = getattr(config, field.name)
        if field.type == OutputFigure and path.suffix.lower() not in FIGURES:
            raise ValueError(f"--{field.name}: given {path}; expected one of {', '.join(FIGURES)}")
        if field.type in (OutputFigure, OutputFile, OutputFile | None) and path is not None:
            _check_file(path, field.name)
            other = files.setdefault(path.resolve(), field.name)
            if other != field.name:
                raise ValueError(f"--{field.name}: given {path}, as --{other} is; expected another")


def check_at_least_1(config: Config, *fields: str) -> None:
    """Raise ValueError, which names the flag, if a number or one of several is below 1, or none."""
    for field in fields:
        given = getattr(config, field)
        numbers = given if isinstance(given, tuple) else (given,)
        if min(numbers, default=0) < 1:
            flag = f"--{field.replace('_', '-')}"
            raise ValueError(f"{flag}: given {min(numbers, default='none')}; expected at least 1")


def _check_file(path: Path, flag: str) -> None:
    if path.is_dir():
        raise ValueError(f"--{flag}: {path} is a directory; expected a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise ValueError(f"--{flag}: {path} is not writable")
    if path.is_file() or not path.exists():
        check_directory(path.resolve().parent, flag)


def check_directory(directory: Path, flag: str) -> None:
    """Make a directory; raise ValueError, which names the flag, if it cannot be written to."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ValueError(f"--{flag}: cannot write to {directory}: {error.strerror}") from None


def drawing(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function draw in the style of `jsnn.plot`, which is imported when it is called."""

    @functools.wraps(function)
    def styled(*arguments: P.args, **named: P.kwargs) -> T:
        with jsnn.plot.style():
            return function(*arguments, **named)

    return styled


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a figure in the format that the suffix names, whole or not at all.

    A .png has 256 colours, which is enough for lines and dots and makes files small.
    """
    content, kind = io.BytesIO(), path.suffix[1:].lower()
    figure.savefig(content, format=kind)
    write_whole(path, _with_few_colours(content) if kind == "png" else content.getvalue())


def _with_few_colours(png: io.BytesIO) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    with Image.open(png) as image:
        few = image.convert("RGB").quantize(256)
        few.save(content, "png", optimize=True, dpi=image.info["dpi"])
    return content.getvalue()


def progress_bar(
    total: int,
    unit: str,
    title: str | None = None,
    *,
    done: int = 0,
    leave: bool = True,
) -> "tqdm[Any]":
    """Make a progress bar, which prints a line a minute if it is not on a terminal.

    Args:
      total: the number of units in all.
      unit: the name of a unit.
      title: the text before the bar.
      done: the number of units that are done already.
      leave: leave the bar on the terminal when all is done.
    """
    from tqdm import tqdm

    pause = 0.1 if sys.stderr.isatty() else 60.0
    return tqdm(
        total=total,
        unit=unit,
        desc=title,
        initial=done,
        leave=leave,
        mininterval=pause,
        maxinterval=100 * pause,
    )


def peak_memory_mb() -> float:
    """Return the largest resident size that this process has had, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
