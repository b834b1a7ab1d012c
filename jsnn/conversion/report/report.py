"""Report of a converted network on labelled images."""

import dataclasses
import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jsnn._summary import Summary, Table
from jsnn.conversion.report.operations import Energy


class LayerError(NamedTuple):
    """Error of a layer: decoded spikes less activations, over images and neurons.

    Attributes:
      bias: mean error.
      spread: standard deviation of the error.
      activation: mean activation, for comparison.
    """

    bias: float
    spread: float
    activation: float


class Exit(NamedTuple):
    """Early exit: each image is answered as soon as the evidence is clear.

    Attributes:
      margin: margin in logits by which the best class has to lead the second one.
      mean_steps: mean number of steps until the answer.
      accuracy: accuracy of these answers.
    """

    margin: float
    mean_steps: float
    accuracy: float


@dataclass(frozen=True, repr=False)
class Report:
    """Performance of a converted network on n labelled images, each presented for T steps.

    Spikes, operations and energies are means over images. With Few-Spike neurons T includes the
    steps in which layers wait for each other. Energy is the customary proxy, operations times the
    energy of one: additions of weights for spikes, multiply-accumulates for an analog input. It
    does not include input of a potential without a spike (a held input current and a bias in every
    step), pooling and memory.

    Attributes:
      recipe: name of the recipe.
      predictions: class after each step, int32 [n, T].
      margins: lead of that class over the second one in logits, from the evidence of the steps
        that were read, [n, T].
      first_input: first step, counted from 1, in which a spike (or the analog input) reached the
        output and was read, int32 [n]; T + 1 if none did. Before it, evidence is that of biases.
      labels: [n].
      ann_predictions: class by the artificial network, int32 [n].
      spikes: {population: [T]}, spikes of all its neurons up to each step.
      num_neurons: {population: N}; a group of neurons counts as one.
      synaptic_operations: operations up to each step, [T]: each spike times the synapses of its
        neuron, without those of max pooling.
      projection_operations: {projection: operations up to step T}; each branch of a layer is a
        projection.
      input_macs: multiply-accumulates of an analog input, computed once, zeros skipped.
      ann_macs: multiply-accumulates of the artificial network.
      ann_effective_macs: those with an activation other than 0.
      energy_of: energy of one operation.
      state_bytes: size of the network's state.
      errors: {population: error after T steps}.
    """

    recipe: str
    predictions: np.ndarray
    margins: np.ndarray
    first_input: np.ndarray
    labels: np.ndarray
    ann_predictions: np.ndarray
    spikes: dict[str, np.ndarray]
    num_neurons: dict[str, int]
    synaptic_operations: np.ndarray
    projection_operations: dict[str, float]
    input_macs: float
    ann_macs: int
    ann_effective_macs: float
    energy_of: Energy
    state_bytes: int
    errors: dict[str, LayerError]

    @property
    def num_steps(self) -> int:
        """Number of steps, T."""
        return self.predictions.shape[1]

    @property
    def accuracy(self) -> np.ndarray:
        """Accuracy after each step, [T]."""
        return np.mean(self.predictions == self.labels[:, None], axis=0)

    @property
    def ann_accuracy(self) -> float:
        """Accuracy of the artificial network on the same images."""
        return float(np.mean(self.ann_predictions == self.labels))

    @property
    def agreement(self) -> np.ndarray:
        """Fraction of images with the class of the artificial network after each step, [T]."""
        return np.mean(self.predictions == self.ann_predictions[:, None], axis=0)

    @property
    def total_spikes(self) -> np.ndarray:
        """Spikes of all populations up to each step, [T]."""
        return np.sum(list(self.spikes.values()), axis=0)

    @property
    def rates(self) -> dict[str, float]:
        """Mean spikes per neuron and step, {population: rate}."""
        return {
            name: float(spikes[-1]) / self.num_neurons[name] / self.num_steps
            for name, spikes in self.spikes.items()
        }

    @property
    def energy(self) -> dict[str, float]:
        """Energy per image in pJ.

        "snn" for the spiking network, "ann" for the artificial one, "ann_effective" for the
        artificial one with zeros skipped.
        """
        mac, ac = self.energy_of
        return {
            "snn": mac * self.input_macs + ac * float(self.synaptic_operations[-1]),
            "ann": mac * self.ann_macs,
            "ann_effective": mac * self.ann_effective_macs,
        }

    def early_exit(self, margin: float) -> Exit:
        """Answer each image in the first step with a margin, or in the last step.

        No answer is given before `first_input`: until then the margin is one of biases alone.

        Args:
          margin: least lead of the best class, in logits.
        """
        has_input = np.arange(1, self.num_steps + 1) >= self.first_input[:, None]
        clear = (self.margins >= margin) & has_input
        step = np.where(clear.any(axis=1), clear.argmax(axis=1), self.num_steps - 1)
        answers = np.take_along_axis(self.predictions, step[:, None], axis=1)[:, 0]
        accuracy = float(np.mean(answers == self.labels))
        return Exit(float(margin), float(np.mean(step + 1)), accuracy)

    @property
    def early_exits(self) -> list[Exit]:
        """Early exits at ten margins, the tenths of the margins after the last step."""
        return [self.early_exit(m) for m in np.quantile(self.margins[:, -1], np.arange(10) / 10)]

    def to_json(self) -> str:
        """Write the report as JSON, without the fields that have a value for each image."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("predictions", "margins", "first_input", "labels", "ann_predictions"):
            del fields[name]
        fields |= {
            "num_images": len(self.labels),
            "num_steps": self.num_steps,
            "accuracy": self.accuracy,
            "ann_accuracy": self.ann_accuracy,
            "agreement": self.agreement,
            "rates": self.rates,
            "energy_pj": self.energy,
            "energy_of": self.energy_of._asdict(),
            "early_exits": [exit_._asdict() for exit_ in self.early_exits],
            "errors": {name: error._asdict() for name, error in self.errors.items()},
        }
        return json.dumps(fields, indent=1, default=lambda array: array.tolist())

    def to_markdown(self) -> str:
        """Write a summary, and tables of populations, projections, every step and early exits."""
        parts = [
            f"**{self.recipe}**, {self._extent}",
            _markdown(self._totals()),
            _markdown(self._populations()),
            self._size,
            _markdown(self._projections()),
            _markdown(self._steps()),
            _markdown(self._exits()),
        ]
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return self._summary().text()

    def _repr_html_(self) -> str:
        return self._summary().html()

    def _summary(self) -> Summary:
        title = f"Report: {self.recipe}, {self._extent}, {self._size}"
        return Summary(title, [self._totals(), self._populations(), self._projections()])

    @property
    def _extent(self) -> str:
        return f"{len(self.labels):,} images, T = {self.num_steps}"

    @property
    def _size(self) -> str:
        return f"{sum(self.num_neurons.values())} neurons, {self.state_bytes:,} bytes of state"

    def _totals(self) -> Table:
        """Tabulate the spiking and the artificial network side by side."""
        energy = {name: f"{value / 1e3:,.1f} nJ" for name, value in self.energy.items()}
        return Table(
            ("", "spiking", "artificial", "zeros skipped"),
            [
                ("accuracy", f"{self.accuracy[-1]:.2%}", f"{self.ann_accuracy:.2%}", ""),
                ("same class as the artificial network", f"{self.agreement[-1]:.2%}", "", ""),
                ("additions", f"{self.synaptic_operations[-1]:,.0f}", "", ""),
                (
                    "multiply-accumulates",
                    f"{self.input_macs:,.0f}",
                    f"{self.ann_macs:,}",
                    f"{self.ann_effective_macs:,.0f}",
                ),
                ("energy", energy["snn"], energy["ann"], energy["ann_effective"]),
            ],
        )

    def _populations(self) -> Table:
        """Tabulate the spikes and the error of each population."""
        rows = []
        for name, spikes in self.spikes.items():
            error = self.errors.get(name)
            errors = ["", "", ""] if error is None else [f"{number:.3g}" for number in error]
            rate = f"{self.rates[name]:.4f}"
            rows.append((name, self.num_neurons[name], f"{spikes[-1]:.1f}", rate, *errors))
        columns = ("population", "neurons", "spikes an image", "rate", *LayerError._fields)
        return Table(columns, rows)

    def _projections(self) -> Table:
        """Tabulate the operations of each projection."""
        total = max(sum(self.projection_operations.values()), 1)
        rows = [
            (name, f"{number:,.0f}", f"{number / total:.1%}")
            for name, number in self.projection_operations.items()
        ]
        return Table(("projection", "additions an image", "share"), rows)

    def _steps(self) -> Table:
        """Tabulate accuracy and spikes after every step."""
        columns = ("T", "accuracy", "same class", "spikes an image")
        each = zip(self.accuracy, self.agreement, self.total_spikes, strict=True)
        rows = [
            (t, f"{accuracy:.2%}", f"{agreement:.2%}", f"{spikes:,.1f}")
            for t, (accuracy, agreement, spikes) in enumerate(each, start=1)
        ]
        return Table(columns, rows)

    def _exits(self) -> Table:
        """Tabulate the early exits."""
        rows = [
            (f"{exit_.margin:.3g}", f"{exit_.mean_steps:.2f}", f"{exit_.accuracy:.2%}")
            for exit_ in self.early_exits
        ]
        return Table(("early exit at a margin of", "mean T", "accuracy"), rows)


def _markdown(table: Table) -> str:
    rows = [table.columns, *table.rows]
    lines = ["".join(f"| {cell} " if cell != "" else "| " for cell in row) + "|" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(table.columns), *lines[1:]])
