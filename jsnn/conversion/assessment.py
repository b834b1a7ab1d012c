"""One run of a converted network, and what came of it."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_key, check_type, finite_number
from jsnn._pytree import replace
from jsnn.conversion.ann import Weighted, activations
from jsnn.conversion.conversion import Conversion
from jsnn.conversion.operations import Energy, multiply_accumulates, synapses_of
from jsnn.conversion.read import most_evident
from jsnn.conversion.report import LayerError, Report
from jsnn.conversion.run import decoded, drive_of
from jsnn.conversion.steps import check_steps
from jsnn.evaluation.data_set import check_labels, evaluate
from jsnn.network.connectivity import Chain
from jsnn.network.network import Network
from jsnn.network.state import init
from jsnn.recording import Recording, Spikes, Variable
from jsnn.simulation import recorded_bytes

_MOST_BYTES = 2**26
"""Of what is recorded of all images that are looked at together."""


def assess(
    network: Network,
    conversion: Conversion,
    images: ArrayLike,
    labels: ArrayLike,
    num_steps: int,
    *,
    energy_of: Energy = Energy(),  # noqa: B008
    key: jax.Array | None = None,
    progress: bool = False,
) -> Report:
    """Show labelled images for `num_steps` each and report what came of it.

    Args:
      network: that of the conversion, perhaps with other parameters.
      conversion: from `jsnn.convert`.
      images: [n, ...], as the model takes them.
      labels: [n] integers, the classes.
      num_steps: T, at least the `least_steps` of the conversion; the report has the accuracy after
        every step up to it.
      energy_of: one operation.
      key: `jax.random.key(seed)` where the coding is random.
      progress: show a bar for each part of the images.

    Raises ValueError or TypeError where something does not fit, or there is one class alone. Warns
    where the images are on another scale than those of the calibration, see `Conversion.rows`.
    """
    _check_network(network, conversion)
    num_steps = check_steps(num_steps, network, conversion.recipe)
    energy_of = _checked_energy(energy_of)
    if key is not None:
        check_key(key, "key")
    rows = conversion.rows(images)
    classes = check_labels(labels, conversion.ann[-1].size)
    if len(rows) != len(classes):
        raise ValueError(
            f"labels: given {len(classes)} for {len(rows)} images; expected one for each image"
        )
    recordings = _recordings(network, conversion)
    each = recorded_bytes(network, recordings, num_steps)
    size = int(np.clip(_MOST_BYTES // each, 1, len(rows)))
    synapses = synapses_of(network)
    sums = _Sums(network, conversion, num_steps)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        result = evaluate(
            network,
            drive_of(conversion.built, conversion.recipe, rows[part]),
            classes[part],
            num_steps,
            conversion.readout,
            record=recordings,
            key=key,
            first_index=start,
            progress=progress,
        )
        sums.add(rows[part], result.recorded, synapses)
    return sums.report(classes, energy_of)


def _check_network(network: Network, conversion: Conversion) -> None:
    check_type(network, Network, "network")
    check_type(conversion, Conversion, "conversion", ", which jsnn.convert returns too")
    expected = conversion.built.network.sizes
    if network.sizes != expected:
        raise ValueError(
            f"network: given populations {network.sizes}; expected those of the conversion, "
            f"{expected}"
        )
    if conversion.ann[-1].size < 2:
        raise ValueError(
            "conversion: given a model with 1 class; expected at least 2, as an answer is the "
            "class that leads the others"
        )


def _checked_energy(given: Energy) -> Energy:
    check_type(given, Energy, "energy_of")
    numbers = given._asdict().items()
    return Energy(*(finite_number(pj, f"energy_of, {name}", least=0) for name, pj in numbers))


def _recordings(network: Network, conversion: Conversion) -> dict[str, Recording]:
    """What each population emits in every step, and what the answer is read from."""
    record: dict[str, Recording] = {
        population.name: Variable(population.name, "emitted")
        if "emitted" in population.model.variables
        else Spikes(population.name)
        for population in network.populations
    }
    return record | {_READ: conversion.readout.recording}


_READ = "what the answer is read from"


class _Sums:
    """Sums over images, filled part by part."""

    def __init__(self, network: Network, conversion: Conversion, num_steps: int) -> None:
        self.network, self.conversion, self.num_steps = network, conversion, num_steps
        self.predictions: list[np.ndarray] = []
        self.margins: list[np.ndarray] = []
        self.heard: list[np.ndarray] = []
        self.ann_predictions: list[np.ndarray] = []
        self.spikes = {name: np.zeros(num_steps, np.int64) for name in network.sizes}
        self.operations = np.zeros(num_steps, np.int64)
        self.input_macs = 0
        self.ann_effective = 0
        self.errors: dict[str, list[np.ndarray]] = {}
        self.ann_macs = [
            multiply_accumulates(layer.parts) if isinstance(layer, Weighted) else None
            for layer in conversion.ann
        ]
        entry = conversion.built.entry
        parts = entry.parts if isinstance(entry, Chain) else (entry,)
        self.entry_macs = None if entry is None else multiply_accumulates(parts)

    def add(
        self,
        pixels: np.ndarray,
        recorded: Mapping[str, np.ndarray],
        synapses: Mapping[str, np.ndarray],
    ) -> None:
        """Take in what was recorded of a part of the images."""
        conversion = self.conversion
        rows = pixels.astype(self.network.dtype)
        found = activations(conversion.ann, rows)
        self.ann_predictions.append(found[-1].argmax(axis=1).astype(np.int32))
        for macs, entering in zip(self.ann_macs, [rows, *found[:-1]], strict=True):
            if macs is not None:
                self.ann_effective += int(macs.effective(entering).sum())
        if self.entry_macs is not None:
            self.input_macs += int(self.entry_macs.effective(rows).sum())
        for name in self.spikes:
            number = self._number_of_spikes(recorded[name]).sum(axis=0, dtype=np.int64)  # [T, N]
            self.spikes[name] += number.sum(axis=1)
            self.operations += number @ synapses[name]
        self.heard.append(self._heard(recorded, len(rows)))
        self._read(np.asarray(recorded[_READ]))
        self._compare(recorded, found)

    def _number_of_spikes(self, emitted: np.ndarray) -> np.ndarray:
        if emitted.dtype == np.bool_:
            return emitted
        if self.conversion.recipe.firing.digits is not None:
            return emitted != 0
        return np.abs(np.rint(emitted)).astype(np.int32)

    def _heard(self, recorded: Mapping[str, np.ndarray], number: int) -> np.ndarray:
        """[n], see `Report`."""
        output, start = self.conversion.readout.population, self.conversion.recipe.read.start
        reaching = next((p for p in self.network.projections if p.post == output), None)
        if reaching is None:
            return np.full(number, start + 1, np.int32)
        spiked = (recorded[reaching.pre] != 0).any(axis=2)
        arriving = np.pad(spiked, ((0, 0), (reaching.delay, 0)))[:, start : self.num_steps]
        first = np.where(arriving.any(axis=1), start + arriving.argmax(axis=1), self.num_steps)
        return (first + 1).astype(np.int32)

    def _read(self, recorded: np.ndarray) -> None:
        recipe = self.conversion.recipe
        evidence = jax.vmap(recipe.read.evidence)(jnp.asarray(recorded))
        steps = np.maximum(np.arange(1, self.num_steps + 1) - recipe.read.start, 1)[:, None]
        logits = decoded(np.asarray(evidence), self.conversion.built.places[-1], recipe, steps)
        two = np.sort(logits, axis=2)[:, :, -2:]
        self.predictions.append(np.asarray(most_evident(evidence)))
        self.margins.append(two[:, :, 1] - two[:, :, 0])

    def _compare(self, recorded: Mapping[str, np.ndarray], found: list[np.ndarray]) -> None:
        recipe = self.conversion.recipe
        for place, activation in zip(self.conversion.built.places, found, strict=True):
            name = place.population
            if name == "output" and recipe.read.of == "potential":
                emitted = recorded[_READ][:, -1]
            else:
                emitted = recorded[name].sum(axis=1, dtype=np.float64)
                activation = np.maximum(activation, 0)  # spikes stand for no logit below 0
            error = decoded(emitted, place, recipe, self.num_steps) - activation
            sums = np.array([error.size, error.sum(), (error**2).sum(), activation.sum()])
            self.errors.setdefault(name, []).append(sums)

    def report(self, labels: np.ndarray, energy_of: Energy) -> Report:
        number = len(labels)
        return Report(
            recipe=self.conversion.recipe.name,
            predictions=np.concatenate(self.predictions),
            margins=np.concatenate(self.margins),
            heard=np.concatenate(self.heard),
            labels=labels,
            ann_predictions=np.concatenate(self.ann_predictions),
            spikes={name: np.cumsum(s) / number for name, s in self.spikes.items()},
            num_neurons=self.network.sizes,
            synaptic_operations=np.cumsum(self.operations) / number,
            input_macs=self.input_macs / number,
            ann_macs=sum(macs.dense for macs in self.ann_macs if macs is not None),
            ann_effective_macs=self.ann_effective / number,
            energy_of=energy_of,
            state_bytes=_state_bytes(self.network),
            errors={name: _error(np.sum(sums, axis=0)) for name, sums in self.errors.items()},
        )


def _error(sums: np.ndarray) -> LayerError:
    number, total, squares, activation = sums
    mean = total / number
    spread = float(np.sqrt(max(squares / number - mean**2, 0.0)))
    return LayerError(float(mean), spread, float(activation / number))


def _state_bytes(network: Network) -> int:
    """Of all arrays of the state but the PRNG key."""
    key = jax.random.key(0) if network.stochastic else None
    state = replace(jax.eval_shape(lambda n: init(n, key), network), key=None)
    return int(sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)))
