"""Images that are quickly learnt, and the first ones of a data set."""

import numpy as np

from experiments.idx import Images

PATTERNS = np.random.default_rng(1).integers(0, 2, (10, 784), np.uint8) * 255


def few_images(number: int, seed: int = 0) -> Images:
    """Make ten patterns with noise, one of a class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, number, np.uint8)
    noise = generator.random((number, 784)) < 0.2
    return Images(np.where(noise, 255 - PATTERNS[labels], PATTERNS[labels]), labels)


def first(images: Images, number: int) -> Images:
    return Images(images.pixels[:number], images.labels[:number])
