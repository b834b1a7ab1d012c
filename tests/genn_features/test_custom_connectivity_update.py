"""Ports of GeNN's tests/features/test_custom_connectivity_update.py: synapses come and go."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.genn_features.patterns import DECODER, F32, decoded, listed
from tests.networks import PROBE

KEEPS_D = jsnn.PlasticityModel(params={}, variables={"d": 0.0}, pre={}, post={})

UPPER = np.triu(np.ones((64, 64), bool))
"""Synapses of each neuron to those of the same and of higher numbers."""


def without(network: jsnn.Network, state: jsnn.State, name: str, remove: Any) -> Any:
    """Return the network and the state without some synapses.

    Args:
      network: the network.
      state: its state.
      name: of the projection.
      remove: a mask of the synapses, in the order of the weights.
    """
    nothing = np.zeros(len(remove), np.int32)
    return jsnn.rewire(
        network, state, name, remove, nothing > 0, nothing, nothing, nothing.astype(F32)
    )


def numbers_of(pre: Any, post: Any) -> np.ndarray:
    return (64 * np.asarray(pre) + np.asarray(post)).astype(F32)


def check_rows(network: jsnn.Network, state: jsnn.State, joined: np.ndarray) -> None:
    """Check which pairs are joined, their weights, and their d."""
    synapses: Any = network.projection("pre_to_post").connectivity
    exists = np.asarray(synapses.exists)
    pre, post = (np.asarray(side)[exists] for side in (synapses.pre, synapses.post))
    matrix = np.zeros((64, 64), int)
    np.add.at(matrix, (pre, post), 1)
    np.testing.assert_array_equal(matrix, joined)
    plasticity = state.projections["pre_to_post"].plasticity
    assert plasticity is not None
    of_synapses = {name: np.asarray(x)[exists] for name, x in plasticity.synapses.items()}
    np.testing.assert_array_equal(of_synapses["weight"], numbers_of(pre, post))
    np.testing.assert_array_equal(of_synapses["d"], numbers_of(post, pre))


def test_synapses_on_the_diagonal_are_removed_and_added() -> None:
    """GeNN: test_custom_connectivity_update.py, test_custom_connectivity_update.

    Each weight is 64 pre + post, each variable d of a synapse 64 post + pre.
    """
    pre, post = np.nonzero(UPPER)
    synapses = jsnn.Sparse(pre, post, numbers_of(pre, post), 64, 64, capacity=len(pre))
    rule = jsnn.Plasticity(KEEPS_D, initial={"d": numbers_of(post, pre)})
    network = jsnn.Network(
        [jsnn.Population("pre", 64, jsnn.SPIKE_SOURCE), jsnn.Population("post", 64, PROBE)],
        [jsnn.Projection("pre", "post", synapses, plasticity=rule)],
    )
    state = jsnn.init(network)
    check_rows(network, state, UPPER)
    network, state = without(network, state, "pre_to_post", pre == post)
    check_rows(network, state, np.triu(UPPER, 1))
    empty = pre == post  # the places of the synapses that have gone
    network, state = jsnn.rewire(
        *(network, state, "pre_to_post", np.zeros_like(empty), empty),
        *(pre, pre, numbers_of(pre, pre)),
        variables={"d": numbers_of(pre, pre)},
    )
    check_rows(network, state, UPPER)


TURNS = jsnn.NeuronModel(
    params={},
    variables={"index": 0},
    update=lambda p, x, current, dt: {"index": (jnp.arange(x["index"].size) + p["step"]) % 64},
    threshold=lambda p, x: -1.0 - x["index"].astype(F32),
)
"""Neurons that each point to another one in every step."""


@pytest.mark.parametrize("side", ["pre", "post"])
def test_variables_of_neurons_choose_the_synapses_that_are_removed(side: str) -> None:
    """GeNN: test_custom_connectivity_update.py, test_custom_connectivity_update_delay.

    A delay of five steps to the synapses changes nothing: an update sees the neurons as they are.
    """
    pre, post = np.nonzero(np.ones((64, 64)))
    synapses = jsnn.Sparse(pre, post, numbers_of(pre, post), 64, 64, capacity=len(pre))
    rule = jsnn.Plasticity(KEEPS_D, initial={"d": numbers_of(post, pre)})
    late: dict[str, Any] = {"delay": 6, "axonal": 5} if side == "pre" else {"back_propagation": 5}
    network = jsnn.Network(
        [jsnn.Population("pre", 64, TURNS), jsnn.Population("post", 64, TURNS)],
        [jsnn.Projection("pre", "post", synapses, plasticity=rule, **late)],
    )
    state, _ = jsnn.simulate(network, {}, 5)
    index = np.asarray(state.populations[side]["index"])
    remove = post == index[pre] if side == "pre" else index[post] == 0
    network, state = without(network, state, "pre_to_post", remove)
    joined = np.ones((64, 64), bool)
    id_ = np.arange(64)
    joined[id_, (id_ + 4) % 64 if side == "pre" else 60] = False
    check_rows(network, state, joined)


def test_synapses_back_follow_those_that_are_removed() -> None:
    """GeNN: test_custom_connectivity_update.py, test_custom_connectivity_update_remap.

    Postsynaptic spikes are decoded by the presynaptic neurons, until the first of these loses its
    synapses: then the last digit is 0.
    """
    synapses = listed(DECODER.T.copy())
    there = jsnn.Projection("pre", "source", synapses.with_capacity(synapses.num_synapses))
    back = jsnn.Projection("source", "pre", jsnn.Shared(there, transposed=True))
    network = jsnn.Network(
        [jsnn.Population("pre", 4, PROBE), jsnn.Population("source", 16, jsnn.SPIKE_SOURCE)],
        [there, back],
    )
    record = {"pre": jsnn.Variable("pre", "current")}
    drive = {"source": jsnn.over_time(np.eye(16, dtype=bool))}
    _, recorded = jsnn.simulate(network, drive, 16, record=record)
    np.testing.assert_array_equal(decoded(recorded["pre"]), np.arange(16))
    of_first = np.asarray(there.connectivity.pre) == 0  # type: ignore[attr-defined]
    network, _ = without(network, jsnn.init(network), "pre_to_source", of_first)
    _, recorded = jsnn.simulate(network, drive, 16, record=record)
    np.testing.assert_array_equal(decoded(recorded["pre"]), np.arange(16) & ~1)
