"""Voltage-based STDP in the comparison with NEST, against NEST's algorithm in NumPy."""

import numpy as np

from experiments.parity.voltage import ON_THEIR_AVERAGES, START, Played, learnt

DT, DELAY = 0.5, 2  # ms, and steps of 1 ms in all


def clopath_synapse(voltages: dict[str, np.ndarray], steps: np.ndarray) -> np.ndarray:
    """Return the weight after each presynaptic spike, at which it catches up."""
    v, u_plus, u_minus = (voltages[name] for name in ("v", "u_plus", "u_minus"))
    weight, x, last, found = START, 0.0, -1, []
    for now in steps:
        for at in range(max(last + 1 - DELAY, 0), now + 1 - DELAY):
            up = max(v[at] + 45.3, 0) * max(u_plus[at] + 70.6, 0)
            since = (at + DELAY - last) * DT
            weight = min(weight + 8e-5 * DT * up * x * np.exp(-since / 15), 1.0)
        weight = max(weight - 14e-5 * max(u_minus[now - DELAY] + 70.6, 0), 0.0)
        x = x * np.exp((last - now) * DT / 15) + 1 / 15
        last = now
        found.append(weight)
    return np.array(found)


def test_learning_on_given_averages_is_that_of_nests_synapse():
    random = np.random.default_rng(4)
    voltages = {name: random.uniform(-75, 20, 200) for name in ("v", "u_plus", "u_minus")}
    steps = DELAY + np.flatnonzero(random.random(200 - DELAY) < 0.1)
    assert len(steps) > 10
    expected = clopath_synapse(voltages, steps)
    found = learnt(ON_THEIR_AVERAGES, Played(voltages, steps, expected), DT)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert np.ptp(expected) > 0.05
