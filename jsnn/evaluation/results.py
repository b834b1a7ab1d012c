"""What came of a data set, presentation by presentation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """What came of a data set of n presentations.

    Attributes:
      predictions: int32 [n], the class read out, -1 where there was no answer.
      labels: int32 [n], the true classes.
      num_classes: how many classes the output population has.
      spikes: {population: int32 [n]}, how many spikes each population emitted.
      recorded: {name: [n, ...]}, what else was asked for.
      run_seconds: the time that the presentations took, compilation apart.
      compile_seconds: the time that tracing and compiling took; about 0 when done before.
    """

    predictions: np.ndarray
    labels: np.ndarray
    num_classes: int
    spikes: dict[str, np.ndarray]
    recorded: dict[str, Any]
    run_seconds: float
    compile_seconds: float

    @property
    def accuracy(self) -> float:
        """The fraction of presentations whose prediction is the label."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def spikes_per_presentation(self) -> dict[str, float]:
        """The mean number of spikes of each population."""
        return {name: float(np.mean(counts)) for name, counts in self.spikes.items()}

    @property
    def confusion_matrix(self) -> np.ndarray:
        """int64 [num_classes, num_classes + 1]: how often label (row) was read as class (column).

        The last column counts the presentations without an answer.
        """
        matrix = np.zeros((self.num_classes, self.num_classes + 1), np.int64)
        np.add.at(matrix, (self.labels, self.predictions), 1)  # -1 is the last column
        return matrix


class IncompleteError(ValueError):
    """The data of an evaluation did not go on as they should.

    Attributes:
      evaluation: what came of the presentations before, or None if there were none.
    """

    def __init__(self, message: str, evaluation: Evaluation | None) -> None:
        super().__init__(message)
        self.evaluation = evaluation


class Results:
    """Arrays for all presentations, filled from the front."""

    def __init__(self, labels: np.ndarray, populations: Iterable[str], num_classes: int) -> None:
        self.labels, self.populations, self.num_classes = labels, populations, num_classes
        self.rows: Any = None
        self.done = 0

    def add(self, batch: dict[str, Any]) -> tuple[int, int]:
        """Take in a batch, padded or not; how many presentations it had and how many were right."""
        number = min(len(batch["predictions"]), len(self.labels) - self.done)
        here = slice(self.done, self.done + number)
        if self.rows is None:
            total = len(self.labels)
            self.rows = jax.tree.map(lambda x: np.empty((total, *x.shape[1:]), x.dtype), batch)

        def put(all_rows: np.ndarray, new: np.ndarray) -> None:
            all_rows[here] = new[:number]

        jax.tree.map(put, self.rows, batch)
        self.done += number
        return number, int(np.sum(self.rows["predictions"][here] == self.labels[here]))

    def evaluation(self, run_seconds: float, compile_seconds: float) -> Evaluation:
        rows = jax.tree.map(lambda leaf: leaf[: self.done], self.rows)
        _check_answers(rows["predictions"], self.num_classes)
        return Evaluation(
            predictions=rows["predictions"],
            labels=self.labels[: self.done],
            num_classes=self.num_classes,
            spikes={name: rows["spikes"][name] for name in self.populations},
            recorded=rows["recorded"],
            run_seconds=run_seconds,
            compile_seconds=compile_seconds,
        )


def _check_answers(predictions: np.ndarray, num_classes: int) -> None:
    outside = predictions[(predictions < -1) | (predictions >= num_classes)]
    if outside.size:
        raise ValueError(
            f"readout, predict: returned {outside[0]}; expected 0 to {num_classes - 1}, or -1 for "
            "no answer"
        )
