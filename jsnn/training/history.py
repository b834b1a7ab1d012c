"""Course of a training: the loss, the accuracy and the firing rates of each epoch."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from jsnn._checks import check_known
from jsnn._summary import Summary, Table
from jsnn.network.network import Network
from jsnn.training.trainable import Values


@dataclass(frozen=True)
class Epoch:
    """Results of one epoch.

    Attributes:
      loss: the mean over the presentations, each before the update of its batch.
      accuracy: the fraction of right answers, or None without a readout.
      rates: {population: Hz}, mean firing rates.
      validation_loss: the mean loss on the validation data after the epoch, or None without them.
      validation_accuracy: the fraction of right answers there, or None.
      seconds: the time of the epoch; that of the first one includes compilation.
    """

    loss: float
    accuracy: float | None
    rates: dict[str, float]
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    seconds: float = field(default=0.0, compare=False)

    def words(self) -> dict[str, str]:
        """Return {name: number} for a progress bar or a table."""
        found = {"loss": f"{self.loss:.4g}"}
        if self.accuracy is not None:
            found["accuracy"] = f"{self.accuracy:.2%}"
        if self.validation_loss is not None:
            found["val loss"] = f"{self.validation_loss:.4g}"
        if self.validation_accuracy is not None:
            found["val acc"] = f"{self.validation_accuracy:.2%}"
        return found | {f"{name} Hz": f"{rate:.1f}" for name, rate in self.rates.items()}


_COURSES = tuple(field.name for field in fields(Epoch) if field.name != "rates")


@dataclass(frozen=True, repr=False)
class Training:
    """Results of `jsnn.fit`.

    Attributes:
      network: the trained network: after the last epoch, or, if `fit` was given `patience`, after
        the epoch with the least validation loss.
      values: the trained values of that network, in the form of `jsnn.trainable`.
      history: the results of all epochs.
    """

    network: Network
    values: Values
    history: tuple[Epoch, ...]

    def course(self, name: str) -> np.ndarray:
        """Return one number of all epochs, [epochs].

        Args:
          name: "loss", "accuracy", "validation_loss", "validation_accuracy" or "seconds".

        Raises:
          ValueError: if there is no such number, or it was not measured.
        """
        check_known([name], _COURSES, "course", "number of an epoch")
        if any(getattr(epoch, name) is None for epoch in self.history):
            needed = "validation" if name.startswith("validation") else "readout"
            raise ValueError(
                f"course: given {name!r}, which was not measured; expected {needed}= of jsnn.fit"
            )
        return np.asarray([getattr(epoch, name) for epoch in self.history], np.float64)

    def summary(self) -> Summary:
        """Return the results of the epochs as a table."""
        last = self.history[-1].words() if self.history else {}
        rows: list[tuple[Any, ...]] = [
            (number, *epoch.words().values(), f"{epoch.seconds:.3g}")
            for number, epoch in enumerate(self.history, 1)
        ]
        title = f"Training of {len(self.history)} epochs"
        return Summary(title, [Table(("epoch", *last, "seconds"), rows)])

    def __repr__(self) -> str:
        return self.summary().text()

    def _repr_html_(self) -> str:
        return self.summary().html()
