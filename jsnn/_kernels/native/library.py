"""Library of the C++ kernels: compiled when first used, kept, verified and loaded.

A library is kept in a folder that no other user can write to. Its name holds a hash of all that it
was made of (source, flags, compiler, processor, jaxlib) and the SHA-256 of its bytes, so that a
file that was truncated or damaged is recognised before it is loaded, and made anew. Where there is
no compiler, or `JSNN_KERNELS=0` is set, jsnn takes the plain path in XLA, which gives the same
results.
"""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import jax

from jsnn.compilation_cache import cache_directory, make_private, temporary_directory

_SOURCE = Path(__file__).with_name("kernels.cc")
_HEADERS = sorted(_SOURCE.parent.glob("*.h"))
_TARGETS = (
    "jsnn_event_product",
    "jsnn_product_over_time",
    "jsnn_spike_outer",
    "jsnn_train_product",
    "jsnn_deliver",
    "jsnn_settle",
    "jsnn_distinct",
    "jsnn_visits",
    "jsnn_put",
    "jsnn_overwrite",
)
_FLAGS = (
    "-std=c++17",
    "-O3",
    "-fno-tree-loop-distribute-patterns",
    "-march=native",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
)
_COMPILERS = ("c++", "g++", "clang++")
_SWITCH = "JSNN_KERNELS"
"""Environment variable that switches the kernels off if it is 0."""

_SECONDS_TO_ANSWER = 30
"""Longest time that a compiler may take to name its version."""

_SECONDS_TO_COMPILE = 600
"""Longest time that a compilation may take; it takes 5 to 10 seconds on a free core."""

_PROCESSOR = (
    *("model name", "flags"),  # x86
    *("CPU implementer", "CPU variant", "CPU part", "Features"),  # ARM
    *("isa", "uarch"),  # RISC-V
)
"""Lines of /proc/cpuinfo that tell processors apart."""


@lru_cache
def available() -> bool:
    """Return True if the kernels can be used; compile and register them the first time.

    Raises:
      ValueError: if the environment variable JSNN_KERNELS is neither 0 nor 1.
    """
    wanted = os.environ.get(_SWITCH) or "1"
    if wanted not in ("0", "1"):
        raise ValueError(f"{_SWITCH}: given {wanted!r}; expected 0 (no C++ kernels) or 1")
    if wanted == "0" or os.name != "posix":
        return False
    failures = []
    for compiler in _compilers():
        try:
            library = _library(compiler)
        except (OSError, AttributeError, subprocess.SubprocessError) as error:
            failures.append(f"{shlex.join(compiler)}: {error}")
            continue
        for target in _TARGETS:
            jax.ffi.register_ffi_target(
                target, jax.ffi.pycapsule(getattr(library, target)), platform="cpu"
            )
        return True
    if failures:
        warnings.warn(
            "jsnn runs without its C++ kernels, slower and with the same results "
            f"({_SWITCH}=0 silences this warning). " + "; ".join(failures),
            stacklevel=2,
        )
    return False


def _compilers() -> Iterator[tuple[str, ...]]:
    """Yield the commands that may be compilers, $CXX first, each once."""
    given = os.environ.get("CXX")
    if given:
        try:
            yield tuple(shlex.split(given))
        except ValueError:  # an open quote
            yield (given,)
    tried = set()
    for name in _COMPILERS:
        path = shutil.which(name)
        if path is not None and os.path.realpath(path) not in tried:
            tried.add(os.path.realpath(path))
            yield (path,)


def _library(compiler: Sequence[str]) -> ctypes.CDLL:
    """Load the library that a compiler makes; compile it if it is not there or is damaged."""
    folder, name = _folder(), f"kernels-{_made_of(compiler)}"
    for kept in folder.glob(f"{name}-*.so"):
        try:
            if kept.name == f"{name}-{_sha256(kept)}.so":
                return _loaded(kept)
        except (OSError, AttributeError):
            pass
        kept.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        made = Path(directory) / "kernels.so"
        include = ("-isystem", jax.ffi.include_dir())
        command = (*compiler, *_FLAGS, *include, str(_SOURCE), "-o", str(made))
        _output(command, _SECONDS_TO_COMPILE)
        library = _loaded(made)
        made.replace(folder / f"{name}-{_sha256(made)}.so")
    return library


def _loaded(path: Path) -> ctypes.CDLL:
    """Load a library that has all kernels.

    Raises:
      OSError: if it cannot be loaded.
      AttributeError: if it lacks a kernel.
    """
    library = ctypes.CDLL(str(path))
    for target in _TARGETS:
        getattr(library, target)
    return library


def _folder() -> Path:
    """Return a folder for libraries that belongs to the user alone.

    Raises:
      OSError: if neither the cache nor the temporary directory has room for one.
    """
    try:
        folder = make_private(cache_directory() / "kernels")
        if os.access(folder, os.W_OK):
            return folder
    except OSError:  # a home that does not exist, cannot be written to, or is shared
        pass
    return temporary_directory()


def _made_of(compiler: Sequence[str]) -> str:
    """Return a hash of all that a library is made of."""
    parts = (
        *(path.read_text(encoding="utf-8") for path in (_SOURCE, *_HEADERS)),
        *_FLAGS,
        *compiler,
        _output((*compiler, "--version"), _SECONDS_TO_ANSWER),
        version("jaxlib"),
        platform.machine(),
        _processor(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _output(command: Sequence[str], seconds: float) -> str:
    """Run a command and return what it prints; end it and its children after some seconds.

    Raises:
      OSError: if it does not start, or fails.
      subprocess.TimeoutExpired: if it takes too long.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            printed, complaint = process.communicate(timeout=seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        said = complaint.decode(errors="replace").strip() or "no message"
        raise OSError(f"returned {process.returncode}: {said}")
    return printed.decode(errors="replace")


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return a description of the processor, as code for one may not run on another."""
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text(errors="replace").splitlines()
    return "\n".join(sorted({x for x in lines if x.partition(":")[0].strip() in _PROCESSOR}))
