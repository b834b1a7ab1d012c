"""Results of evaluating a network on a data set."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jsnn._summary import Summary, Table


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Results of evaluating a network on a data set of n presentations.

    Attributes:
      predictions: int32 [n], the class read out, -1 for no answer.
      labels: int32 [n], the true classes.
      num_classes: the number of classes of the output population.
      spikes: {population: int32 [n]}, the number of spikes that each population emitted.
      recorded: {name: [n, ...]}, the recordings of the argument `record`.
      run_seconds: the time of the presentations, without compilation.
      compile_seconds: the time of tracing and compiling; about 0 if that was done before.
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
        """The number of presentations of each label (row) that were read as each class (column).

        int64 [num_classes, num_classes + 1]. The last column counts the presentations without an
        answer.
        """
        matrix = np.zeros((self.num_classes, self.num_classes + 1), np.int64)
        np.add.at(matrix, (self.labels, self.predictions), 1)  # -1 is the last column
        return matrix

    def summary(self) -> Summary:
        """Return accuracy, times and spikes as a table."""
        unanswered = int(np.sum(self.predictions < 0))
        title = (
            f"Evaluation of {len(self.labels):,} presentations: accuracy {self.accuracy:.2%}, "
            f"{unanswered:,} without an answer, {self.run_seconds:.3g} s "
            f"(compilation {self.compile_seconds:.3g} s)"
        )
        spikes = [(name, f"{mean:,.4f}") for name, mean in self.spikes_per_presentation.items()]
        return Summary(title, [Table(("population", "spikes per presentation"), spikes)])

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()


class IncompleteError(ValueError):
    """Error in the data of an evaluation, after some presentations.

    Attributes:
      evaluation: the results of the presentations before, or None if there were none.
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
        """Add a batch, padded or not; return the numbers of presentations and right answers."""
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
        """Return the results so far."""
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
