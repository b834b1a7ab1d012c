"""Converter: a trained model and a recipe in, a spiking network and its conversion out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_key, check_type, check_untraced
from jsnn.conversion.activation import Quantised
from jsnn.conversion.channel_scaling import each_neuron
from jsnn.conversion.conversion import Conversion, LayerReport
from jsnn.conversion.images import calibration_images as checked_images
from jsnn.conversion.layer_population import LayerPopulation
from jsnn.conversion.layers import Layer, Weighted, activations
from jsnn.conversion.logits_check import check_logits
from jsnn.conversion.network_builder import build, prepare
from jsnn.conversion.presentation_length import least_steps
from jsnn.conversion.reading.model import model_of, read
from jsnn.conversion.recipe import Recipe, Sample
from jsnn.conversion.recipe_checks import check_exact, check_layers, check_recipe
from jsnn.network.network import Network


def convert(
    model: Any,
    calibration_images: ArrayLike,
    recipe: Recipe,
    *,
    key: jax.Array | None = None,
) -> tuple[Network, Conversion]:
    """Convert a trained feed-forward network into a spiking one.

    The model is any function from images to logits. Its equations are read (`jax.make_jaxpr`), so
    that it does not matter in which library or style it is written: products and convolutions with
    parameters, sums and concatenations (residual connections), batch normalisation in evaluation
    mode, average and max pooling, ReLU in any form, clipping such as ReLU6, and `qcfs`. What cannot
    be converted is an error that names the operation and its line in your program.

    Args:
      model: an `nnx.Module`, a Linen model as `module.bind(variables)`, an Equinox module, or any
        other function from a batch of images to [n, classes], or from one image to [classes]. An
        NNX module is read in evaluation mode and stays as it is.
      calibration_images: [n, ...], as the model takes them: training images, a few hundred or more.
      recipe: such as one of `jsnn.conversion.recipes`.
      key: `jax.random.key(seed)` if a rule of the recipe presents images in a random coding.

    Returns:
      The network, whose populations are "input" (if the coding has input neurons), "hidden1", ...,
      "output"; and the conversion, with a report of each layer and the drive and the readout for
      runs of the network.

    Raises:
      ValueError: if an operation, named with its line, cannot be converted; the model refuses the
        images; its own logits are not those of its layers; or an argument does not fit.
      TypeError: if an argument is of the wrong type, or the model mixes data types.

    Warns:
      UserWarning: if the calibration images are most likely on another scale than the model's.
    """
    check_untraced(calibration_images, "convert", "convert first, and trace the network")
    check_type(recipe, Recipe, "recipe", ", such as jsnn.conversion.recipes.rueckauer_2017()")
    check_recipe(recipe)
    if key is not None:
        check_key(key, "key")
    images = checked_images(calibration_images)
    shape = images.shape[1:]
    function = model_of(model, images)
    layers = tuple(read(function, images))
    check_layers(recipe, layers)
    check_exact(recipe, _dtype(layers))
    rows = images.reshape(len(images), -1)
    found = activations(layers, rows.astype(_dtype(layers)))
    check_logits(function, layers, images, found[-1])
    recipe.coding.check(rows, recipe.v_thresh, "calibration_images")
    sample = Sample(layers, rows, found, key)
    prepared = prepare(layers, recipe.scale(sample, recipe), recipe)
    if recipe.calibrate is not None:
        prepared = recipe.calibrate(sample, recipe, prepared)
    built = build(prepared, recipe)
    least = least_steps(built.network, recipe)
    return built.network, Conversion(
        recipe=recipe,
        layers=tuple(map(_report, layers, built.layers, found)),
        ann=layers,
        readout=replace(
            recipe.output.readout(built.layers[-1]),
            least_steps=least,
            most_steps=recipe.coding.num_steps,
        ),
        image_shape=shape,
        image_range=(float(rows.min()), float(rows.max())),
        least_steps=least,
        built=built,
    )


def _dtype(layers: Sequence[Layer]) -> np.dtype[Any]:
    first = layers[0]
    assert isinstance(first, Weighted)  # max pooling of the input is refused
    return first.dtype


def _report(layer: Layer, population: LayerPopulation, found: np.ndarray) -> LayerReport:
    unit = each_neuron(population.unit, layer.size)
    positive = found > 0
    saturated = positive & (found > population.emission.most_per_step * unit)
    return LayerReport(
        name=_name(layer),
        population=population.name,
        num_neurons=layer.size,
        scale=(float(unit.min()), float(unit.max())),
        largest_activation=float(found.max()),
        saturated=float(saturated.sum() / max(positive.sum(), 1)),
    )


def _name(layer: Layer) -> str:
    name = layer.name
    if isinstance(layer, Weighted) and isinstance(layer.activation, Quantised):
        name += f", QCFS with L = {layer.activation.levels}"
    return name
