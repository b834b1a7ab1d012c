"""Accuracy against spikes of networks that are trained, converted and measured, with their goals.

Networks that are not trained yet are trained first. The images are the 5,000 held-out training
images, on which choices are made, or with --test, once all are made, the 10,000 test images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from flax import nnx

import jsnn
from experiments import cli
from experiments.conversion.catalogue import (
    NUM_CALIBRATION,
    ROWS,
    TRAININGS,
    Outcome,
    Row,
    reached,
)
from experiments.conversion.checkpoints import is_finished, load
from experiments.conversion.data import images
from experiments.conversion.models import inputs_of
from experiments.conversion.names_of_points import name_points
from experiments.conversion.settings import architecture_of, check, check_same_training
from experiments.conversion.train import train
from experiments.idx import Images
from jsnn.network.whole_files import write_whole

if TYPE_CHECKING:
    from jsnn.plot import Figure

TUTORIAL = (5590.0, 0.9744)
"""Spikes per image and test accuracy of GeNN's tutorial, after 100 steps."""
SEEDS_OF_CNN = 3
"""The most seeds of a convolutional network."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Measure the frontier, which takes hours on two cores; finished trainings are kept."""

    rows: tuple[str, ...] = ()
    """Names of rows; all rows if none are given."""
    num_seeds: int = 5
    """Networks of each kind, with seeds 0, 1, ...; at most 3 convolutional ones."""
    test: bool = False
    """Measure on the test images, once all choices are made."""
    out: cli.OutputDirectory = Path("results/conversion")
    """Directory for the trained networks, the table and the figure."""


def main(config: Config) -> dict[str, Any]:
    rows = _wanted(config)
    training, held_out = (images("mnist", part) for part in ("training", "held_out"))
    measured = images("mnist", "test") if config.test else held_out
    found: dict[str, Outcome] = {}
    seeds = {name: num_seeds(row, config.num_seeds) for name, row in rows.items()}
    with cli.progress_bar(sum(seeds.values()), "network", "frontier") as bar:
        for name, row in rows.items():
            reports = []
            for seed in range(seeds[name]):
                bar.set_postfix_str(f"{name}, seed {seed}")
                model = trained(row.training, seed, config.out / "trained", training, held_out)
                reports.append(report(row, model, training, measured))
                bar.update()
            found[name] = outcome(reports)
    text = table(rows, found)
    print(text)
    part = "test" if config.test else "held_out"
    write_whole(config.out / f"frontier_{part}.md", text.encode())
    cli.write_figure(config.out / f"frontier_{part}.png", draw(rows, found))
    print(f"wrote frontier_{part}.md, frontier_{part}.png in {config.out}")
    return {
        "images": part,
        "rows": {
            name: {"steps": row.num_steps, "training": row.training, "goal": str(row.goal)}
            | {field: values.tolist() for field, values in found[name]._asdict().items()}
            | {"reached": reached(row, found, name)}
            for name, row in rows.items()
        },
    }


def _wanted(config: Config) -> dict[str, Row]:
    """Return the given rows and those that their goals refer to, in the catalogue's order."""
    cli.check_at_least_1(config, "num_seeds")
    for name in config.rows:
        if name not in ROWS:
            raise ValueError(f"--rows: given {name}; expected some of {', '.join(ROWS)}")
    names = set(config.rows or ROWS)
    names |= {other for name in names for other in ROWS[name].goal.needs}
    return {name: row for name, row in ROWS.items() if name in names}


def num_seeds(row: Row, most: int) -> int:
    """Return the number of networks that are measured for a row."""
    return min(most, SEEDS_OF_CNN) if TRAININGS[row.training].config.model == "cnn" else most


def trained(
    name: str, seed: int, directory: Path, training: Images, held_out: Images
) -> nnx.Sequential:
    """Load a network of the catalogue; train it, and its teacher before it, if needed."""
    chosen = TRAININGS[name]
    own = chosen.with_seed(name, seed, directory)
    if is_finished(own.out, own.epochs):
        check_same_training(own)
        return load(own.out)
    if chosen.teacher is not None:
        trained(chosen.teacher, 0, directory, training, held_out)
    check(own)
    return train(own, training, held_out)


def report(
    row: Row, model: nnx.Sequential, training: Images, measured: Images
) -> jsnn.conversion.Report:
    """Convert a network by the recipe of a row, and assess it on labelled images."""
    architecture = architecture_of(TRAININGS[row.training].config)
    calibration = inputs_of(architecture, training.pixels[:NUM_CALIBRATION])
    network, conversion = jsnn.convert(model, calibration, row.recipe())
    x = inputs_of(architecture, measured.pixels)
    return jsnn.conversion.assess(network, conversion, x, measured.labels, row.num_steps)


def outcome(reports: list[jsnn.conversion.Report]) -> Outcome:
    """Gather the reports of one row after their last step."""
    numbers = [
        (
            one.accuracy[-1],
            one.ann_accuracy,
            one.agreement[-1],
            one.total_spikes[-1],
            one.energy["snn"] / one.energy["ann_effective"],
        )
        for one in reports
    ]
    return Outcome(*np.asarray(numbers, np.float64).T)


def table(rows: Mapping[str, Row], found: Mapping[str, Outcome]) -> str:
    """Write means over seeds, with ranges, as Markdown."""
    columns = (
        "row|network|recipe|T|accuracy|artificial network|loss|spikes|energy|seeds|goal|reached"
    )
    lines = [f"| {columns.replace('|', ' | ')} |", "|" + "---|" * (columns.count("|") + 1)]
    for name, row in rows.items():
        own = found[name]
        low, high = 100 * own.accuracy.min(), 100 * own.accuracy.max()
        cells = (
            name,
            _title(row),
            row.recipe().name,
            row.num_steps,
            f"{100 * own.accuracy.mean():.2f} % ({low:.2f} to {high:.2f})",
            f"{100 * own.ann_accuracy.mean():.2f} %",
            f"{own.loss:.2f}",
            f"{own.spikes.mean():,.0f}",
            f"{own.energy.mean():.2f}",
            len(own.accuracy),
            row.goal,
            {True: "yes", False: "no", None: ""}[reached(row, found, name)],
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _title(row: Row) -> str:
    return architecture_of(TRAININGS[row.training].config).title


@cli.drawing
def draw(rows: Mapping[str, Row], found: Mapping[str, Outcome]) -> "Figure":
    """Draw mean accuracy against mean spikes, with ranges over seeds; a line joins the best."""
    figure, axes = jsnn.plot.figure(height=115)
    jsnn.plot.accuracy_axis(axes)
    spikes = np.array([own.spikes.mean() for own in found.values()])
    accuracy = np.array([100 * own.accuracy.mean() for own in found.values()])
    ranges = 100 * np.array([(own.accuracy.min(), own.accuracy.max()) for own in found.values()])
    titles = np.array([_title(row) for row in rows.values()])
    front = jsnn.plot.pareto_front(spikes, accuracy)
    axes.plot(spikes[front], accuracy[front], color="0.7", zorder=1, label="best of these")
    for index, title in enumerate(dict.fromkeys(titles)):
        of = titles == title
        axes.errorbar(
            spikes[of],
            accuracy[of],
            yerr=abs(ranges[of] - accuracy[of, None]).T,
            fmt="os^Dv"[index % 5],
            color=jsnn.plot.PALETTE[index % 5],
            elinewidth=0.8,
            label=title,
        )
    tutorial = TUTORIAL[0], 100 * TUTORIAL[1]
    axes.plot(*tutorial, "*k", markersize=8, label="GeNN's tutorial, T = 100")
    axes.set_xscale("log")
    axes.set_xlim(0.6 * spikes.min(), 2 * max(spikes.max(), TUTORIAL[0]))
    jsnn.plot.log_ticks(axes.xaxis)
    axes.set_xlabel("spikes per image")
    axes.grid()
    figure.legend(loc="outside upper left", ncols=6)
    bars = [np.stack([[n, n], own], axis=1) for n, own in zip(spikes, ranges, strict=True)]
    name_points(
        axes,
        np.stack([spikes, accuracy], axis=1),
        list(rows),
        [*bars, np.stack([spikes[front], accuracy[front]], axis=1), np.array([tutorial] * 2)],
    )
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
