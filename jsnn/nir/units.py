"""Units: seconds in NIR, milliseconds here."""

from typing import Any

import numpy as np


def in_ms(seconds: Any) -> np.ndarray:
    """Return times in ms, such that `in_seconds` gives back every time that it can return."""
    return _scaled_back(np.asarray(seconds, np.float64), 1000.0)


def in_seconds(ms: Any) -> np.ndarray:
    """Return times in seconds, as float64."""
    return _as_written(ms) / 1000.0


def per_ms(per_second: Any) -> np.ndarray:
    """Return rates per ms, such that `per_second` gives back every rate that it can return."""
    return _scaled_back(np.asarray(per_second, np.float64), 1 / 1000.0)


def per_second(rates: Any) -> np.ndarray:
    """Return rates per second, as float64."""
    return _as_written(rates) / (1 / 1000.0)


def _scaled_back(given: np.ndarray, factor: float) -> np.ndarray:
    """Return x with x / factor = given in float64, if there is one next to the product."""
    x = given * factor
    for near in (np.nextafter(x, -np.inf), np.nextafter(x, np.inf)):
        x = np.where((x / factor != given) & (near / factor == given), near, x)
    return x


def _as_written(numbers: Any) -> np.ndarray:
    """Return numbers as float64 with the digits that a float32 is written with: 0.1 for 0.1."""
    array = np.asarray(numbers)
    if array.dtype != np.float32:
        return array.astype(np.float64)
    distinct, places = np.unique(array, return_inverse=True)
    texts = np.array([float(str(number)) for number in distinct])
    return texts[places].reshape(array.shape)
