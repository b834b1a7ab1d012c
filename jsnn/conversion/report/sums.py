"""Sums over images of all that a report counts, gathered part by part."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import replace
from jsnn.conversion.conversion import Conversion
from jsnn.conversion.decoding import decoded
from jsnn.conversion.layers import Layer, Weighted, activations, entering
from jsnn.conversion.output import most_evident
from jsnn.conversion.report.operations import (
    Energy,
    MultiplyAccumulates,
    multiply_accumulates,
    synapses_of,
)
from jsnn.conversion.report.report import LayerError, Report
from jsnn.network.connectivity import Chain
from jsnn.network.network import Network
from jsnn.network.state import abstract_state
from jsnn.recording import Recording, Spikes

_READOUT = "readout"
"""Name of the recording of the readout, beside those of the populations."""


def recordings(network: Network, conversion: Conversion) -> dict[str, Recording]:
    """Return the recordings of a report: what each population emits, and the readout."""
    emitted = {layer.name: layer.emitted_per_step() for layer in conversion.built.layers}
    record: dict[str, Recording] = {name: emitted.get(name, Spikes(name)) for name in network.sizes}
    return record | {_READOUT: conversion.readout.recording}


class Sums:
    """Sums over images, to which parts of the images are added."""

    def __init__(self, network: Network, conversion: Conversion, num_steps: int) -> None:
        self.network, self.conversion, self.num_steps = network, conversion, num_steps
        self.synapses = synapses_of(network)
        self.ann_macs = [_macs_of_branches(layer) for layer in conversion.ann]
        self.analog_macs = [
            multiply_accumulates(weights.parts if isinstance(weights, Chain) else (weights,))
            for of_population in conversion.built.analog_weights.values()
            for weights in of_population
        ]
        self.predictions: list[np.ndarray] = []
        self.margins: list[np.ndarray] = []
        self.first_input: list[np.ndarray] = []
        self.ann_predictions: list[np.ndarray] = []
        self.spikes = {name: np.zeros(num_steps, np.int64) for name in network.sizes}
        self.operations = {name: np.zeros(num_steps, np.int64) for name in self.synapses}
        self.input_macs = 0
        self.ann_effective_macs = 0
        self.errors: dict[str, list[np.ndarray]] = {}

    def add(self, rows: np.ndarray, recorded: Mapping[str, np.ndarray]) -> None:
        """Add a part of the images.

        Args:
          rows: images, [n, N_0].
          recorded: what was recorded of them, [n, ...].
        """
        rows = rows.astype(self.network.dtype)
        found = activations(self.conversion.ann, rows)
        self._add_artificial(rows, found)
        self._add_spikes(recorded)
        self._add_answers(recorded[_READOUT])
        self.first_input.append(self._first_input(recorded, len(rows)))
        self._add_errors(recorded, found)

    def _add_artificial(self, rows: np.ndarray, found: list[np.ndarray]) -> None:
        self.ann_predictions.append(found[-1].argmax(axis=1).astype(np.int32))
        for layer, of_branches in zip(self.conversion.ann, self.ann_macs, strict=True):
            if isinstance(layer, Weighted):
                for macs, values in zip(of_branches, entering(layer, rows, found), strict=True):
                    self.ann_effective_macs += int(macs.effective(values).sum())
        for macs in self.analog_macs:
            self.input_macs += int(macs.effective(rows).sum())

    def _add_spikes(self, recorded: Mapping[str, np.ndarray]) -> None:
        for name in self.spikes:
            number = self._number_of_spikes(recorded[name]).sum(axis=0, dtype=np.int64)  # [T, N]
            self.spikes[name] += number.sum(axis=1)
            for projection in self.network.projections:
                if projection.pre == name and projection.name in self.synapses:
                    self.operations[projection.name] += number @ self.synapses[projection.name]

    def _number_of_spikes(self, emitted: np.ndarray) -> np.ndarray:
        """Count a digit as one spike, and a burst as its spikes."""
        if emitted.dtype == np.bool_:
            return emitted
        if self.conversion.recipe.firing.in_digits:
            return emitted != 0
        return np.abs(np.rint(emitted)).astype(np.int32)

    def _add_answers(self, recorded: np.ndarray) -> None:
        recipe = self.conversion.recipe
        evidence = jax.vmap(recipe.output.evidence)(jnp.asarray(recorded))
        steps = np.maximum(np.arange(1, self.num_steps + 1) - recipe.output.start, 1)[:, None]
        logits = decoded(np.asarray(evidence), self.conversion.built.layers[-1], recipe, steps)
        two = np.sort(logits, axis=2)[:, :, -2:]
        self.predictions.append(np.asarray(most_evident(evidence)))
        self.margins.append(two[:, :, 1] - two[:, :, 0])

    def _first_input(self, recorded: Mapping[str, np.ndarray], number: int) -> np.ndarray:
        """Find the first step whose input to the output is read, as `Report` has it, int32 [n]."""
        output, start = self.conversion.readout.population, self.conversion.recipe.output.start
        has_input = np.zeros((number, self.num_steps), bool)
        has_input |= output in self.conversion.built.analog_weights
        for projection in self.network.projections:
            if projection.post == output:
                spiked = (recorded[projection.pre] != 0).any(axis=2)
                arriving = np.pad(spiked, ((0, 0), (projection.delay, 0)))
                has_input |= arriving[:, : self.num_steps]
        read = has_input[:, start:]
        first = np.where(read.any(axis=1), start + read.argmax(axis=1), self.num_steps)
        return (first + 1).astype(np.int32)

    def _add_errors(self, recorded: Mapping[str, np.ndarray], found: list[np.ndarray]) -> None:
        recipe, layers = self.conversion.recipe, self.conversion.built.layers
        for layer, activation in zip(layers, found, strict=True):
            if layer is layers[-1] and recipe.output.integrates:
                total = recorded[_READOUT][:, -1]
            else:
                total = recorded[layer.name].sum(axis=1, dtype=np.float64)
                activation = np.maximum(activation, 0)  # spikes stand for no logit below 0
            error = decoded(total, layer, recipe, self.num_steps) - activation
            sums = np.array([error.size, error.sum(), (error**2).sum(), activation.sum()])
            self.errors.setdefault(layer.name, []).append(sums)

    def report(self, labels: np.ndarray, energy_of: Energy) -> Report:
        """Report means over all images that were added.

        Args:
          labels: of these images, [n].
          energy_of: energy of one operation.
        """
        number = len(labels)
        nothing = np.zeros(self.num_steps, np.int64)
        return Report(
            recipe=self.conversion.recipe.name,
            predictions=np.concatenate(self.predictions),
            margins=np.concatenate(self.margins),
            first_input=np.concatenate(self.first_input),
            labels=labels,
            ann_predictions=np.concatenate(self.ann_predictions),
            spikes={name: np.cumsum(s) / number for name, s in self.spikes.items()},
            num_neurons=self.network.sizes,
            synaptic_operations=np.cumsum(sum(self.operations.values(), nothing)) / number,
            projection_operations={
                name: float(each.sum() / number) for name, each in self.operations.items()
            },
            input_macs=self.input_macs / number,
            ann_macs=sum(macs.dense for of_branches in self.ann_macs for macs in of_branches),
            ann_effective_macs=self.ann_effective_macs / number,
            energy_of=energy_of,
            state_bytes=_state_bytes(self.network),
            errors={name: _error(np.sum(sums, axis=0)) for name, sums in self.errors.items()},
        )


def _macs_of_branches(layer: Layer) -> list[MultiplyAccumulates]:
    """Count the multiply-accumulates of each branch; max pooling has none."""
    branches = layer.branches if isinstance(layer, Weighted) else ()
    return [multiply_accumulates(branch.parts) for branch in branches]


def _error(sums: np.ndarray) -> LayerError:
    number, total, squares, activation = sums
    mean = total / number
    spread = float(np.sqrt(max(squares / number - mean**2, 0.0)))
    return LayerError(float(mean), spread, float(activation / number))


def _state_bytes(network: Network) -> int:
    """Return the size of all arrays of the state but the PRNG key."""
    state = replace(abstract_state(network), key=None)
    return int(sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)))
