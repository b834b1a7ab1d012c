"""Ports of GeNN's tests/features/test_sparse.py: weights of sparse synapses and their order."""

from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import F32
from tests.networks import PROBE


def of_pair(synapses: Any) -> np.ndarray:
    """Return a weight that tells the pairs of neurons apart."""
    return ((1 + np.asarray(synapses.pre)) / (1 + np.asarray(synapses.post))).astype(F32)


def drawn(way: str) -> jsnn.Sparse:
    """Return 20 synapses among ten neurons each, with the weights of their pairs."""
    if way == "on the host":
        random = np.random.default_rng(0)
        pre, post = random.integers(0, 10, (2, 20))
        return jsnn.Sparse(pre, post, ((1 + pre) / (1 + post)).astype(F32), 10, 10)
    total = jsnn.fixed_total(jax.random.key(0), 10, 10, 20, 1.0, replace=True)
    return total.with_weights(of_pair(total))


def network_of(synapses: jsnn.Sparse) -> jsnn.Network:
    return jsnn.Network(
        [jsnn.Population("pre", 10, jsnn.SPIKE_SOURCE), jsnn.Population("post", 10, PROBE)],
        [jsnn.Projection("pre", "post", synapses)],
    )


def matrix_of(synapses: Any) -> np.ndarray:
    matrix = np.zeros((10, 10), F32)
    np.add.at(matrix, (np.asarray(synapses.pre), np.asarray(synapses.post)), synapses.weights)
    return matrix


WAYS = ["on the host", "by a builder"]


@pytest.mark.parametrize("way", WAYS)
def test_weights_are_doubled_and_restored(way: str) -> None:
    """GeNN: test_sparse.py, test_host_sparsity and test_device_sparsity."""
    synapses = drawn(way)
    network, base = network_of(synapses), of_pair(synapses)
    for _ in range(2):
        network = network.with_params({"pre_to_post": {"weights": base}})
        weights = network.projection("pre_to_post").connectivity.weights
        doubled = network.with_params({"pre_to_post": {"weights": 2 * weights}})
        connectivity = doubled.projection("pre_to_post").connectivity
        np.testing.assert_array_equal(connectivity.weights, 2 * base)
        np.testing.assert_allclose(matrix_of(connectivity), 2 * matrix_of(synapses), rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_the_first_synapse_of_each_neuron_is_removed(way: str) -> None:
    """GeNN: test_sparse.py, test_host_sparsity_ccu and test_device_sparsity_ccu."""
    synapses = drawn(way)
    network = network_of(synapses.with_capacity(20))
    neurons, first = np.unique(synapses.pre, return_index=True)
    remove, nothing = np.isin(np.arange(20), first), np.zeros(20, np.int32)
    rewired, _ = jsnn.rewire(
        *(network, jsnn.init(network), "pre_to_post"),
        *(remove, nothing > 0, nothing, nothing, nothing.astype(F32)),
    )
    left: Any = rewired.projection("pre_to_post").connectivity
    assert left.num_synapses == 20 - len(neurons)
    exists = np.asarray(left.exists)
    np.testing.assert_array_equal(left.weights[exists], of_pair(left)[exists])
    left = jsnn.Sparse(left.pre[exists], left.post[exists], left.weights[exists], 10, 10)
    expected = matrix_of(synapses)
    np.subtract.at(expected, (neurons, synapses.post[first]), synapses.weights[first])
    np.testing.assert_allclose(matrix_of(left), expected, rtol=1e-6, atol=1e-6)
