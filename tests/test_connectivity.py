import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._pytree import pytree, static
from tests import reference
from tests.networks import F32, random_weights


@pytree
class OneToOne:
    """A connectivity of a user's own: neuron i reaches neuron i."""

    weights: jax.Array
    shift: int = static(default=0)

    @property
    def num_pre(self) -> int:
        return self.weights.shape[0]

    @property
    def num_post(self) -> int:
        return self.weights.shape[0]

    @property
    def dtype(self):
        return self.weights.dtype

    def deliver(self, spikes: jax.Array) -> jax.Array:
        return jnp.roll(spikes * self.weights, self.shift)


def test_dense_knows_its_size_and_dtype() -> None:
    dense = jsnn.Dense(np.zeros((5, 3), F32))
    assert (dense.num_pre, dense.num_post, dense.dtype) == (5, 3, np.float32)


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray, np.asfortranarray])
def test_dense_takes_the_arrays_that_people_have(make) -> None:
    (weights,) = random_weights(0, (5, 3))
    spikes = np.array([1, 0, 1, 1, 0], F32)
    delivered = jsnn.Dense(make(weights)).deliver(spikes)
    np.testing.assert_array_equal(delivered, reference.sequential_sum(spikes, weights))


def test_dense_does_not_follow_later_changes_of_a_numpy_array() -> None:
    weights = np.ones((5, 3), F32)
    dense = jsnn.Dense(weights)
    weights[:] = 7
    np.testing.assert_array_equal(dense.weights, np.ones((5, 3)))


def test_no_spike_delivers_nothing() -> None:
    (weights,) = random_weights(0, (5, 3))
    np.testing.assert_array_equal(jsnn.Dense(weights).deliver(np.zeros(5, F32)), np.zeros(3))


def test_a_connectivity_of_ones_own_takes_part_in_a_network() -> None:
    shifted = OneToOne(jnp.array([1.0, 2.0, 3.0]), shift=1)
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF), jsnn.Population("b", 3, jsnn.IF, {"v_thresh": 50.0})],
        [jsnn.Projection("a", "b", shifted)],
    )
    drive = {"a": np.array([1.0, 0.5, 0.0], F32)}
    state, _ = jsnn.simulate(network, drive, 5)
    # Neuron 0 spikes in every step, neuron 1 in every other; 4 and 2 of them arrive.
    np.testing.assert_array_equal(state.variables["b"]["v"], [0, 4, 4])
    assert isinstance(shifted, jsnn.Connectivity)
