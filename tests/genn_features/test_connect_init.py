"""Port of GeNN's tests/features/test_connect_init.py: connectivity with fixed numbers."""

import jax
import numpy as np
import scipy.stats

import jsnn

SIGNIFICANCE = 0.002
"""GeNN's, for which a right algorithm fails seldom; keys are fixed here, so it never does."""


def test_connectivity_with_fixed_numbers_of_synapses() -> None:
    """GeNN: test_connect_init.py, test_connect_init: counts, and chi squared tests of the rest."""
    keys = jax.random.split(jax.random.key(0), 3)
    total = jsnn.fixed_total(keys[0], 100, 100, 1000, 1.0, replace=True)
    out = jsnn.fixed_out_degree(keys[1], 100, 100, 10, 1.0, replace=True)
    into = jsnn.fixed_in_degree(keys[2], 100, 100, 10, 1.0, replace=True)
    assert len(np.asarray(total.pre)) == 1000
    np.testing.assert_array_equal(np.bincount(out.pre), np.full(100, 10))
    np.testing.assert_array_equal(np.bincount(into.post), np.full(100, 10))
    for drawn in (out.post, into.pre, total.pre, total.post):
        counts = np.bincount(drawn, minlength=100)
        assert scipy.stats.chisquare(counts).pvalue > SIGNIFICANCE
