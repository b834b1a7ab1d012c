"""Connectivities say the same in different ways: they deliver the same, bit for bit."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

import jsnn
from jsnn._pytree import pytree, replace, static
from tests import reference
from tests.networks import F32, FORCE, FORCED, PROBE, random_weights


@pytree
class Shifted:
    """A connectivity of a user's own: neuron i reaches neuron i + shift."""

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
    shifted = Shifted(jnp.array([1.0, 2.0, 3.0]), shift=1)
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF), jsnn.Population("b", 3, jsnn.IF, {"v_thresh": 50.0})],
        [jsnn.Projection("a", "b", shifted)],
    )
    drive = {"a": np.array([1.0, 0.5, 0.0], F32)}
    state, _ = jsnn.simulate(network, drive, 5)
    # Neuron 0 spikes in every step, neuron 1 in every other; 4 and 2 of them arrive.
    np.testing.assert_array_equal(state.populations["b"]["v"], [0, 4, 4])
    assert isinstance(shifted, jsnn.Connectivity)


# Neuron i says i + 1 in binary.
BITS = ((np.arange(1, 17)[:, None] >> np.arange(4)) & 1).astype(F32)


def bits(key: jax.Array, pre: jax.Array, num_post: int, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """The row of a procedural connectivity that stands for BITS."""
    places = jnp.arange(4, dtype=jnp.int32)
    targets = jnp.where(((pre + 1) >> places) & 1 == 1, places, num_post)
    return targets, jnp.ones(4, dtype)


SPELLING: dict[str, jsnn.Connectivity] = {
    "dense": jsnn.Dense(BITS),
    "sparse": jsnn.from_scipy(scipy.sparse.csr_array(BITS)),
    "procedural": jsnn.Procedural(jax.random.key(0), 16, 4, bits),
    "channels": jsnn.Conv2D(BITS.reshape(1, 1, 16, 4), (1, 1, 16)),
    "pixels": jsnn.Conv2D(BITS.reshape(4, 4, 1, 4), (4, 4, 1)),
}


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("delay", [0, 1, 7])
def test_the_inputs_spell_the_step_whatever_the_connectivity(delay: int, plain: bool) -> None:
    """GeNN's decoder test: neuron i spikes in step i alone."""
    network = jsnn.Network(
        [jsnn.Population("in", 16, jsnn.SPIKE_SOURCE)]
        + [jsnn.Population(name, 4, PROBE) for name in SPELLING],
        [jsnn.Projection("in", name, c, delay=delay) for name, c in SPELLING.items()],
    )
    trains = np.eye(24, 16, dtype=bool)
    record = {name: jsnn.Variable(name, variable="current") for name in SPELLING}
    _, recorded = jsnn.simulate(
        network, {"in": jsnn.over_time(trains)}, 24, record=record, scheduled=not plain
    )
    spoken = np.concatenate([np.zeros((delay, 4)), BITS, np.zeros((8, 4))])[:24]
    for name in SPELLING:
        np.testing.assert_array_equal(recorded[name], spoken, err_msg=name)


def diagonal(weights: np.ndarray) -> tuple[jsnn.OneToOne, np.ndarray]:
    return jsnn.OneToOne(weights), np.diag(weights)


def one_weight(weight: np.ndarray) -> tuple[jsnn.AllToAll, np.ndarray]:
    return jsnn.AllToAll(weight, 90, 7), np.full((90, 7), weight)


SHORT_FORMS = {
    "one to one": (diagonal, np.linspace(-1, 2, 30, dtype=F32)),
    "all to all": (one_weight, np.array(0.1, F32)),
}

deliver = jax.jit(lambda connectivity, spikes: connectivity.deliver(spikes))


@pytest.mark.parametrize("name", SHORT_FORMS)
def test_a_short_form_delivers_what_its_matrix_does_in_any_batch(name: str) -> None:
    make, weights = SHORT_FORMS[name]
    connectivity, matrix = make(weights)
    assert (connectivity.num_pre, connectivity.num_post) == matrix.shape
    assert connectivity.dtype == F32
    spikes = (np.random.default_rng(0).random((70, len(matrix))) < 0.6).astype(F32)
    expected = np.array([reference.sequential_sum(row, matrix) for row in spikes])
    np.testing.assert_array_equal(deliver(connectivity, spikes[0]), expected[0])
    for size in (3, 20, 70):
        got = jax.vmap(deliver, (None, 0))(connectivity, spikes[:size])
        np.testing.assert_array_equal(got, expected[:size])


@pytest.mark.parametrize("name", SHORT_FORMS)
def test_short_forms_of_many_weights(name: str) -> None:
    make, weights = SHORT_FORMS[name]
    many = np.stack([weights, 3 * weights, -weights])
    spikes = np.ones(make(weights)[0].num_pre, F32)
    connectivity = jax.vmap(lambda w: jax.tree.map(lambda leaf: w, make(weights)[0]))(many)
    got = jax.vmap(deliver, (0, None))(connectivity, spikes)
    expected = [reference.sequential_sum(spikes, make(w)[1]) for w in many]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", SHORT_FORMS)
def test_derivatives_of_short_forms(name: str) -> None:
    make, weights = SHORT_FORMS[name]
    connectivity, matrix = make(weights)
    spikes = (np.arange(len(matrix)) % 3 == 0).astype(F32)
    seen = np.arange(matrix.shape[1], dtype=F32)
    loss = lambda c, s: jnp.vdot(seen, deliver(c, s))  # noqa: E731
    by_weights, by_spikes = jax.grad(loss, argnums=(0, 1))(connectivity, spikes)
    np.testing.assert_allclose(by_spikes, matrix @ seen, rtol=1e-5)
    every_weight = spikes[:, None] * seen
    expected = np.diag(every_weight) if weights.ndim else every_weight.sum()
    np.testing.assert_allclose(jax.tree.leaves(by_weights)[0], expected, rtol=1e-5)


def learning(
    connectivity: Any, model: jsnn.PlasticityModel, post: jsnn.NeuronModel
) -> jsnn.Network:
    size = connectivity.num_pre
    plasticity = jsnn.Plasticity(model, {"w_min": -1.0, "w_max": 9.0})
    return jsnn.Network(
        [jsnn.Population("a", size, jsnn.SPIKE_SOURCE), jsnn.Population("b", size, post)],
        [jsnn.Projection("a", "b", connectivity, plasticity=plasticity)],
    )


def learnt(network: jsnn.Network, weights: Any, drive: dict[str, Any]) -> tuple[Any, Any]:
    """The spikes of "b" and the weights after 60 steps that start from `weights`."""
    network = network.with_params({"a_to_b": {"weights": weights}})
    state, recorded = jsnn.simulate(network, drive, 60, record={"b": jsnn.Spikes("b")})
    return recorded["b"], state.projections["a_to_b"].plasticity.synapses["weight"]


TRAINS = np.random.default_rng(0).random((2, 60, 5)) < 0.3


def test_one_to_one_learns_what_a_list_of_the_same_synapses_learns() -> None:
    """Spikes and weights, alone and in a batch, and the derivative of the weights."""
    weights = np.linspace(0.4, 4, 5, dtype=F32)
    drive = {"a": jsnn.over_time(TRAINS[0]), "b": jsnn.over_time(TRAINS[1].astype(F32) / 2)}
    forms = (jsnn.OneToOne(weights), jsnn.Sparse(range(5), range(5), weights, 5, 5))
    many = jnp.stack([weights, weights[::-1], 2 * weights])
    results = []
    for connectivity in forms:
        network = learning(connectivity, jsnn.STDP, jsnn.IF)
        run = jax.jit(lambda w, network=network: learnt(network, w, drive))
        slope = jax.jit(jax.grad(lambda w, run=run: jnp.sum(run(w)[1] ** 2)))
        spikes, after = run(weights)
        assert spikes.any()
        assert np.all(np.asarray(after) != weights)
        of_many = jax.vmap(run)(many)
        np.testing.assert_array_equal(of_many[0][0], spikes)
        np.testing.assert_array_equal(of_many[1][0], after)
        results.append((spikes, after, *of_many, slope(weights)))
    jax.tree.map(np.testing.assert_array_equal, *results)


@pytest.mark.parametrize("rule", [jsnn.STDP, jsnn.TRIPLET_STDP], ids=lambda r: r.name)
def test_one_to_one_learns_the_diagonal_of_a_matrix(rule: jsnn.PlasticityModel) -> None:
    """Both sides spike as they are told, so that other synapses make no difference."""
    weights = np.linspace(0.4, 4, 5, dtype=F32)
    drive = {
        "a": jsnn.over_time(TRAINS[0]),
        "b": jsnn.over_time((TRAINS[1] * 2 * FORCE).astype(F32)),
    }
    of_pairs, of_matrix = (
        learnt(learning(c, rule, FORCED), c.weights, drive)[1]
        for c in (jsnn.OneToOne(weights), jsnn.Dense(np.tile(weights, (5, 1))))
    )
    np.testing.assert_allclose(of_pairs, np.diag(of_matrix), rtol=1e-6)


@pytest.mark.parametrize(
    "connectivity",
    [
        jsnn.AllToAll(F32(1), 4, 4),
        jsnn.Conv2D(np.ones((1, 1, 1, 1), F32), (2, 2, 1)),
        jsnn.AveragePool2D((2, 2, 1), (1, 1)),
        jsnn.Chain([jsnn.AveragePool2D((4, 4, 1), (2, 2))]),
        jsnn.Procedural.fixed_out_degree(jax.random.key(0), 4, 4, 2, 1.0),
    ],
    ids=lambda c: type(c).__name__,
)
def test_what_does_not_store_a_weight_for_each_synapse_cannot_learn(connectivity: Any) -> None:
    stored = sum(np.size(x) for x in jax.tree.leaves(connectivity) if np.ndim(x))
    assert stored < connectivity.num_pre
    message = rf"{type(connectivity).__name__}, which does not store a weight for each synapse"
    with pytest.raises(TypeError, match=message):
        learning(connectivity, jsnn.STDP, jsnn.IF)


DELAYS = np.array([[2, 3, 2], [4, 2, 2], [3, 4, 4]])
CHANGES: dict[str, Callable[[jsnn.Dense], dict[str, Any]]] = {
    "delays above the longest": lambda dense: {"delays": dense.delays * 2},
    "delays of 0": lambda dense: {"delays": dense.delays * 0},
    "delays that are no integers": lambda dense: {"delays": dense.delays.astype(F32)},
    "axonal parts as long as the delays": lambda dense: {"axonal": dense.axonal * 4},
    "axonal parts of others": lambda dense: {"axonal": dense.axonal[::-1]},
    "the order of others": lambda dense: {"order": dense.order[::-1]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_delays_of_a_matrix_that_were_changed_are_named(change: str) -> None:
    dense = jsnn.Dense(np.ones((3, 3), F32), delays=DELAYS, axonal=DELAYS // 2 - 1)
    dense.check_indices("here")
    with pytest.raises(ValueError, match=r"here: Dense, (delays|axonal): given .*with_params"):
        replace(dense, **CHANGES[change](dense)).check_indices("here")
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF)],
        [jsnn.Projection("a", "a", jsnn.Dense(dense.weights, delays=DELAYS))],
    )
    with pytest.raises(ValueError, match=r"'a_to_a'\.connectivity: Dense, delays: given up to 8"):
        jsnn.simulate(jax.tree.map(lambda x: x * 2, network), {}, 3)
