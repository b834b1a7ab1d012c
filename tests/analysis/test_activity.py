"""The activity of a population in a few numbers."""

import numpy as np
import pytest

from jsnn import analysis
from tests.analysis.drawn import poisson, recorded


def test_a_summary_is_of_all_neurons() -> None:
    trains = np.zeros((200, 4), bool)
    trains[::10, :2] = trains[3, 2] = True
    found = analysis.summary(recorded(trains, 0.5))
    assert found == (4, 41, 100.0, pytest.approx(102.5), 0.75, pytest.approx(0), pytest.approx(0))
    assert str(found) == (
        "41 spikes of 4 neurons in 100 ms: 102.50 Hz, 75% active, CV 0.000, LV 0.000"
    )


def test_a_summary_of_poisson_processes_has_variations_of_1() -> None:
    found = analysis.summary(poisson(20.0, 50, 50_000.0))
    assert found[3:] == pytest.approx((20, 1, 1, 1), rel=0.02)


def test_silence_has_no_variation() -> None:
    found = analysis.summary(recorded(np.zeros((9, 3), bool)))
    assert found == (3, 0, 9.0, 0, 0, None, None)
    assert str(found).endswith("0.00 Hz, 0% active, CV none, LV none")
