"""Place of a training in its course, and the sums of its present epoch."""

import dataclasses
from typing import Any

import jax

from jsnn.training.history import Epoch
from jsnn.training.update import Sums


@dataclasses.dataclass
class Totals:
    """Sums over presentations, kept in double precision on the host.

    Attributes:
      number: of presentations.
      loss: the sum of their losses.
      right: the number of right answers, or None without a readout.
      rates: {population: sum of mean rates in Hz}.
    """

    number: int = 0
    loss: float = 0.0
    right: float | None = None
    rates: dict[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, sums: Sums, number: int) -> "Totals":
        """Return the sums of a batch with `number` presentations that count."""
        host: Sums = jax.tree.map(float, jax.device_get(sums))
        return cls(number, *host)  # type: ignore[arg-type]

    def add(self, other: "Totals") -> None:
        """Add the sums over other presentations."""
        self.number += other.number
        self.loss += other.loss
        if other.right is not None:
            self.right = (self.right or 0.0) + other.right
        for name, rate in other.rates.items():
            self.rates[name] = self.rates.get(name, 0.0) + rate

    @property
    def mean_loss(self) -> float:
        """Mean loss of a presentation."""
        return self.loss / self.number

    @property
    def accuracy(self) -> float | None:
        """Fraction of right answers, or None without a readout."""
        return None if self.right is None else self.right / self.number

    @property
    def mean_rates(self) -> dict[str, float]:
        """Mean firing rates, {population: Hz}."""
        return {name: rate / self.number for name, rate in self.rates.items()}


@dataclasses.dataclass
class Course:
    """Place of a training, and its results so far.

    Attributes:
      epoch: the number of epochs that are done.
      batch: the number of batches of the present epoch that are done.
      totals: the sums over these batches.
      history: the results of the epochs that are done.
      best: the number of the epoch with the least validation loss; without validation, of the last.
    """

    epoch: int = 0
    batch: int = 0
    totals: Totals = dataclasses.field(default_factory=Totals)
    history: list[Epoch] = dataclasses.field(default_factory=list)
    best: int = 0

    def __str__(self) -> str:
        return f"epoch {self.epoch}, batch {self.batch}"

    def add(self, batch: Totals) -> None:
        """Add the sums of a batch."""
        self.totals.add(batch)
        self.batch += 1

    def so_far(self) -> Epoch:
        """Return the means over the batches of the present epoch that are done."""
        return Epoch(self.totals.mean_loss, self.totals.accuracy, self.totals.mean_rates)

    def finish_epoch(self, held_out: Totals | None, seconds: float) -> None:
        """Note the results of the present epoch, and go on to the next one.

        Args:
          held_out: sums over the validation data, or None.
          seconds: the time of the epoch.
        """
        now = None if held_out is None else held_out.mean_loss
        before = self.history[self.best].validation_loss if self.history else None
        if now is None or before is None or now < before:
            self.best = self.epoch
        accuracy = None if held_out is None else held_out.accuracy
        validated = {"validation_loss": now, "validation_accuracy": accuracy}
        self.history.append(dataclasses.replace(self.so_far(), **validated, seconds=seconds))  # type: ignore[arg-type]
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, Totals()

    @property
    def is_best(self) -> bool:
        """True if the epoch that was finished last is the best one."""
        return self.best == self.epoch - 1

    def has_waited(self, patience: int | None) -> bool:
        """Return True if the last `patience` epochs were no better than one before them."""
        return patience is not None and self.epoch - 1 - self.best >= patience


def from_dict(given: dict[str, Any]) -> Course:
    """Return the course of which `dataclasses.asdict` made a dictionary."""
    totals, history = Totals(**given["totals"]), [Epoch(**epoch) for epoch in given["history"]]
    return Course(**given | {"totals": totals, "history": history})
