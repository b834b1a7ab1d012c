"""All figures at print size: widths, sizes of text, units, places of text."""

import re
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest

from tests.plot.figures import OF_EXPERIMENTS, OF_JSNN, Drawing
from tests.plot.print_checks import faults_in_print

ALL = OF_JSNN | OF_EXPERIMENTS
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize("draw", ALL.values(), ids=ALL)
def test_a_figure_is_fit_for_print(draw: Drawing) -> None:
    assert faults_in_print(draw()) == []


def test_every_drawing_of_the_experiments_is_among_them() -> None:
    drawings = {
        f"{path.relative_to(EXPERIMENTS)} {name}"
        for path in EXPERIMENTS.rglob("*.py")
        for name in re.findall(r"@cli\.drawing\ndef (\w+)", path.read_text())
    }
    assert drawings <= set(OF_EXPERIMENTS)
    assert len(drawings) > 15


IN_STYLE = sorted(set(EXPERIMENTS.rglob("*.py")) - set(EXPERIMENTS.glob("examples/*.py")))
"""All but the scripts to copy, which draw with pyplot, as their readers do."""


@pytest.mark.parametrize("path", IN_STYLE, ids=lambda path: path.stem)
def test_no_experiment_makes_figures_in_another_style(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(r"pyplot|figsize|\btab:|(?<![.\w])Figure\(", text)


def faulty(what: str) -> matplotlib.figure.Figure:
    figure = matplotlib.figure.Figure(figsize=(85 / 25.4, 2.0))
    axes = figure.subplots()
    axes.tick_params(labelsize=7)
    axes.set_xlabel("neuron index")
    axes.set_position((0.2, 0.3, 0.6, 0.5))
    if what == "a title":
        axes.set_title("a title")
    if what == "5.0 pt":
        axes.text(0.5, 0.5, "small", fontsize=5)
    if what == "no unit":
        axes.set_ylabel("rate")
    if what == "overlaps":
        for _ in range(2):
            axes.text(0.5, 0.5, "twice")
    if what == "leaves":
        axes.text(1.2, 0.5, "too far to the right")
    if what == "mm wide":
        figure.set_size_inches(4, 2)
    return figure


@pytest.mark.parametrize("what", ["a title", "5.0 pt", "no unit", "overlaps", "leaves", "mm wide"])
def test_the_checks_find_a_fault(what: str) -> None:
    (fault,) = faults_in_print(faulty(what))
    assert what in fault
    assert faults_in_print(faulty("nothing")) == []
    assert np.isclose(faulty("nothing").get_size_inches()[0], 85 / 25.4)
