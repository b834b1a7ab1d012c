"""Voltage-based STDP against NumPy by the book, and against windows that were published."""

from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.played import learnt_over_time

DT, STEPS = 0.5, 200
REST = -70.6
RANDOM = np.random.default_rng(1)
PRE = RANDOM.random((STEPS, 4)) < 0.08
V = np.where(RANDOM.random((STEPS, 3)) < 0.05, 33.0, RANDOM.uniform(-75, -40, (STEPS, 3)))
START = RANDOM.uniform(0.3, 0.7, (4, 3))
STRONG = {"a_ltp": 8e-4, "a_ltd": 9e-3}
HOMEOSTATIC = {"v_rest": -68.0, "u_ref": 6.0, "tau_mean": 80.0}


def by_the_book(depression: Any, delay: int = 0) -> np.ndarray:
    """Return the weights after every step; the synapse sees the voltage of `delay` steps ago."""
    v = np.vstack([np.full((1 + delay, 3), REST), V])[: STEPS + 1]
    x, w, found = np.zeros((4, 1)), START, []
    u_plus, u_minus, u_mean = (np.full(3, REST) for _ in range(3))
    for n in range(STEPS):
        average = (v[n] + v[n + 1]) / 2
        u_plus = average + (u_plus - average) * np.exp(-DT / 7.0)
        u_minus = average + (u_minus - average) * np.exp(-DT / 10.0)
        u_mean = average + (u_mean - average) * np.exp(-DT / 80.0)
        x = x * np.exp(-DT / 15.0)
        up = np.maximum(v[n + 1] + 45.3, 0) * np.maximum(u_plus + 70.6, 0)
        w = np.clip(w + 8e-4 * DT * x * up, 0, 1)
        down = np.maximum(u_minus + 70.6, 0) * depression(u_mean)
        w = np.where(PRE[n][:, None], np.clip(w - down, 0, 1), w)
        x = x + PRE[n][:, None] / 15.0
        found.append(w)
    return np.array(found)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("homeostatic", [False, True])
def test_weights_are_those_of_a_loop_over_steps(homeostatic: bool, delay: int) -> None:
    rule = jsnn.CLOPATH_2010_HOMEOSTATIC if homeostatic else jsnn.CLOPATH_2010
    with jax.enable_x64(True):
        found = learnt_over_time(
            rule,
            STRONG | (HOMEOSTATIC if homeostatic else {}),
            START,
            PRE,
            {"v": V},
            dt=DT,
            initial={"v": REST},
            back_propagation=delay,
        )
    expected = by_the_book(
        (lambda u: 9e-3 * ((u + 68.0) / 6.0) ** 2) if homeostatic else (lambda u: 9e-3), delay
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.ptp(found[-1]) > 0.1


def test_under_a_voltage_clamp_it_depresses_between_its_thresholds_and_potentiates_above() -> None:
    """Each spike changes the weight by -a_ltd [V - θ-] + a_ltp [V - θ+] [V - θ-] Σ dt x."""
    v = np.array([[-75.0, -60.0, -47.0, -20.0, 0.0]])
    pre = np.zeros((500, 1), bool)
    pre[:100:10] = True
    with jax.enable_x64(True):
        (found,) = learnt_over_time(
            jsnn.CLOPATH_2010,
            {"w_max": 10.0},
            np.full((1, 5), 2.0),
            pre,
            {"v": v.repeat(500, axis=0)},
            initial={"v": v[0]},
            initial_post={"u_plus": v[0], "u_minus": v[0]},
        )[-1]
    left = np.exp(-1 / 15)
    above = np.maximum(v[0] + 70.6, 0)
    potentiation = 8e-5 * np.maximum(v[0] + 45.3, 0) * above * left / (1 - left) / 15
    np.testing.assert_allclose(found, 2.0 + 10 * (potentiation - 14e-5 * above), rtol=0, atol=1e-11)
    assert list(np.sign(found - 2.0)) == [0, -1, -1, 1, 1]
