"""convert: a trained model and a recipe in, a spiking network and its layers out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_key, check_type
from jsnn.conversion.activation import Quantised
from jsnn.conversion.agreement import check_agrees
from jsnn.conversion.ann import Layer, activations, each_neuron
from jsnn.conversion.build import Built, Place, build, prepare
from jsnn.conversion.pieces import check_depth, check_pieces
from jsnn.conversion.read_flax import read_flax
from jsnn.conversion.recipe import Recipe, Sample
from jsnn.conversion.run import drive_of, values
from jsnn.conversion.steps import least_steps
from jsnn.evaluation.readouts import Readout
from jsnn.models.neurons import INTEGRATOR
from jsnn.network.network import Network


class LayerReport(NamedTuple):
    """What became of a layer.

    Attributes:
      name: of the model's layers that it was made of.
      population: that has taken its place.
      num_neurons: N.
      scale: (smallest, largest) over channels: the activation that one spike a step stands for;
        1 for an output whose potential is read.
      largest_activation: on the calibration images.
      saturated: the fraction of the activations above 0 that spikes cannot stand for.
    """

    name: str
    population: str
    num_neurons: int
    scale: tuple[float, float]
    largest_activation: float
    saturated: float


@dataclass(frozen=True)
class Conversion:
    """How a network was made, and what is needed to run it.

    Attributes:
      recipe: that was followed.
      layers: a report of each.
      ann: the artificial network, layer by layer, as the model computes it.
      readout: of the answer, for `jsnn.evaluate`.
      image_shape: of one input of the model.
      image_range: (lowest, highest) pixel of the calibration images.
      least_steps: that a presentation takes.
    """

    recipe: Recipe
    layers: tuple[LayerReport, ...]
    ann: tuple[Layer, ...]
    readout: Readout
    image_shape: tuple[int, ...]
    image_range: tuple[float, float]
    least_steps: int
    built: Built

    def drive(self, images: ArrayLike) -> dict[str, Any]:
        """What drives the network for one image or [n, ...] of them: {population: input}.

        For `jsnn.simulate`, `jsnn.evaluate` or a `vmap`. With an analog input it is computed here.

        Raises ValueError or TypeError where the shape is another one, or the coding cannot carry
        the pixels. Warns as `rows` does.
        """
        one = np.shape(images) == self.image_shape
        rows = self.rows(np.asarray(images)[None] if one else images)
        drive = drive_of(self.built, self.recipe, rows)
        return {name: x[0] for name, x in drive.items()} if one else drive

    def rows(self, images: ArrayLike) -> np.ndarray:
        """Images [n, ...] as [n, N_0], once they are found to be such as were calibrated on.

        Raises ValueError or TypeError where they are no real numbers, the shape is another one, or
        the coding cannot carry the pixels. Warns where the largest absolute value is more than
        twice that of the calibration images, or, over ten images or more, less than a third of it:
        they are then most likely on another scale.
        """
        array = _real_numbers(images, "images")
        if array.shape[1:] != self.image_shape or not len(array):
            expected = ", ".join(map(str, self.image_shape))
            raise ValueError(f"images: given shape {array.shape}; expected [n, {expected}]")
        rows = array.reshape(len(array), -1)
        self.recipe.coding.checked(rows, self.recipe.v_thresh, "images")
        self._warn_of_another_scale(rows)
        return rows

    def _warn_of_another_scale(self, rows: np.ndarray) -> None:
        low, high = float(rows.min()), float(rows.max())
        given, calibrated = max(-low, high), max(map(abs, self.image_range))
        too_small = len(rows) >= _ENOUGH and given < calibrated / 3
        if given > 2 * calibrated or too_small:
            warnings.warn(
                f"images: given pixels from {low:g} to {high:g}, and the calibration images had "
                f"{self.image_range[0]:g} to {self.image_range[1]:g}; expected the same scale",
                stacklevel=4,
            )

    def values(
        self, images: ArrayLike, num_steps: int, *, key: jax.Array | None = None
    ) -> list[np.ndarray]:
        """What the spikes of `num_steps` stand for: an activation for each neuron, [n, N] a layer.

        To be held against the activations of the model. `key` where the coding is random.

        Raises and warns as `rows` does, and raises where `num_steps` is less than `least_steps`.
        """
        if key is not None:
            check_key(key, "key")
        return values(self.built, self.recipe, self.rows(images), num_steps, key)

    def __str__(self) -> str:
        """The layers as a Markdown table."""
        lines = [
            f"{self.recipe.name}, T >= {self.least_steps}",
            "",
            "| layer | population | neurons | scale | largest activation | saturated |",
            "|---|---|---|---|---|---|",
        ]
        for layer in self.layers:
            low, high = layer.scale
            scale = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            lines.append(
                f"| {layer.name} | {layer.population} | {layer.num_neurons} | {scale} | "
                f"{layer.largest_activation:.4g} | {layer.saturated:.2%} |"
            )
        return "\n".join(lines)


def convert(
    model: Any,
    calibration_images: ArrayLike,
    recipe: Recipe,
    *,
    composition: Sequence[Callable[..., Any]] | None = None,
    key: jax.Array | None = None,
) -> tuple[Network, Conversion]:
    """Turn a trained feed-forward network into a spiking one.

    Args:
      model: a Flax `nnx.Sequential` of Linear, Conv, BatchNorm, ReLU or QCFS, average and max
        pooling, Dropout and `jsnn.conversion.flatten`; any other `nnx.Module` whose calls are given
        as `composition`; or a Linen model of dense layers with a ReLU between each two, as
        `module.bind(variables)`. Its variables alone show neither the order of its calls nor its
        activations: they are taken where all names end in different numbers, such as Dense_0 and
        Dense_1, which have to be in the order of the calls, with a ReLU between each two.
      calibration_images: [n, ...], as the model takes them: training images, a few hundred or more.
      recipe: what to do, see `jsnn.conversion.recipes`.
      composition: what the model calls, in that order.
      key: `jax.random.key(seed)` where a rule shows images in a random coding.

    Returns:
      The network, whose populations are "input" (if the coding has input neurons), "hidden1", ...,
      "output"; and the conversion: a report of each layer, `drive` and `readout` to run it with.

    Raises ValueError or TypeError that names the layer where something cannot be converted, or
    where the model's own logits are not those of its layers (parameters alone have none). Warns
    where the calibration images look as if they were on another scale than the model's.
    """
    check_type(recipe, Recipe, "recipe", ", such as jsnn.conversion.recipes.rueckauer_2017()")
    check_pieces(recipe)
    if key is not None:
        check_key(key, "key")
    images = _checked_images(calibration_images)
    shape = images.shape[1:]
    layers = tuple(read_flax(model, shape, composition))
    check_depth(recipe, layers)
    rows = images.reshape(len(images), -1)
    found = activations(layers, rows.astype(layers[0].bias.dtype))  # type: ignore[union-attr]
    check_agrees(model, layers, images, found[-1])
    recipe.coding.checked(rows, recipe.v_thresh, "calibration_images")
    sample = Sample(layers, rows, found, key)
    prepared = prepare(layers, recipe.scale(sample, recipe), recipe)
    if recipe.calibrate is not None:
        prepared = recipe.calibrate(sample, recipe, prepared)
    built = build(prepared, recipe)
    output = built.network.population(built.places[-1].population)
    return built.network, Conversion(
        recipe=recipe,
        layers=tuple(
            _report(*each, built) for each in zip(layers, built.places, found, strict=True)
        ),
        ann=layers,
        readout=recipe.read.readout(output),
        image_shape=shape,
        image_range=(float(rows.min()), float(rows.max())),
        least_steps=least_steps(built.network, recipe),
        built=built,
    )


def _report(layer: Layer, place: Place, found: np.ndarray, built: Built) -> LayerReport:
    unit = each_neuron(place.unit, layer.size)
    population = built.network.population(place.population)
    integrates = population.model == INTEGRATOR
    most = np.inf if integrates else np.asarray(population.params.get("max_spikes", 1))
    positive = found > 0
    saturated = positive & (found > most * unit)
    name = layer.name.removeprefix("layer ")
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Quantised):
        name += f", QCFS with L = {activation.levels}"
    return LayerReport(
        name=name,
        population=place.population,
        num_neurons=layer.size,
        scale=(float(unit.min()), float(unit.max())),
        largest_activation=float(found.max()),
        saturated=float(saturated.sum() / max(positive.sum(), 1)),
    )


_ENOUGH = 10
"""Images of which one has a bright pixel."""

_LARGE = 10.0
"""Pixels above it are hardly on the scale of [0, 1], nor standardised."""


def _checked_images(given: ArrayLike) -> np.ndarray:
    what = "calibration_images"
    images = _real_numbers(given, what)
    if images.ndim not in (2, 4) or not images.size:
        raise ValueError(
            f"{what}: given shape {images.shape}; expected [n, features] or "
            "[n, height, width, channels]"
        )
    check_finite(images, what)
    low, high = images.min(), images.max()
    if low == high == 0:
        raise ValueError(f"{what}: all pixels are 0; expected images to find activations on")
    if images.dtype.kind in "iu" or high > _LARGE:
        warnings.warn(
            f"{what}: given {images.dtype} from {low:g} to {high:g}; models are mostly trained on "
            "[0, 1]: divide by 255 unless this one was trained on such numbers",
            stacklevel=3,
        )
    return images if images.dtype.kind == "f" else images.astype(np.float32)


def _real_numbers(given: ArrayLike, what: str) -> np.ndarray:
    """Images as an array, or TypeError."""
    images = np.asarray(given)
    if images.dtype.kind not in "fiu":
        raise TypeError(f"{what}: given {images.dtype}; expected an array of real numbers")
    return images
