"""Times in whole steps."""

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn


def test_a_time_becomes_the_nearest_number_of_steps() -> None:
    assert jsnn.steps(1.5, 0.1) == 15
    assert jsnn.steps(0.04, 0.1) == 0
    assert jsnn.steps(0.5, 1) == 0
    assert jsnn.steps(1.5, 1) == 2
    np.testing.assert_array_equal(jsnn.steps([[0.1, 3], [0.26, 7.25]], 0.1), [[1, 30], [3, 72]])


def test_the_dt_may_be_that_of_a_network() -> None:
    dt = jsnn.Network([jsnn.Population("a", 1, jsnn.LIF)], dt=0.1).dt
    assert jsnn.steps(1.5, dt) == 15
    assert jsnn.steps(jnp.float32(3.0), dt) == 30
    np.testing.assert_array_equal(jsnn.steps(np.arange(500) * 0.1, dt), np.arange(500))


@pytest.mark.parametrize("ms", [-0.1, np.nan, np.inf, 1e9])
def test_a_time_that_has_no_number_of_steps_is_refused(ms: float) -> None:
    with pytest.raises(ValueError, match=f"steps, ms: given {ms}; expected times >= 0"):
        jsnn.steps([1.0, ms], 0.1)
