"""Latency MNIST: images as one spike for each pixel that is not black, the brighter the earlier."""

from typing import Literal, NamedTuple

import numpy as np

from experiments.mnist import data

Part = Literal["training", "held_out", "test"]
"""training: 55,000 images, which are fetched once. held_out: the 5,000 after them, on which choices
are made. test: 10,000, for the last measurement only. The last two are part of the repository."""


class LatencyImages(NamedTuple):
    """Images as times of spikes.

    Attributes:
      times: float32 [n, 784], ms; infinite for a pixel that does not spike.
      labels: the digits, int32 [n].
    """

    times: np.ndarray
    labels: np.ndarray


def latency_mnist(part: Part, last: float = 18.0, *, darkest: int = 1) -> LatencyImages:
    """Load a part of MNIST: t = last (1 - grey / 255).

    `jsnn.encoding.trains_from_times` makes the trains of a batch of them.

    Args:
      part: the images to load.
      last: the time at which a black pixel would spike, ms.
      darkest: the smallest grey level with a spike, from 0 to 255.
    """
    load = {
        "training": data.training_images,
        "held_out": data.held_out_images,
        "test": data.test_images,
    }
    pixels, labels = load[part]()
    of_level = (last * (1 - np.arange(256) / 255)).astype(np.float32)
    of_level[:darkest] = np.inf
    return LatencyImages(of_level[pixels], labels.astype(np.int32))
