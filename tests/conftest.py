import ctypes
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.monitoring
import pytest
from xdist.scheduler import LoadFileScheduling

import jsnn
import tests.profiles  # noqa: F401
from tests.browsers import chromium as chromium

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

PROGRAMS = "JSNN_TESTS_PROGRAMS"
"""Environment variable that tells the workers of a session where compiled programs are."""


def pytest_configure(config: pytest.Config) -> None:
    """Compile each program once a session: workers share a cache that is gone at the end."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        directory = tempfile.TemporaryDirectory(prefix="jsnn_programs_")
        config.add_cleanup(directory.cleanup)
        os.environ[PROGRAMS] = directory.name
    jsnn.cache_compilations(os.environ[PROGRAMS])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file on one worker, since they share fixtures and programs."""
    if config.option.dist != "load":
        return None
    config.option.loadscopereorder = False  # the longest files stand in the first folders
    return LoadFileScheduling(config, log)


def pytest_collection_finish() -> None:
    """Search for garbage seldom, and only among what tests make: traces are many small objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="module")
def memory_of_programs() -> Iterator[None]:
    """Free the compiled programs of a file after its last test."""
    yield
    jax.clear_caches()
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # else freed memory still counts as used


Compilations = Callable[[], AbstractContextManager[list[str]]]

_compiled: list[str] = []


def _note_compilation(event: str, duration: float, **details: object) -> None:
    name = str(details.get("fun_name", "unknown"))
    copies_an_array_to_the_device = name == "jit(stage)"
    if event == "/jax/core/compile/backend_compile_duration" and not copies_an_array_to_the_device:
        _compiled.append(name)


jax.monitoring.register_event_duration_secs_listener(_note_compilation)


@pytest.fixture
def compilations() -> Compilations:
    """`with compilations() as names:` - afterwards `names` holds each program compiled in it."""

    @contextmanager
    def counted() -> Iterator[list[str]]:
        before = len(_compiled)
        names: list[str] = []
        yield names
        names.extend(_compiled[before:])

    return counted


@pytest.fixture
def as_users_have_it() -> Iterator[None]:
    """JAX's flags outside of the test suite."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(autouse=True)
def no_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments that run inside a test leave the user's cache and this process as they are."""
    monkeypatch.setattr("experiments.cli.cache_compilations", lambda: None)


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Run code in a fresh interpreter, with the repository importable; returns its output."""
    root = Path(__file__).parents[1]

    def run(code: str, **environment: str) -> str:
        path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
        finished = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    return run
