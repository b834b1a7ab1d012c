"""Presentation (part 1): show one test image to the spiking network and look at the spikes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import ArrayLike

import jsnn
from experiments import cli
from experiments.mnist.data import test_image
from experiments.mnist.network import (
    INPUT_SCALE,
    NUM_STEPS,
    V_THRESH,
    WEIGHTS,
    output_of,
    spikes_of_image,
    spiking_network,
)

if TYPE_CHECKING:
    from jsnn.plot import Figure


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, with the tutorial's settings as defaults."""

    image_index: int = 0
    """Index of the test image, 0 to 9999."""
    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    num_steps: int = NUM_STEPS
    """Length of the presentation, in steps of 1 ms."""
    v_thresh: float = V_THRESH
    """Threshold of every neuron."""
    input_scale: float = INPUT_SCALE
    """Input current per grey level."""
    out: cli.OutputFigure = Path("results/raster.png")
    """File for the raster plot."""


def main(config: Config) -> dict[str, Any]:
    pixels, label = test_image(config.image_index, "--image-index")
    network = spiking_network(jsnn.load_weights(config.weights), config.v_thresh)
    spikes = spikes_of_image(network, pixels, config.num_steps, config.input_scale)
    counts = {name: int(of_layer.sum()) for name, of_layer in spikes.items()}
    prediction = int(spikes[output_of(network)].sum(axis=0).argmax())

    for name, count in counts.items():
        print(f"{name}: {network.sizes[name]:4} neurons, {count:5} spikes")
    print(f"true label={label}, predicted label={prediction}")
    cli.write_figure(config.out, draw(spikes, pixels, label))
    print(f"wrote {config.out}")
    return {
        "image_index": config.image_index,
        "label": label,
        "prediction": prediction,
        "spikes": list(counts.values()),
        "figure": str(config.out),
    }


@cli.drawing
def draw(spikes: Mapping[str, ArrayLike], pixels: np.ndarray, label: int) -> "Figure":
    """Draw the spikes of each layer, beside them the image, and the spikes of each neuron.

    Args:
      spikes: {layer: bool [T, N]}, the input first.
      pixels: of the image, [784].
      label: the true digit.
    """
    figure, panels = jsnn.plot.figure(
        len(spikes), 2, height=14 + 34 * len(spikes), width_ratios=(5, 1)
    )
    rasters, beside = panels.T
    for axes in rasters[:-1]:
        axes.tick_params(labelbottom=False)
    for axes, (name, of_layer) in zip(rasters, spikes.items(), strict=True):
        of_output = label if axes is rasters[-1] else None
        is_input = axes is rasters[0]
        jsnn.plot.raster({name: of_layer}, ax=axes, label=of_output, trimmed=is_input)
        axes.set_ylabel(f"{name}\n{axes.get_ylabel()}")
    rasters[0].invert_yaxis()  # the first row of the image on top
    beside[0].imshow(pixels.reshape(28, 28), cmap="gray_r", vmin=0, vmax=255)
    beside[0].set(xlabel="image", xticks=[], yticks=[])
    beside[0].spines[:].set_visible(True)
    for axes, raster, of_layer in zip(beside[1:], rasters[1:], [*spikes.values()][1:], strict=True):
        counts = np.sum(of_layer, axis=0)
        axes.barh(np.arange(len(counts)), counts, height=0.8, color="0.55")
        axes.set(ylim=raster.get_ylim(), yticks=[])
        axes.set_xlabel("spikes")
    figure.align_ylabels(rasters)
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
