"""All that can be said of one run of a converted network."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jsnn.conversion.operations import Energy


class LayerError(NamedTuple):
    """What the spikes of a layer stand for, less its activations: over images and neurons.

    Attributes:
      bias: the mean.
      spread: the standard deviation.
      activation: the mean activation, to compare with.
    """

    bias: float
    spread: float
    activation: float


class Exit(NamedTuple):
    """Answers given as soon as the evidence is clear enough.

    Attributes:
      margin: by how much the best class has to lead the second one, in logits.
      mean_steps: after how many steps an answer was given.
      accuracy: of these answers.
    """

    margin: float
    mean_steps: float
    accuracy: float


@dataclass(frozen=True)
class Report:
    """A converted network on n labelled images, shown for T steps.

    Spikes, operations and energies are means over images. With Few-Spike neurons T includes the
    steps in which layers wait for each other. Energy is the customary proxy, operations times the
    energy of one: additions of weights for spikes, multiply-accumulates for an analog input. What
    potentials take in without a spike, in every step a held input current and a bias, is not in it,
    and neither are pooling and memory.

    Attributes:
      recipe: its name.
      predictions: int32 [n, T], the class read after each step.
      margins: [n, T], by how much it leads the second one, in logits: evidence over the steps that
        it was read in.
      heard: int32 [n], the first step, from 1, in which a spike reached the output (or its analog
        input did) and was read; T + 1 where none did. Before, evidence is that of biases.
      labels: [n].
      ann_predictions: int32 [n], the class by the artificial network.
      spikes: {population: [T]}, spikes of all its neurons up to each step.
      num_neurons: {population: N}; a group of neurons counts as one.
      synaptic_operations: [T], up to each step: each spike times the synapses of its neuron, those
        of max pooling left out.
      input_macs: multiply-accumulates for an analog input with zeros skipped, done once and held.
      ann_macs: of the artificial network, all of them.
      ann_effective_macs: those with an activation other than 0.
      energy_of: an operation, in pJ.
      state_bytes: of the network's state.
      errors: {population: LayerError}, after T steps.
    """

    recipe: str
    predictions: np.ndarray
    margins: np.ndarray
    heard: np.ndarray
    labels: np.ndarray
    ann_predictions: np.ndarray
    spikes: dict[str, np.ndarray]
    num_neurons: dict[str, int]
    synaptic_operations: np.ndarray
    input_macs: float
    ann_macs: int
    ann_effective_macs: float
    energy_of: Energy
    state_bytes: int
    errors: dict[str, LayerError]

    @property
    def num_steps(self) -> int:
        """T."""
        return self.predictions.shape[1]

    @property
    def accuracy(self) -> np.ndarray:
        """[T], after each step."""
        return np.mean(self.predictions == self.labels[:, None], axis=0)

    @property
    def ann_accuracy(self) -> float:
        """Of the artificial network on the same images."""
        return float(np.mean(self.ann_predictions == self.labels))

    @property
    def agreement(self) -> np.ndarray:
        """[T], the fraction of images for which both networks give the same class."""
        return np.mean(self.predictions == self.ann_predictions[:, None], axis=0)

    @property
    def total_spikes(self) -> np.ndarray:
        """[T], of all populations up to each step."""
        return np.sum(list(self.spikes.values()), axis=0)

    @property
    def rates(self) -> dict[str, float]:
        """{population: spikes per neuron and step}."""
        return {k: float(s[-1]) / n / self.num_steps for (k, s), n in self._spikes_and_sizes()}

    @property
    def energy(self) -> dict[str, float]:
        """In pJ an image: spiking, of the artificial network, and of it with zeros skipped."""
        mac, ac = self.energy_of
        return {
            "snn": mac * self.input_macs + ac * float(self.synaptic_operations[-1]),
            "ann": mac * self.ann_macs,
            "ann_effective": mac * self.ann_effective_macs,
        }

    def early_exit(self, margin: float) -> Exit:
        """Each image is answered in the first step that has that margin, or in the last one.

        Not before the output has `heard` of the image: until then a margin is one of biases alone.
        """
        has_heard = np.arange(1, self.num_steps + 1) >= self.heard[:, None]
        clear = (self.margins >= margin) & has_heard
        step = np.where(clear.any(axis=1), clear.argmax(axis=1), self.num_steps - 1)
        answers = np.take_along_axis(self.predictions, step[:, None], axis=1)[:, 0]
        accuracy = float(np.mean(answers == self.labels))
        return Exit(float(margin), float(np.mean(step + 1)), accuracy)

    @property
    def early_exits(self) -> list[Exit]:
        """For ten margins, the tenths of those that occur after the last step."""
        return [self.early_exit(m) for m in np.quantile(self.margins[:, -1], np.arange(10) / 10)]

    def to_json(self) -> str:
        """All but what is known of each image alone."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("predictions", "margins", "heard", "labels", "ann_predictions"):
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
        """A summary, and tables of the populations, of every step and of early exits."""
        energy = {name: f"{value / 1e3:,.1f} nJ" for name, value in self.energy.items()}
        rows = [
            f"**{self.recipe}**, {len(self.labels):,} images, T = {self.num_steps}",
            "",
            "| | spiking | artificial | zeros skipped |",
            "|---|---|---|---|",
            f"| accuracy | {self.accuracy[-1]:.2%} | {self.ann_accuracy:.2%} | |",
            f"| same class as the artificial network | {self.agreement[-1]:.2%} | | |",
            f"| additions | {self.synaptic_operations[-1]:,.0f} | | |",
            f"| multiply-accumulates | {self.input_macs:,.0f} | {self.ann_macs:,} | "
            f"{self.ann_effective_macs:,.0f} |",
            f"| energy | {energy['snn']} | {energy['ann']} | {energy['ann_effective']} |",
            "",
            "| population | neurons | spikes an image | rate | bias | spread | activation |",
            "|---|---|---|---|---|---|---|",
        ]
        for (name, spikes), size in self._spikes_and_sizes():
            error = self.errors.get(name)
            of_error = " | ".join(f"{number:.3g}" for number in error) if error else " |  | "
            rows.append(
                f"| {name} | {size} | {spikes[-1]:.1f} | {self.rates[name]:.4f} | {of_error} |"
            )
        rows += [
            "",
            f"{sum(self.num_neurons.values())} neurons, {self.state_bytes:,} bytes state",
            "",
            "| T | accuracy | same class | spikes an image |",
            "|---|---|---|---|",
        ]
        of_steps = zip(self.accuracy, self.agreement, self.total_spikes, strict=True)
        rows += [
            f"| {t} | {accuracy:.2%} | {agreement:.2%} | {spikes:,.1f} |"
            for t, (accuracy, agreement, spikes) in enumerate(of_steps, start=1)
        ]
        rows += ["", "| early exit at a margin of | mean T | accuracy |", "|---|---|---|"]
        rows += [
            f"| {exit_.margin:.3g} | {exit_.mean_steps:.2f} | {exit_.accuracy:.2%} |"
            for exit_ in self.early_exits
        ]
        return "\n".join(rows)

    def _spikes_and_sizes(self) -> Any:
        return zip(self.spikes.items(), self.num_neurons.values(), strict=True)
