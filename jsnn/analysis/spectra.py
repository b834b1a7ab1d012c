"""Spectra of the rate of a population."""

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, host_array, positive_number
from jsnn.analysis.firing_rates import population_rate
from jsnn.analysis.trains import SpikeTrains
from jsnn.analysis.units import Array, in_steps


def population_spectrum(trains: SpikeTrains, width: float, segment: float) -> tuple[Array, Array]:
    """Return the power spectral density of the rate of a population, as `spectrum` defines it.

    N independent Poisson processes with the rate ν have the density 2ν/N at all frequencies.

    Args:
      trains: the spikes.
      width: of the bins of the rate, in ms; frequencies reach up to 500 / width.
      segment: the length of the segments, a whole number of bins, in ms; frequencies are
        1000 / segment apart.

    Returns:
      frequencies in Hz, [F], and densities in Hz² per Hz, [F].

    Raises:
      ValueError: if the bins do not fit the recording, as for `binned_counts`, or the segments do
        not fit the bins.
    """
    rate = population_rate(trains, width)
    return _welch(rate, width, segment, "population_spectrum")


def spectrum(signal: ArrayLike, width: float, segment: float) -> tuple[Array, Array]:
    """Return the power spectral density of a signal, such as the rate of a population.

        S(f) = 2 ⟨|Σₖ wₖ (xₖ - ⟨x⟩) exp(-2πi f k Δ)|²⟩ Δ / Σₖ wₖ²

    The first mean is over segments that overlap by half, each without its own mean ⟨x⟩ and tapered
    by Hann's window w; Δ is the width. Frequencies below 0 count with those above, hence the 2,
    which is 1 for the frequency 0 and the highest, 500 / width. The sum of S, times the distance of
    the frequencies, is about the variance of the signal. Welch 1967, IEEE Trans. Audio
    Electroacoust. 15, 70-73.

    Args:
      signal: numbers [B].
      width: the time from one number to the next, in ms.
      segment: the length of the segments, a whole number of widths, in ms. Signals longer than
        whole segments are used up to the last of them.

    Returns:
      frequencies in Hz, [F], and densities in the square of the signal's unit per Hz, [F].

    Raises:
      ValueError: if the signal is not [B], not finite, or shorter than a segment, or if a segment
        is no whole number of widths, at least two.
    """
    array = host_array(signal, "spectrum")
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ValueError(
            f"spectrum, signal: given {array.dtype} of shape {array.shape}; expected numbers [B]"
        )
    check_finite(array, "spectrum, signal")
    return _welch(array, positive_number(width, "spectrum, width"), segment, "spectrum")


def _welch(signal: Array, width: float, segment: float, what: str) -> tuple[Array, Array]:
    size = in_steps(positive_number(segment, f"{what}, segment"), width, f"{what}, segment")
    if not 2 <= size <= len(signal):
        raise ValueError(
            f"{what}, segment: given {segment:g} ms; expected {2 * width:g} ms to the duration, "
            f"{len(signal) * width:g} ms"
        )
    segments = np.lib.stride_tricks.sliding_window_view(signal, size)[:: size - size // 2]
    taper = np.hanning(size + 1)[:-1]
    amplitudes = np.fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * taper)
    density = (np.abs(amplitudes) ** 2).mean(axis=0) / (1000 / width * (taper**2).sum())
    density[1 : (size + 1) // 2] *= 2
    return np.fft.rfftfreq(size, width / 1000), density
