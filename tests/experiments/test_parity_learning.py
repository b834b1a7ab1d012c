"""NEST's rule of pair STDP in the comparison of learning, against NEST's algorithm in NumPy."""

import numpy as np
import pytest

from experiments.balanced.network import DT
from experiments.parity.learning import NEST_STDP, NUM_POST, NUM_PRE, RULE, W_MAX, Start, learn


def clipped(weight):
    return min(max(weight, 0.0), W_MAX)


def stdp_synapse(weight, pre, post, delay):
    """Return the weight after presynaptic spikes, at each of which it catches up (all in ms)."""
    trace, last = 0.0, -np.inf
    for now in pre:
        for at in post + delay:
            if last + DT / 2 < at < now + DT / 2:
                since = np.exp((last - at) / RULE["tau_plus"])
                weight = clipped(weight + RULE["a_plus"] * trace * since)
        before = post + delay < now - DT / 2
        of_post = np.exp((post + delay - now)[before] / RULE["tau_minus"]).sum()
        weight = clipped(weight - RULE["a_minus"] * of_post)
        trace = trace * np.exp((last - now) / RULE["tau_plus"]) + 1
        last = now
    return weight


def test_learning_by_nests_rule_is_that_of_its_synapse():
    delay = 3
    random = np.random.default_rng(2)
    trains = random.random((600, NUM_PRE)) < 0.01
    trains[-1] = True
    weights = random.choice([0.0, W_MAX / 2, W_MAX], (NUM_PRE, NUM_POST))
    found = learn(Start(trains, weights), NEST_STDP, delay + 1, axonal=0, back_propagation=delay)
    assert len(found.run.steps) > 50
    met = 0
    for j in range(NUM_POST):
        post = found.run.steps[found.run.neurons == j]
        for i in range(NUM_PRE):
            pre = np.flatnonzero(trains[:, i])
            met += len(np.intersect1d(pre, post + delay))
            expected = stdp_synapse(weights[i, j], pre * DT, post * DT, delay * DT)
            assert found.weights[i, j] == pytest.approx(expected, abs=1e-12 * W_MAX)
    assert met > 50  # pairs within one step
