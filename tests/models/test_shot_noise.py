"""Poisson spikes through an exponential synapse against their recursion and Campbell's theorem."""

import numpy as np
import pytest
import scipy.stats

import jsnn
from tests.models.test_current_sources import currents, source_network
from tests.networks import F32
from tests.statistics import chi_squared_pvalue

MODEL = jsnn.POISSON_EXPONENTIAL
NUM_STEPS, SIZE, WEIGHT, RATE = 250, 1000, 0.25, 2000.0


@pytest.mark.parametrize(("dt", "tau"), [(0.25, 3.0), (2.0, 1.0)])
def test_the_current_has_the_distribution_of_shot_noise(dt: float, tau: float) -> None:
    """Time steps are small beside tau, and large; half of the weights are negative."""
    assert jsnn.check_model(MODEL) is None
    weight = np.resize([WEIGHT, -WEIGHT], SIZE)
    params = {"rate": RATE, "weight": weight.astype(F32), "tau": tau}
    (current,) = currents(source_network((MODEL, params), size=SIZE, dt=dt), num_steps=NUM_STEPS)
    left = np.exp(-dt / tau)
    of_step = tau * (1 - left) / dt  # the mean of exp(-t/tau) over a step
    before = np.concatenate([np.zeros((1, SIZE)), current[:-1].astype(float)])
    counts = np.round((current - left * before) / (of_step * weight))
    per_step = RATE * dt / 1000
    assert chi_squared_pvalue(counts.astype(int), scipy.stats.poisson(per_step)) > 0.001

    i = np.zeros(SIZE)
    for row, got in zip(counts, current, strict=True):
        i = i + row * weight
        np.testing.assert_allclose(got, i * of_step, rtol=1e-5, atol=1e-6)
        i = i * left

    late = (current / weight)[round(12 * tau / dt) :: max(1, round(4 * tau / dt))].astype(float)
    variance = per_step / (1 - left**2) * of_step**2
    if dt < tau / 10:
        np.testing.assert_allclose(variance, RATE / 1000 * tau / 2, rtol=0.06)
    error = np.sqrt(variance / late.size)
    np.testing.assert_allclose(late.mean(), RATE / 1000 * tau, atol=4 * error)
    np.testing.assert_allclose(late.var(), variance, rtol=6 / np.sqrt(late.size))
