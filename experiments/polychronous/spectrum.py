"""Rhythms of a population: the spectrum of its rate, and the power of its bands."""

from typing import NamedTuple

import numpy as np

from jsnn import analysis

DELTA, GAMMA = (2.0, 4.0), (30.0, 70.0)
"""Bands of frequencies in which the paper sees the rhythm at first, and after an hour, in Hz."""

WINDOW = 2_000
"""Length of the windows of a spectrum, in ms; frequencies are then half a hertz apart."""

_SHOWN = (1.0, 100.0)  # Hz


class Rhythm(NamedTuple):
    """The rhythm of a stretch of time."""

    rate_hz: float
    """Mean rate of a neuron."""
    delta: float
    """Variance of the rate from 2 to 4 Hz, in Hz²."""
    gamma: float
    """Variance of the rate from 30 to 70 Hz, in Hz²."""
    dominant_hz: float
    """Frequency f from 1 to 100 Hz at which f times the density, the power per octave, peaks."""


def rhythm(rate: np.ndarray) -> Rhythm:
    """Return the rhythm of a rate in Hz, given for each millisecond."""
    frequencies, density = spectrum(rate)
    width = frequencies[1] - frequencies[0]

    def power(band: tuple[float, float]) -> float:
        return float(density[_within(band, frequencies)].sum() * width)

    peak = np.argmax(frequencies * density)
    return Rhythm(float(rate.mean()), power(DELTA), power(GAMMA), float(frequencies[peak]))


def spectrum(rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies from 1 to 100 Hz, and the density of the variance there, in Hz² per Hz.

    Args:
      rate: in Hz, for each millisecond; at least a window.
    """
    frequencies, density = analysis.spectrum(rate, 1.0, WINDOW)
    shown = _within(_SHOWN, frequencies)
    return frequencies[shown], density[shown]


def _within(band: tuple[float, float], frequencies: np.ndarray) -> np.ndarray:
    return (frequencies >= band[0]) & (frequencies <= band[1])
