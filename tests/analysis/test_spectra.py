"""Spectra of rates, beside SciPy and closed forms."""

import numpy as np
import pytest
import scipy.signal

from jsnn import analysis
from tests.analysis.drawn import poisson


@pytest.mark.parametrize(("width", "size"), [(1.0, 64), (0.5, 63), (2.0, 2), (1.0, 300)])
def test_the_spectrum_is_that_of_scipy(width: float, size: int) -> None:
    signal = np.random.default_rng(0).normal(5, 2, 300)
    found = analysis.spectrum(signal, width, size * width)
    expected = scipy.signal.welch(signal, 1000 / width, "hann", size)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-20)


def test_a_sine_has_the_power_of_half_its_squared_amplitude_at_its_frequency() -> None:
    times = np.arange(4000) * 1e-3
    frequencies, density = analysis.spectrum(7 + 3 * np.sin(2 * np.pi * 40 * times), 1.0, 500.0)
    assert frequencies[density.argmax()] == 40
    assert density.sum() * 2 == pytest.approx(4.5)  # frequencies are 2 Hz apart


def test_independent_poisson_processes_have_a_flat_spectrum() -> None:
    trains = poisson(20.0, 50, 100_000.0)
    frequencies, density = analysis.population_spectrum(trains, 1.0, 100.0)
    np.testing.assert_allclose(frequencies, np.arange(0, 501, 10))
    np.testing.assert_allclose(density[2:-1], 2 * 20 / 50, rtol=0.12)  # 2,000 segments
    assert density[2:-1].mean() == pytest.approx(2 * 20 / 50, rel=0.02)


def test_the_spectrum_of_a_population_is_that_of_its_rate() -> None:
    trains = poisson(50.0, 5, 1000.0)
    found = analysis.population_spectrum(trains, 2.0, 200.0)
    rate = np.histogram(trains.times, 500, (0, 1000))[0] / (5 * 2e-3)
    np.testing.assert_allclose(found, scipy.signal.welch(rate, 500, nperseg=100), rtol=1e-9)


@pytest.mark.parametrize(
    ("signal", "segment", "message"),
    [
        (np.ones(10), 2.5, "segment: given 2.5 ms; expected whole steps of 1 ms"),
        (np.ones(10), 11.0, "segment: given 11 ms; expected 2 ms to the duration, 10 ms"),
        (np.ones(10), 1.0, "segment: given 1 ms; expected 2 ms to the duration"),
        (np.ones((10, 2)), 5.0, r"signal: given float64 of shape \(10, 2\); expected numbers"),
        (np.array([1, np.nan, 2]), 2.0, "signal: 1 of 3 values are NaN"),
        (np.ones(5) > 0, 2.0, "signal: given bool of shape"),
    ],
)
def test_what_has_no_spectrum_is_refused(signal: np.ndarray, segment: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analysis.spectrum(signal, 1.0, segment)
