"""Presentation (part 1): show one test image to the spiking network and look at the spikes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import jsnn
from experiments import cli
from experiments.mnist.data import input_currents, test_image
from experiments.mnist.network import (
    INPUT_SCALE,
    NUM_STEPS,
    V_THRESH,
    WEIGHTS,
    check_pixels,
    spiking_network,
)


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
    check_pixels(network, pixels[None])
    names = list(network.sizes)
    _, spikes = jsnn.simulate(
        network,
        {names[0]: input_currents(pixels, config.input_scale)},
        config.num_steps,
        record={name: jsnn.Spikes(name) for name in names},
    )
    counts = {name: int(np.sum(spikes[name])) for name in names}
    prediction = int(np.argmax(np.sum(spikes[names[-1]], axis=0)))

    for name, count in counts.items():
        print(f"{name}: {network.sizes[name]:4} neurons, {count:5} spikes")
    print(f"true label={label}, predicted label={prediction}")
    title = f"MNIST test image {config.image_index}: true label {label}, predicted {prediction}"
    figure = jsnn.plot.raster(spikes, label=label, title=title)
    cli.write_figure(config.out, figure)
    print(f"wrote {config.out}")
    return {
        "image_index": config.image_index,
        "label": label,
        "prediction": prediction,
        "spikes": list(counts.values()),
        "figure": str(config.out),
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
