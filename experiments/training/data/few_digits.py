"""Few digits of MNIST as spikes, and the weights of a small network before training.

The page "From snnTorch and Norse" trains on them in jsnn, `experiments.training.stored_losses` in
the other programs.
"""

from typing import NamedTuple

import numpy as np

from experiments.mnist.data import held_out_images

NUM_IMAGES, NUM_STEPS, HIDDEN = 512, 25, 100
BRIGHTEST = 0.5
"""Probability of a spike of a white pixel in a step."""


class FewDigits(NamedTuple):
    """Spikes, labels, and weights from the pixels to the hidden neurons and on to the classes."""

    trains: np.ndarray
    """Bool [n, T, 784]."""
    labels: np.ndarray
    """Int32 [n]."""
    to_hidden: np.ndarray
    """Float32 [784, hidden]."""
    to_classes: np.ndarray
    """Float32 [hidden, 10]."""


def few_digits() -> FewDigits:
    """Return the first held-out images, with spikes and weights that are always the same."""
    pixels, labels = held_out_images()
    random = np.random.default_rng(0)
    probability = BRIGHTEST * pixels[:NUM_IMAGES, None] / 255
    trains = random.random((NUM_IMAGES, NUM_STEPS, pixels.shape[1])) < probability
    to_hidden = random.normal(0, pixels.shape[1] ** -0.5, (pixels.shape[1], HIDDEN))
    to_classes = random.normal(0, HIDDEN**-0.5, (HIDDEN, 10))
    return FewDigits(
        trains,
        labels[:NUM_IMAGES].astype(np.int32),
        to_hidden.astype(np.float32),
        to_classes.astype(np.float32),
    )
