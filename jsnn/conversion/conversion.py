"""convert: a trained model and a recipe in, a spiking network and its layers out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, check_type, positive_int
from jsnn.conversion.activation import Quantised
from jsnn.conversion.agreement import check_agrees
from jsnn.conversion.ann import Layer, activations, each_neuron
from jsnn.conversion.build import Built, Prepared, build, prepare
from jsnn.conversion.read_flax import read_flax
from jsnn.conversion.recipe import Recipe, Sample
from jsnn.conversion.run import drive_of, values
from jsnn.network import Network
from jsnn.readout import Readout


class LayerReport(NamedTuple):
    """What became of a layer.

    Attributes:
      name: of the model's layers that it was made of.
      population: that has taken its place.
      num_neurons: N.
      scale: (smallest, largest) over channels: the activation that one spike a step stands for.
      largest_activation: on the calibration images.
      saturated: the fraction of the activations above 0 that no rate can stand for.
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
    """

    recipe: Recipe
    layers: tuple[LayerReport, ...]
    ann: tuple[Layer, ...]
    readout: Readout
    image_shape: tuple[int, ...]
    built: Built

    def drive(self, images: ArrayLike) -> dict[str, Any]:
        """What drives the network for one image or [n, ...] of them: {population: input}.

        For `jsnn.simulate`, `jsnn.evaluate` or a `vmap`. With an analog input it is computed here.

        Raises ValueError where the shape is another one, or the coding cannot carry the pixels.
        """
        array = np.asarray(images)
        rank = len(self.image_shape)
        if array.shape[-rank:] != self.image_shape or array.ndim not in (rank, rank + 1):
            raise ValueError(
                f"images: given shape {array.shape}; expected {self.image_shape}, or with an axis "
                "of images in front"
            )
        rows = array.reshape(-1, prod(self.image_shape))
        drive = drive_of(self.built, self.recipe, rows)
        return {name: x[0] for name, x in drive.items()} if array.ndim == rank else drive

    def values(
        self, images: ArrayLike, num_steps: int, *, key: jax.Array | None = None
    ) -> list[np.ndarray]:
        """What the spikes of `num_steps` stand for: an activation for each neuron, [n, N] a layer.

        To be held against the activations of the model. `key` where the coding is random.
        """
        rows = np.asarray(images).reshape(-1, prod(self.image_shape))
        return values(self.built, self.recipe, rows, positive_int(num_steps, "num_steps"), key)

    def __str__(self) -> str:
        """The layers as a Markdown table."""
        lines = [
            f"{self.recipe.name}",
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
    check_type(recipe, Recipe, "recipe", ", such as jsnn.conversion.rueckauer_2017()")
    images = _checked_images(calibration_images)
    shape = images.shape[1:]
    layers = tuple(read_flax(model, shape, composition))
    rows = images.reshape(len(images), -1)
    found = activations(layers, rows.astype(layers[0].bias.dtype))  # type: ignore[union-attr]
    check_agrees(model, layers, images, found[-1])
    recipe.coding.checked(rows, recipe.v_thresh, "calibration_images")
    sample = Sample(layers, rows, found, key)
    prepared = prepare(layers, recipe.scale(sample, recipe), recipe)
    if recipe.calibrate is not None:
        prepared = recipe.calibrate(sample, recipe, prepared)
    built = build(prepared, recipe)
    reports = tuple(map(_report, layers, prepared, built.places, found))
    readout = recipe.read.readout(built.places[-1].population)
    return built.network, Conversion(recipe, reports, layers, readout, shape, built)


def _report(layer: Layer, prepared: Prepared, place: Any, found: np.ndarray) -> LayerReport:
    unit = each_neuron(place.unit, layer.size)
    positive = found > 0
    saturated = (found > unit) & positive
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


_LARGE = 10.0
"""Pixels above it are hardly on the scale of [0, 1], nor standardised."""


def _checked_images(given: ArrayLike) -> np.ndarray:
    what = "calibration_images"
    images = np.asarray(given)
    if images.dtype.kind not in "fiu":
        raise TypeError(f"{what}: given {images.dtype}; expected an array of real numbers")
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
