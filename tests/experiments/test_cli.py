"""The part that all experiments share: flags, outputs, progress, results."""

import dataclasses
import importlib
import io
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from experiments import cli
from tests.limits import files_of_at_most

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "experiments").rglob("*.py")
    if "__main__" in path.read_text()
)
"""All experiments with flags; the scripts in experiments/examples have none, to be copied."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags of an experiment with outputs of every kind."""

    out: cli.OutputDirectory = Path("results")
    figure: cli.OutputFigure = Path("results/figure.png")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an experiment in an empty directory; returns the exit status, 0 if there is none."""
    monkeypatch.chdir(tmp_path)

    def run(*flags, experiment=lambda config: {"seed": config.seed}):
        monkeypatch.setattr(sys, "argv", ["experiment", *map(str, flags)])
        try:
            cli.run(Config, experiment, "")
        except SystemExit as ended:
            return ended.code
        return 0

    return run


def test_an_experiment_writes_its_results(run):
    assert run("--seed", 2**32 - 1, "--json", "deep/r.json") == 0
    assert json.loads(Path("deep/r.json").read_text()) == {"seed": 2**32 - 1}


def test_results_go_to_a_device_too(run):
    assert run("--json", "/dev/null") == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seed", "-1"], "--seed: given -1; expected 0 to 4294967295"),
        (["--seed", "100000000000000000000"], "--seed: given 1000.*; expected 0 to 4294967295"),
        (["--seed", "4294967296"], "--seed: given 4294967296"),
        (["--json", "folder"], "--json: folder is a directory; expected a file"),
        (["--json", "."], "--json: . is a directory"),
        (["--json", "results"], "--json: results is a directory"),  # made for --out
        (["--json", "file/r.json"], "--json: cannot write to .*file: "),
        (["--json", "/proc/r.json"], "--json: cannot write to /proc: "),
        (["--out", "file"], "--out: cannot write to file: File exists"),
        (["--out", "/proc/results"], "--out: cannot write to /proc/results: "),
        (["--figure", "folder"], "--figure: given folder; expected one of .png, .pdf, .svg"),
        (["--figure", "x.xyz"], "--figure: given x.xyz; expected one of .png, .pdf, .svg"),
        (["--figure", "x.png.d/x.png"], "--figure: cannot write to .*x.png.d: "),
        (["--figure", "x.png.d"], "--figure: given x.png.d; expected one of"),
        (["--figure", "a.svg", "--json", "./a.svg"], "--figure: given a.svg, as --json is"),
    ],
)
def test_a_flag_that_would_lose_the_results_ends_before_the_experiment(
    flags, message, run, capsys, tmp_path
):
    (tmp_path / "folder").mkdir()
    for name in ("file", "x.png.d"):
        (tmp_path / name).write_text("kept")

    def never(config):
        raise AssertionError("it began")

    assert run(*flags, experiment=never) == 1
    printed = capsys.readouterr().err
    before, *after = message.split(".*")
    assert printed.startswith(f"error: {before}")
    assert all(part in printed for part in after)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("module", MODULES)
def test_every_output_of_an_experiment_is_checked(module):
    fields = dataclasses.fields(importlib.import_module(module).Config)
    kinds = {field.name: field.type for field in fields}
    assert kinds["json"] == cli.OutputFile | None
    if "out" in kinds:
        assert kinds["out"] in (cli.OutputDirectory, cli.OutputFigure, cli.OutputFile)


def test_a_checkpoint_is_removed_after_the_results_are_written(run, tmp_path):
    checkpoint, path = tmp_path / "checkpoint", tmp_path / "r.json"

    @contextmanager
    def experiment(config):
        checkpoint.write_text("state")
        yield {"value": 1}
        assert json.loads(path.read_text()) == {"value": 1}
        checkpoint.unlink()

    assert run("--json", path, experiment=experiment) == 0
    assert not checkpoint.exists()


def test_a_full_disk_loses_neither_old_results_nor_the_checkpoint(run, tmp_path, capsys):
    checkpoint, path = tmp_path / "checkpoint", tmp_path / "r.json"
    path.write_text("old")

    @contextmanager
    def experiment(config):
        checkpoint.write_text("state")
        with files_of_at_most(100):
            yield {"values": list(range(1000))}
        checkpoint.unlink()

    assert run("--json", path, experiment=experiment) == 1
    assert f"'{path}'" in capsys.readouterr().err
    assert path.read_text() == "old"
    assert checkpoint.exists()
    assert {each.name for each in tmp_path.iterdir()} == {"r.json", "checkpoint", "results"}


@pytest.mark.parametrize(
    ("suffix", "first"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
)
def test_a_figure_has_the_format_of_its_suffix(suffix, first, tmp_path):
    path = tmp_path / f"figure{suffix}"
    cli.write_figure(path, Figure(figsize=(1, 1)))
    assert path.read_bytes().startswith(first)


def test_a_bar_that_is_not_on_a_terminal_prints_few_lines(monkeypatch):
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printed)
    with cli.progress_bar(3000, "image") as bar:
        for _ in range(3000):
            bar.update()
    lines = [line for line in printed.getvalue().split("\r") if line.strip()]
    assert len(lines) == 2  # at the start and at the end
    assert "3000/3000" in lines[-1]


HELP = """
import contextlib, io, runpy, sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {packages}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Without())
for module in {modules}:
    sys.argv = [module, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        runpy.run_module(module, run_name="__main__")
    print(module, "--seed" in printed.getvalue())
"""


def test_help_needs_no_package_but_that_of_the_flags(run_python):
    packages = {*cli.PACKAGES, "brian2", "nest", "playwright", "torch", "snntorch"} - {"tyro"}
    printed = run_python(HELP.format(packages=packages, modules=MODULES))
    assert printed.splitlines() == [f"{module} True" for module in MODULES]
