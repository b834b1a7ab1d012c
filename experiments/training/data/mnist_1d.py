"""MNIST-1D: ten templates of 12 points, shifted, scaled, sheared and noisy, as signals of 40.

Greydanus 2020, "Scaling down deep learning" (Greydanus & Kobak 2024, ICML). The signals
are those of the published data, from NumPy's legacy random numbers of the seed.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
"""Templates of the digits, as published."""

PADDING = 36, 60
"""Smallest and largest number of zeros behind a template."""
SCALE, MAX_SHIFT, SHEAR = 0.4, 48, 0.75
CORRELATED_NOISE, NOISE = 0.25, 0.02
LENGTH = 40
"""Number of samples of a signal."""


class Signals(NamedTuple):
    """Labelled signals.

    Attributes:
      values: float64 [n, 40], of mean 0 and standard deviation 1 over the whole data set.
      labels: int32 [n], the digits.
    """

    values: np.ndarray
    labels: np.ndarray


def mnist_1d(num_signals: int = 5000, seed: int = 42) -> tuple[Signals, Signals]:
    """Draw the data set; return the first 80 % for training and the others for the test.

    Args:
      num_signals: of both parts together, as many of each digit.
      seed: of the random numbers.
    """
    random = np.random.RandomState(seed)
    templates = TEMPLATES - TEMPLATES.mean(axis=1, keepdims=True)
    templates /= templates.std(axis=1, keepdims=True)
    templates = (templates - templates[:, :1]) / 6
    labels = np.repeat(np.arange(10, dtype=np.int32), num_signals // 10)
    values = np.stack([_varied(templates[label], random) for label in labels])
    order = random.permutation(len(labels))
    values = ((values - values.mean()) / values.std())[order]
    split = int(0.8 * len(labels))
    training, test = slice(split), slice(split, None)
    return (
        Signals(values[training], labels[order][training]),
        Signals(values[test], labels[order][test]),
    )


def _varied(template: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return a template as a signal of 40 samples that differs each time."""
    least, most = PADDING
    padding = least + int(random.rand() * (most - least + 1))
    signal = np.concatenate([template + 1e-8, np.zeros(padding)])  # 0 marks the padding
    signal = _resampled(signal, len(template) + most)
    signal *= 1 + SCALE * (random.rand() - 0.5)
    signal = np.roll(signal, random.choice(MAX_SHIFT))
    background = gaussian_filter(CORRELATED_NOISE * random.randn(len(signal)), 2)
    signal = np.where(signal != 0, signal, background) + NOISE * random.randn(len(signal))
    signal -= SHEAR * (random.rand() - 0.5) * np.linspace(-0.5, 0.5, len(signal))
    return _resampled(signal, LENGTH)


def _resampled(signal: np.ndarray, length: int) -> np.ndarray:
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(signal)), signal)
