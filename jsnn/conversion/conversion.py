"""Conversion: the relation of a spiking network to the model that it was made from."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_key
from jsnn._summary import Summary, Table
from jsnn.conversion.decoding import decoded_values, drives_of
from jsnn.conversion.images import flat_images, warn_of_another_scale
from jsnn.conversion.layers import Layer
from jsnn.conversion.network_builder import Built
from jsnn.conversion.recipe import Recipe
from jsnn.evaluation.readouts import Readout


class LayerReport(NamedTuple):
    """Layer of the model and its population in the spiking network.

    Attributes:
      name: name of the model's layers that the population computes.
      population: name of the population.
      num_neurons: N.
      scale: (smallest, largest) activation that one spike a step stands for, over channels; 1 for
        an output whose potential is read.
      largest_activation: largest activation on the calibration images.
      saturated: fraction of the activations above 0 that are too large for spikes to stand for.
    """

    name: str
    population: str
    num_neurons: int
    scale: tuple[float, float]
    largest_activation: float
    saturated: float

    @property
    def scale_text(self) -> str:
        """Scale in four digits, as a range if channels differ."""
        low, high = self.scale
        return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


@dataclass(frozen=True, repr=False)
class Conversion:
    """Relation of a spiking network to the model that it was made from.

    `str(conversion)` is a Markdown table of the layers.

    Attributes:
      recipe: the recipe of the conversion.
      layers: a report of each layer.
      ann: the layers of the artificial network, as read from the model, in an order in which each
        comes after those whose activations enter it.
      readout: readout of the answer, for `jsnn.evaluate`.
      image_shape: shape of one input of the model.
      image_range: (lowest, highest) pixel of the calibration images.
      least_steps: smallest number of steps of a presentation.
      built: the spiking network as built, and the population of each layer.
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
        """Compute the drive of the network, for `jsnn.simulate`, `jsnn.evaluate` or a `vmap`.

        An analog input passes through the weights of the layers that it enters here.

        Args:
          images: one image, or [n, ...].

        Returns:
          {population: input}, the input of shape [N] for one image, else [n, N].

        Raises:
          ValueError: if the shape is not that of the model's inputs, or the coding cannot carry the
            pixels.
          TypeError: if the pixels are not real numbers.

        Warns:
          UserWarning: if the images are most likely on another scale than the calibration images.
        """
        one = np.shape(images) == self.image_shape
        rows = self.rows(np.asarray(images)[None] if one else images)
        drive = drives_of(self.built, self.recipe, rows)
        return {name: x[0] for name, x in drive.items()} if one else drive

    def rows(self, images: ArrayLike) -> np.ndarray:
        """Check images [n, ...] and flatten them, [n, N_0].

        Raises:
          ValueError: if the shape is not that of the model's inputs, or the coding cannot carry the
            pixels.
          TypeError: if the pixels are not real numbers.

        Warns:
          UserWarning: if the images are most likely on another scale than the calibration images:
            the largest absolute value is more than twice theirs or, over ten images or more, less
            than a third of it.
        """
        rows = flat_images(images, self.image_shape)
        self.recipe.coding.check(rows, self.recipe.v_thresh, "images")
        warn_of_another_scale(rows, self.image_range)
        return rows

    def values(
        self, images: ArrayLike, num_steps: int, *, key: jax.Array | None = None
    ) -> list[np.ndarray]:
        """Present images and decode the spikes of each layer, to compare with the activations.

        Args:
          images: [n, ...], as the model takes them.
          num_steps: steps of a presentation.
          key: `jax.random.key(seed)` for a random coding.

        Returns:
          The activations that the spikes stand for, [n, N] of each layer.

        Raises:
          ValueError: if the shape is not that of the model's inputs, the coding cannot carry the
            pixels, or `num_steps` is less than `least_steps`.
          TypeError: if the pixels are not real numbers, or an argument is of the wrong type.

        Warns:
          UserWarning: if the images are most likely on another scale than the calibration images.
        """
        if key is not None:
            check_key(key, "key")
        return decoded_values(self.built, self.recipe, self.rows(images), num_steps, key)

    def __str__(self) -> str:
        lines = [
            f"{self.recipe.name}, T >= {self.least_steps}",
            "",
            "| layer | population | neurons | scale | largest activation | saturated |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {layer.name} | {layer.population} | {layer.num_neurons} | {layer.scale_text} | "
            f"{layer.largest_activation:.4g} | {layer.saturated:.2%} |"
            for layer in self.layers
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self._summary().text()

    def _repr_html_(self) -> str:
        return self._summary().html()

    def _summary(self) -> Summary:
        columns = ("layer", "population", "neurons", "scale", "largest activation", "saturated")
        rows = [
            (
                layer.name,
                layer.population,
                layer.num_neurons,
                layer.scale_text,
                f"{layer.largest_activation:.4g}",
                f"{layer.saturated:.2%}",
            )
            for layer in self.layers
        ]
        title = f"Conversion: {self.recipe.name}, T >= {self.least_steps}"
        return Summary(title, [Table(columns, rows)])
