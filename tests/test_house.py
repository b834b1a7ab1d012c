"""The rules of the house: what imports what, and how docstrings begin."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

PACKAGE = Path(__file__).parents[1] / "jsnn"
EXPERIMENTS = PACKAGE.parent / "experiments"

# From low to high. A module imports only modules that stand before it.
ORDER = [
    "_pytree",
    "_checks",
    "_summary",
    "_devices",
    "_primitive",
    "_extras",
    "_progress",
    "compilation_cache",
    "models",
    "_kernels",
    "network",
    "recording",
    "spike_events",
    "encoding",
    "_engine",
    "simulation",
    "long_runs",
    "evaluation",
    "training",
    "conversion",
    "nir",
    "analysis",
    "plot",
]


def modules() -> list[str]:
    files = [path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")]
    return sorted(".".join(parts) for parts in files if parts != ("__init__",))


def level(module: str) -> str:
    """ "conversion.flax" -> "conversion"."""
    return module.split(".")[0]


def imported_by(module: str) -> set[str]:
    path = PACKAGE / (module.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    ours = {name.removeprefix("jsnn.") for name in names if name.startswith("jsnn.")}
    return {level(name) for name in ours} & set(ORDER)


def test_every_module_has_a_place_in_the_order() -> None:
    assert {level(module) for module in modules()} <= set(ORDER)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_stands_above_it(module: str) -> None:
    below = ORDER[ORDER.index(level(module)) :]
    assert imported_by(module) - {level(module)} <= set(ORDER) - set(below)


@pytest.mark.parametrize("module", modules())
def test_nothing_imports_plot(module: str) -> None:
    assert level(module) == "plot" or "plot" not in imported_by(module)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.rglob("*.py")), ids=lambda path: path.stem)
def test_nobody_outside_imports_a_package_with_an_underscore(path: Path) -> None:
    assert not re.findall(r"^\s*(?:from|import) jsnn\S*\._\w+.*$", path.read_text(), re.M)
    assert not re.findall(r"^\s*from jsnn import .*\b_\w+", path.read_text(), re.M)


def test_imports_are_found_at_all() -> None:
    assert {"network", "recording", "_engine"} <= imported_by("simulation")


def test_import_jsnn_brings_nothing_that_import_jax_does_not(run_python) -> None:
    code = """
import jax, numpy, sys
before = {name.split(".")[0] for name in sys.modules}
import jsnn
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before - set(sys.stdlib_module_names)))
"""
    assert run_python(code) == "jsnn"


def test_import_jsnn_needs_no_other_package(run_python) -> None:
    code = """
import sys
for package in ("matplotlib", "tqdm", "flax", "optax", "scipy", "pooch", "nir", "h5py", "neo"):
    sys.modules[package] = None
import jsnn, jsnn.analysis
print("imported")
"""
    assert run_python(code) == "imported"


def test_import_jsnn_starts_no_device(run_python) -> None:
    code = "import jsnn; from jax._src import xla_bridge as x; print(x.backends_are_initialized())"
    assert run_python(code) == "False"


def test_the_strict_flags_are_on() -> None:
    assert jax.config.jax_numpy_dtype_promotion == "strict"
    assert jax.config.jax_numpy_rank_promotion == "raise"


def test_the_compilation_counter_counts(compilations) -> None:
    def plus_one(x: jax.Array) -> jax.Array:
        return x + 1

    compiled = jax.jit(plus_one)
    with compilations() as names:
        compiled(jnp.ones(3))
    assert any("plus_one" in name for name in names)
    with compilations() as names:
        compiled(jnp.ones(3))
    assert names == []


VAGUE = re.compile(r"(What|How|Whether|Of|Where|Which|The same|Those|That|It)\b")
"""Beginnings of docstrings that say neither what a thing is nor what it does."""

RAISES_IN_PROSE = re.compile(r"\bRaises [A-Z]\w+ (where|if|when|for)\b")


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of the docstrings of a file, those of attributes and models included."""
    for node in ast.walk(ast.parse(path.read_text())):
        described = isinstance(node, ast.keyword) and node.arg == "description"
        if isinstance(node, ast.Expr) or described:
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.lineno, value.value.strip()


@pytest.mark.parametrize("room", ["jsnn", "experiments"])
def test_docstrings_are_plain(room: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {text.splitlines()[0]}"
        for path in sorted((PACKAGE.parent / room).rglob("*.py"))
        for line, text in docstrings(path)
        if VAGUE.match(text) or RAISES_IN_PROSE.search(text)
    ]
    assert found == []
