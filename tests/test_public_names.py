"""The names of `jsnn`, and the errors of those that need a package that is not installed."""

import tomllib
from pathlib import Path

import pytest

import jsnn
from experiments import cli
from jsnn._extras import needed_by

ROOT = Path(__file__).parents[1]

NEEDED = "from experiments import cli; cli.check_packages(*cli.PACKAGES)"

MESSAGE_WITHOUT = """
import sys
sys.modules[{package!r}] = None
try:
    {code}
except ModuleNotFoundError as error:
    print(error.name, error, sep="\\n")
"""


def test_dir_shows_the_public_names_and_modules_alone() -> None:
    names = {name for name in dir(jsnn) if not name.startswith("__")}
    assert names == {*jsnn.__all__, "analysis", "conversion", "nir", "plot"}


def test_every_name_that_dir_shows_is_there() -> None:
    for name in dir(jsnn):
        assert getattr(jsnn, name) is not None


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'jsnn' has no attribute 'lif'"):
        _ = jsnn.lif


def test_modules_are_imported_on_demand(run_python) -> None:
    code = """
import sys, jsnn
def loaded():
    return [name for name in ("matplotlib", "flax") if name in sys.modules]
print(loaded(), jsnn.plot.raster.__name__, loaded())
print(jsnn.conversion.convert is jsnn.convert, loaded())
"""
    assert run_python(code).splitlines() == [
        "[] raster ['matplotlib']",
        "True ['matplotlib', 'flax']",
    ]


@pytest.mark.parametrize(
    ("package", "code", "message"),
    [
        ("matplotlib", "import jsnn.plot", 'jsnn.plot needs matplotlib.*pip install "jsnn[plot]"'),
        ("matplotlib", "import jsnn; jsnn.plot", 'pip install "jsnn[plot]"'),
        ("matplotlib", "from jsnn import plot", 'pip install "jsnn[plot]"'),
        ("flax", "import jsnn; jsnn.convert", "jsnn.convert needs flax.*pip install flax"),
        ("flax", "import jsnn; jsnn.conversion", "jsnn.conversion needs flax"),
        ("flax", "from jsnn import conversion", "jsnn.conversion needs flax"),
        ("nir", "import jsnn.nir", 'jsnn.nir needs nir.*pip install "jsnn[nir]"'),
        ("nir", "import jsnn; jsnn.nir", 'pip install "jsnn[nir]"'),
        ("tyro", NEEDED, 'tyro.*pip install -e ".[experiments]"'),
        ("tqdm", NEEDED, 'tqdm.*pip install -e ".[experiments]"'),
        ("matplotlib", NEEDED, 'pip install -e ".[experiments]"'),
    ],
)
def test_a_missing_package_is_an_error_that_says_what_to_install(
    run_python, package: str, code: str, message: str
) -> None:
    name, printed = run_python(MESSAGE_WITHOUT.format(package=package, code=code)).split("\n", 1)
    assert name == package
    position = 0
    for part in message.split(".*"):
        assert part in printed[position:]
        position = printed.index(part, position) + len(part)


def test_a_package_that_another_one_lacks_is_reported_as_it_is() -> None:
    with (
        pytest.raises(ModuleNotFoundError, match="No module named 'kiwisolver'"),
        needed_by("jsnn.plot", "matplotlib", '"jsnn[plot]"'),
    ):
        raise ModuleNotFoundError("No module named 'kiwisolver'", name="kiwisolver")


def test_the_packages_of_the_experiments_are_those_of_their_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    required = {line.split(">=")[0] for line in (*extras["experiments"], *extras["plot"])}
    assert set(cli.PACKAGES) == required - {"jsnn[plot]"}
