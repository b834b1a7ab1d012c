import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import jax
import jax.monitoring
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

hypothesis.settings.register_profile(
    "jsnn",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=8,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("jsnn")

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
