"""The archives that a build makes, and the package as somebody has it who has no clone."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import jsnn
from jsnn._kernels import native

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "--directory", str(folder))
    finished = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(archives: Path) -> Path:
    (path,) = archives.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(archives: Path) -> set[str]:
    """The paths of the files in the sdist, without its top folder."""
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames()}


def files_in(folder: str, *suffixes: str) -> set[str]:
    found = {path for suffix in suffixes for path in (ROOT / folder).rglob(f"*{suffix}")}
    return {path.relative_to(ROOT).as_posix() for path in found if "_build" not in path.parts}


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert package == files_in("jsnn", ".py", ".cc", ".h") | {"jsnn/py.typed"}


def test_the_wheel_has_the_version_of_the_package_and_no_invented_address(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().split("\n\n")[0].splitlines()
    assert f"Version: {jsnn.__version__}" in lines
    assert "License-Expression: MIT" in lines
    assert not [line for line in lines if line.startswith(("Project-URL", "Home-page"))]


def test_the_sdist_holds_what_its_tests_need(sdist: set[str]) -> None:
    assert files_in("jsnn", ".py", ".cc", ".typed") <= sdist
    assert files_in("tests", ".py") <= sdist
    assert files_in("experiments", ".py", ".npy", ".gz") <= sdist
    assert files_in("docs", ".md") <= sdist
    assert {"pyproject.toml", "noxfile.py", "LICENSE", "CITATION.cff", "CHANGELOG.md"} <= sdist


def test_the_sdist_holds_no_readme_but_its_own_and_that_of_the_images(sdist: set[str]) -> None:
    """The second one states the licence of the images, which is another than that of jsnn."""
    readmes = {name for name in sdist if name.endswith("README.md")}
    assert readmes == {"README.md", "experiments/mnist/idx/README.md"}


def test_the_sdist_holds_no_results_and_no_caches(sdist: set[str]) -> None:
    tops = {name.split("/")[0] for name in sdist}
    assert not tops & {"results", "dist", "build", ".git", ".nox", ".venv"}
    assert not [name for name in sdist if name.endswith((".pyc", ".so"))]


WITHOUT_THE_REPOSITORY = """
import sys
from pathlib import Path
clones = [path for path in sys.path if (Path(path) / "experiments").exists()]
sys.path[:] = [{site!r}, *(path for path in sys.path if path not in clones)]
"""

TEN_LINES = """
import numpy as np, jsnn
from jsnn import plot
from jsnn._kernels import native
weights = [np.full((4, 3), 2, np.float32), np.full((3, 2), 2, np.float32)]
jsnn.save_weights("weights", weights)
network = jsnn.feedforward(jsnn.load_weights("weights"), jsnn.IF, params={"v_thresh": 5.0})
record = {"count": jsnn.SpikeCount("layer2"), "spikes": jsnn.Spikes("layer1")}
_, recorded = jsnn.simulate(network, {"layer0": np.ones(4, np.float32)}, 30, record=record)
plot.raster({"layer1": recorded["spikes"]})
print(jsnn.__file__, *recorded["count"], native.available(), sep="\\n")
"""


def test_the_wheel_works_in_an_empty_folder_without_the_repository(
    wheel: Path, tmp_path: Path
) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    finished = subprocess.run(  # -I: neither the current folder nor PYTHONPATH is searched
        [sys.executable, "-I", "-c", WITHOUT_THE_REPOSITORY.format(site=str(site)) + TEN_LINES],
        cwd=empty,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    where, *printed = finished.stdout.split()
    assert Path(where).is_relative_to(site)
    # The input spikes every fifth step, at 4, 9, ..., 29; the third layer follows two steps later.
    assert printed == ["5.0", "5.0", str(native.available())]


def test_every_pin_of_a_tool_is_that_of_pyproject() -> None:
    development = PYPROJECT["project"]["optional-dependencies"]["dev"]
    pins = dict(line.split("==") for line in development if "==" in line)
    assert set(pins) == {"ruff", "mypy"}
    for file in ("noxfile.py", ".pre-commit-config.yaml"):
        for tool, pin in re.findall(r"\b(ruff|mypy)==([\w.]+)", (ROOT / file).read_text()):
            assert pin == pins[tool], f"{file}: {tool}=={pin}"
