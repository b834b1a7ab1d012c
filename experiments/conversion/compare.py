"""Comparison of recipes on one trained network: accuracy and spikes after 1, 2, 4, ... steps."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from flax import nnx

import jsnn
from experiments import cli
from experiments.conversion.catalogue import NUM_CALIBRATION
from experiments.conversion.checkpoints import load, load_architecture
from experiments.conversion.data import DataSet, images
from experiments.conversion.models import HIDDEN, Architecture, inputs_of
from experiments.idx import Images
from jsnn.conversion import Recipe, Report, recipes, trained
from jsnn.network.whole_files import write_whole

if TYPE_CHECKING:
    from jsnn.plot import Figure

Measured = dict[int, tuple[float, float]]
"""{T: (accuracy, spikes per image)}."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Compare recipes on a network from experiments.conversion.train or from the frontier."""

    model: Path = Path("results/conversion/trained/relu-256-128/seed0")
    """Directory of the trained network."""
    recipes: tuple[str, ...] = ()
    """Names of recipes; all that suit the network if none are given."""
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Lengths of a presentation."""
    dataset: DataSet = "mnist"
    """Data set."""
    num_images: int = 5000
    """Number of held-out training images."""
    out: cli.OutputDirectory = Path("results/conversion")
    """Directory for the table and the figure."""


_OF_ANY: dict[str, Callable[[], Recipe]] = {
    "copy": recipes.copy,
    "diehl-model": partial(recipes.diehl_2015, "model"),
    "diehl-data": recipes.diehl_2015,
    "rueckauer": recipes.rueckauer_2017,
    "rueckauer-half": partial(recipes.rueckauer_2017, v_init=0.5),
    "per-channel": partial(recipes.rueckauer_2017, v_init=0.5, per_channel=True),
    "spike-norm": recipes.spike_norm,
    "signed": recipes.signed,
    "burst": recipes.burst,
    "group": recipes.group,
}
_OF_QCFS: dict[str, Callable[[], Recipe]] = {
    "qcfs": recipes.qcfs,
    "qcfs-signed": partial(recipes.qcfs, signed=True),
    "qcfs-group": partial(recipes.group, 4, trained),
}
_FOR_A_NUMBER_OF_STEPS: Mapping[str, Callable[[int], Recipe]] = {
    "light": recipes.calibrated,
    "advanced": partial(recipes.calibrated, how="advanced"),
}
_IN_DIGITS: Mapping[str, Callable[[int], Recipe]] = {"residual": recipes.residual}
_IN_DIGITS_OF_QCFS: Mapping[str, Callable[[int], Recipe]] = {
    "qcfs-residual": partial(recipes.residual, scale=trained)
}
_MOST_DIGITS = 16
"""Further digits are below the resolution of a potential."""

_FEW_SPIKES = "few-spikes"


_FAMILIES = (
    ("copy", "diehl-model", "diehl-data", "spike-norm"),
    ("rueckauer", "rueckauer-half", "per-channel"),
    ("signed", "burst", "group"),
    ("light", "advanced", "residual", _FEW_SPIKES),
    (*_OF_QCFS, *_IN_DIGITS_OF_QCFS),
)
"""Recipes that share a row of the figure."""

_BACKGROUND: Mapping[str, Any] = {"color": "0.85", "linewidth": 0.6, "zorder": 1}


def main(config: Config) -> dict[str, Any]:
    architecture = load_architecture(config.model)
    names = _wanted(config, architecture)
    model = load(config.model)
    training = images(config.dataset, "training")
    held_out = images(config.dataset, "held_out")
    shown = Images(held_out.pixels[: config.num_images], held_out.labels[: config.num_images])
    calibration = inputs_of(architecture, training.pixels[:NUM_CALIBRATION])
    x = inputs_of(architecture, shown.pixels)

    def assessed(recipe: Recipe, num_steps: int) -> Report:
        network, conversion = jsnn.convert(model, calibration, recipe)
        steps = max(num_steps, conversion.least_steps)
        return jsnn.conversion.assess(network, conversion, x, shown.labels, steps)

    found: dict[str, Measured] = {}
    ann = _ann_accuracy(model, x, shown.labels)
    with cli.progress_bar(len(names), "recipe") as bar:
        for name in names:
            bar.set_postfix_str(name)
            found[name] = _measured(name, config.steps, _depth(architecture), assessed)
            bar.update()
    text = table(found, config.steps, ann)
    print(text)
    write_whole(config.out / "compare.md", text.encode())
    cli.write_figure(config.out / "compare.png", draw(found, ann))
    print(f"wrote compare.md, compare.png in {config.out}")
    return {"model": str(config.model), "ann_accuracy": ann, "recipes": found}


def _wanted(config: Config, architecture: Architecture) -> list[str]:
    for steps in config.steps:
        if steps < 1:
            raise ValueError(f"--steps: given {steps}; expected numbers of at least 1")
    if not config.steps:
        raise ValueError("--steps: given none; expected at least one")
    if not 1 <= config.num_images <= 5000:
        raise ValueError(f"--num-images: given {config.num_images}; expected 1 to 5000")
    suited = list(_suited(architecture))
    for name in config.recipes:
        if name not in suited:
            raise ValueError(f"--recipes: given {name}; expected some of {', '.join(suited)}")
    return [name for name in suited if name in (config.recipes or suited)]


def _suited(architecture: Architecture) -> Sequence[str]:
    qcfs = [*_OF_QCFS, *_IN_DIGITS_OF_QCFS] if architecture.activation == "qcfs" else []
    return [*_OF_ANY, *qcfs, *_FOR_A_NUMBER_OF_STEPS, *_IN_DIGITS, _FEW_SPIKES]


def _depth(architecture: Architecture) -> int:
    """Return the number of hidden layers."""
    return 2 if architecture.takes_squares else len(HIDDEN[architecture.model])


def _measured(
    name: str,
    steps: Sequence[int],
    depth: int,
    assessed: Callable[[Recipe, int], Report],
) -> Measured:
    """Measure each number of steps, in one run unless the recipe depends on that number.

    Args:
      name: name of the recipe.
      steps: numbers of steps.
      depth: number of hidden layers.
      assessed: (recipe, number of steps) -> report.
    """
    of_any_length = _OF_ANY | _OF_QCFS
    if name in of_any_length:
        report = assessed(of_any_length[name](), max(steps))
        return {t: _after(report, t) for t in sorted(steps)}
    if name == _FEW_SPIKES:  # layers take turns, so many steps each
        possible = [t for t in sorted(steps) if t % depth == 0 and t // depth <= _MOST_DIGITS]
        return {t: _after(assessed(recipes.few_spike(t // depth), t), t) for t in possible}
    in_digits = {**_IN_DIGITS, **_IN_DIGITS_OF_QCFS}
    recipe_for = (in_digits | dict(_FOR_A_NUMBER_OF_STEPS))[name]
    most = _MOST_DIGITS if name in in_digits else max(steps)
    return {t: _after(assessed(recipe_for(t), t), t) for t in sorted(steps) if t <= most}


def _after(report: Report, steps: int) -> tuple[float, float]:
    return float(report.accuracy[steps - 1]), float(report.total_spikes[steps - 1])


def _ann_accuracy(model: nnx.Sequential, x: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(np.asarray(model(x)).argmax(axis=1) == labels))


def table(found: Mapping[str, Measured], steps: Sequence[int], ann: float) -> str:
    """Write accuracy and spikes per image after each number of steps as Markdown."""
    ordered = sorted(steps)
    lines = [
        f"Artificial network: {ann:.2%}. Accuracy, spikes per image:",
        "",
        "| recipe | " + " | ".join(f"T = {t}" for t in ordered) + " |",
        "|" + "---|" * (1 + len(ordered)),
    ]
    for name, measured in found.items():
        cells = [
            f"{measured[t][0]:.2%}, {measured[t][1]:,.0f}" if t in measured else "" for t in ordered
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@cli.drawing
def draw(found: Mapping[str, Measured], ann: float) -> "Figure":
    """Draw the error against steps and spikes: a row for each family, the others in grey."""
    families = [[name for name in family if name in found] for family in _FAMILIES]
    families = [family for family in families if family]
    num = len(families)
    figure, panels = jsnn.plot.figure(
        num, 2, height=12 + 33 * num, sharex="col", sharey=True, width_ratios=(1, 1.2)
    )
    panels = np.reshape(panels, (num, 2))
    for row, family in zip(panels, families, strict=True):
        for name in [*(other for other in found if other not in family), *family]:
            looks = _looks(family.index(name)) if name in family else _BACKGROUND
            label = shown_name(name) if name in family else None
            error = [100 * (1 - accuracy) for accuracy, _ in found[name].values()]
            row[0].plot(list(found[name]), error, **looks)
            row[1].plot([n for _, n in found[name].values()], error, label=label, **looks)
        for axes in row:
            axes.axhline(100 * (1 - ann), color="k", linestyle=":", linewidth=0.8)
            axes.set_yscale("log")
            axes.grid()
            axes.margins(y=0.12)  # room for the markers
        row[0].set_ylabel("error [%]")
        row[0].yaxis.set_major_formatter("{x:,g}")
        row[1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    row[0].set_xscale("log", base=2)
    row[1].set_xscale("symlog", linthresh=10, linscale=0.5)  # has a place for no spike
    row[1].set_xlim(-1, 1.5 * max(n for one in found.values() for _, n in one.values()))
    for axes, label in zip(row, ("steps", "spikes per image"), strict=True):
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_xlabel(label)
    row[0].plot([], [], ":k", linewidth=0.8, label="artificial network")
    row[0].plot([], [], label="recipes of the other rows", **_BACKGROUND)
    figure.legend(*row[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


def shown_name(name: str) -> str:
    """Return the name of the recipe itself, without a number of steps."""
    recipe = _OF_ANY | _OF_QCFS
    of_length = {**_FOR_A_NUMBER_OF_STEPS, **_IN_DIGITS, **_IN_DIGITS_OF_QCFS}
    of_length[_FEW_SPIKES] = recipes.few_spike
    own = recipe[name]().name if name in recipe else of_length[name](2).name
    own = re.sub(r" for T = \d+|, K = \d+", "", own)
    return f"QCFS, {own}" if name.startswith("qcfs") and not own.startswith("QCFS") else own


def _looks(index: int) -> dict[str, Any]:
    return {
        "color": jsnn.plot.PALETTE[index],
        "linestyle": ("-", "--", "-.", ":")[index],
        "marker": "os^D"[index],
        "markersize": 3.5 + index,  # hollow and of different sizes, so that none hides another
        "markerfacecolor": "none",
        "markeredgewidth": 0.8,
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
