"""Rows of the frontier: trainings, conversions and goals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.conversion.settings import Config
from jsnn.conversion import Recipe, recipes, trained

NUM_CALIBRATION = 1000
"""Training images for calibration."""


@dataclass(frozen=True)
class Training:
    """Training with one seed after another.

    Attributes:
      config: the configuration but for the seed and the directories.
      teacher: name of another training whose seed 0 is the teacher, or None.
    """

    config: Config
    teacher: str | None = None

    def with_seed(self, name: str, seed: int, trained: Path) -> Config:
        """Return the configuration of one seed, below the directory of all trainings."""
        distil = () if self.teacher is None else (trained / self.teacher / "seed0",)
        return replace(self.config, seed=seed, out=trained / name / f"seed{seed}", distil=distil)


def _taught(config: Config) -> Training:
    return Training(replace(config, temperature=4.0, distil_weight=0.5), "cnn-average")


_RELU_CNN = Config(model="cnn", activation="relu", batch_norm=True, hidden_dropout=0.2, epochs=8)

TRAININGS: Mapping[str, Training] = {
    "cnn-average": Training(replace(_RELU_CNN, reduction="average")),
    "cnn-max": Training(replace(_RELU_CNN, reduction="max")),
    "relu-256-128": _taught(Config(model="mlp256_128", activation="relu", adversarial=1.0)),
    "qcfs-256-128": _taught(
        Config(model="mlp256_128", levels=8, spike_penalty=3e-5, adversarial=1.0)
    ),
    "qcfs-128": Training(
        Config(model="mlp128", levels=4, epochs=100, augment=True, strength=0.5),
    ),
    "binary-128": Training(
        Config(model="mlp128", levels=1, epochs=100, augment=True, strength=0.5),
    ),
    "qcfs-1200": Training(
        Config(
            model="mlp1200",
            levels=3,
            epochs=20,
            batch_size=128,
            learning_rate=1e-3,
            spike_penalty=1e-4,
            spike_budget=1200,
            adversarial=2.0,
            temperature=4.0,
            distil_weight=0.8,
        ),
        "qcfs-cnn",
    ),
    "qcfs-1200-augmented": Training(
        Config(
            model="mlp1200",
            levels=2,
            epochs=30,
            learning_rate=1e-3,
            spike_penalty=2e-5,
            augment=True,
            strength=0.7,
        )
    ),
    "qcfs-cnn": Training(
        Config(
            model="cnn",
            batch_norm=True,
            levels=3,
            epochs=42,
            batch_size=128,
            weight_decay=1e-2,
            spike_penalty=1e-4,
            spike_budget=2550,
            augment=True,
            strength=0.75,
        )
    ),
}


class Outcome(NamedTuple):
    """Measurements of a row, one number for each seed: float64 [seeds].

    Attributes:
      accuracy: accuracy of the spiking network.
      ann_accuracy: accuracy of the artificial network.
      agreement: share of the images with the same class by both networks.
      spikes: spikes per image, of all neurons.
      energy: energy of the spiking network, as a share of the artificial one's with zeros skipped.
    """

    accuracy: np.ndarray
    ann_accuracy: np.ndarray
    agreement: np.ndarray
    spikes: np.ndarray
    energy: np.ndarray

    @property
    def loss(self) -> float:
        """Mean loss of accuracy over seeds, in percentage points."""
        return 100 * float(np.mean(self.ann_accuracy - self.accuracy))


@dataclass(frozen=True)
class Goal:
    """Goals of a row, for its mean over seeds; None for no goal.

    Attributes:
      accuracy: least accuracy in percent.
      spikes: most spikes per image.
      loss: largest loss, in percentage points below the artificial network.
      halves: name of a row of whose loss this row may have half.
      agreement: True if every image needs the class of the artificial network, with every seed.
      ann_near: name of a row whose artificial network may be at most 0.2 points better than this
        row's.
    """

    accuracy: float | None = None
    spikes: float | None = None
    loss: float | None = None
    halves: str | None = None
    agreement: bool = False
    ann_near: str | None = None

    def __str__(self) -> str:
        asked = {
            f">= {self.accuracy} %": self.accuracy,
            f"<= {self.spikes:,.0f} spikes" if self.spikes else "": self.spikes,
            f"loss <= {self.loss}": self.loss,
            f"loss <= half of {self.halves}": self.halves,
            "every class as the ANN": self.agreement or None,
            f"ANN at most 0.2 below that of {self.ann_near}": self.ann_near,
        }
        return "; ".join(text for text, value in asked.items() if value is not None)

    @property
    def needs(self) -> list[str]:
        """Names of the rows that have to be measured too."""
        return [name for name in (self.halves, self.ann_near) if name is not None]


@dataclass(frozen=True)
class Row:
    """Row of the frontier.

    Attributes:
      training: name of the training of the network.
      recipe: function that returns the recipe of the conversion.
      num_steps: steps of a presentation.
      goal: goals.
    """

    training: str
    recipe: Callable[[], Recipe]
    num_steps: int
    goal: Goal


_rueckauer = partial(recipes.rueckauer_2017, v_init=0.5)
_residual = partial(recipes.residual, 2, trained)

ROWS: Mapping[str, Row] = {
    "rueckauer-100": Row("relu-256-128", _rueckauer, 100, Goal(loss=0.05)),
    "rueckauer-16": Row("relu-256-128", _rueckauer, 16, Goal(loss=0.3)),
    "rueckauer-8": Row("relu-256-128", _rueckauer, 8, Goal()),
    "plain-8": Row("relu-256-128", recipes.rueckauer_2017, 8, Goal()),
    "calibrated-8": Row(
        "relu-256-128",
        partial(recipes.calibrated, 8),
        8,
        Goal(loss=0.3, halves="rueckauer-8"),
    ),
    "residual-8": Row("relu-256-128", partial(recipes.residual, 8), 8, Goal()),
    "few-spikes-8": Row("relu-256-128", partial(recipes.few_spike, 8), 16, Goal(loss=0.05)),
    "qcfs-8": Row("qcfs-256-128", recipes.qcfs, 8, Goal(loss=0.1, ann_near="rueckauer-100")),
    "qcfs-4": Row("qcfs-256-128", recipes.qcfs, 4, Goal(loss=0.3)),
    "qcfs-2": Row("qcfs-256-128", recipes.qcfs, 2, Goal()),
    "signed-2": Row("qcfs-256-128", partial(recipes.qcfs, signed=True), 2, Goal()),
    "group-2": Row("qcfs-256-128", partial(recipes.group, 2, trained), 2, Goal()),
    "residual-2": Row("qcfs-256-128", _residual, 2, Goal(halves="qcfs-2")),
    "a": Row("qcfs-128", recipes.qcfs, 4, Goal(98.3, 550, agreement=True)),
    "a-binary": Row("binary-128", recipes.qcfs, 1, Goal(97.8, 160, agreement=True)),
    "b": Row("qcfs-1200", _residual, 2, Goal(99.0, 1000)),
    "b-augmented": Row("qcfs-1200-augmented", recipes.qcfs, 2, Goal(99.3, 1000)),
    "c": Row("qcfs-cnn", partial(_residual, eager=False), 2, Goal(99.5, 2500)),
    "cnn-average-32": Row("cnn-average", _rueckauer, 32, Goal(loss=0.1)),
    "cnn-max-32": Row("cnn-max", _rueckauer, 32, Goal(loss=0.1)),
}


def reached(row: Row, found: Mapping[str, Outcome], name: str) -> bool | None:
    """Return True if a row reached its goals, or None if it has none.

    Args:
      row: the row.
      found: measurements of this row and of those that its goals refer to.
      name: name of the row.
    """
    goal, own = row.goal, found[name]
    checks = []
    if goal.accuracy is not None:
        checks.append(100 * own.accuracy.mean() >= goal.accuracy)
    if goal.spikes is not None:
        checks.append(own.spikes.mean() <= goal.spikes)
    if goal.loss is not None:
        checks.append(own.loss <= goal.loss + _ROUNDING)
    if goal.halves is not None:
        checks.append(own.loss <= max(found[goal.halves].loss, 0) / 2 + _ROUNDING)
    if goal.agreement:
        checks.append(own.agreement.min() == 1)
    if goal.ann_near is not None:
        near = found[goal.ann_near].ann_accuracy.mean()
        checks.append(100 * (near - own.ann_accuracy.mean()) <= 0.2 + _ROUNDING)
    return bool(all(checks)) if checks else None


_ROUNDING = 1e-9
"""Tolerance for the rounding of means of fractions."""
