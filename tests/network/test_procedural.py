"""Procedural connectivity is what it would be if it were stored."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import jsnn
from jsnn.network import initializers
from tests import reference
from tests.networks import CHARGE, F32
from tests.statistics import chi_squared_pvalue

PRE, POST = 30, 17


def arithmetic(
    key: jax.Array, pre: jax.Array, num_post: int, dtype: Any
) -> tuple[jax.Array, jax.Array]:
    """Seven synapses, some of them to the same neuron, that are quick to compile."""
    number = jnp.arange(7, dtype=jnp.int32) + 7 * pre
    seed = (jax.random.key_data(key)[0] % 1000).astype(jnp.int32)
    return (5 * number + seed) % num_post, jnp.sin((number + seed).astype(dtype))


def neighbours(
    key: jax.Array, pre: jax.Array, num_post: int, dtype: Any
) -> tuple[jax.Array, jax.Array]:
    """The neurons before and after, where there are such."""
    targets = jnp.array([-1, 1], jnp.int32) + pre
    exist = (targets >= 0) & (targets < num_post)
    return jnp.where(exist, targets, num_post), jnp.array([0.25, 0.5], dtype)


def later(
    key: jax.Array, pre: jax.Array, num_post: int, dtype: Any
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The synapses of `arithmetic` with delays of 1 to 4 steps, and some that do not exist."""
    targets, weights = arithmetic(key, pre, num_post, dtype)
    targets = jnp.where(targets == 3, -1, targets)
    return targets, weights, (3 * jnp.arange(7, dtype=jnp.int32) + pre) % 6


LATER = jsnn.Procedural(jax.random.key(0), PRE, POST, later, max_delay=4)
ARITHMETIC = jsnn.Procedural(jax.random.key(0), PRE, POST, arithmetic)
CLIPPED = jsnn.Procedural.fixed_probability(
    jax.random.key(2), PRE, POST, 0.4, initializers.clipped_normal(0, 1, -1, 2)
)
DRAWN = jsnn.Procedural.fixed_probability(
    *(jax.random.key(3), PRE, POST, 0.2, 1.0), delay=initializers.uniform(1, 8)
)
GAMMA = jsnn.Procedural.fixed_out_degree(jax.random.key(3), 8, 5, 3, initializers.gamma(2, 0.7))


def stored_sums(procedural: jsnn.Procedural, spikes: np.ndarray) -> np.ndarray:
    """[R, pre] -> [R, post], one stored synapse after the other."""
    sparse = procedural.stored()
    sums = np.zeros((len(spikes), procedural.num_post), F32)
    for pre, post, weight in zip(
        *map(np.asarray, (sparse.pre, sparse.post, sparse.weights)), strict=True
    ):
        sums[:, post] += spikes[:, pre] * weight
    return sums


DELIVER = {
    "all": jax.jit(lambda procedural, spikes: procedural.deliver(spikes)),
    "events": jax.jit(lambda procedural, spikes: procedural.deliver_events(spikes)),
}
IN_BATCHES = {way: jax.jit(jax.vmap(deliver, (None, 0))) for way, deliver in DELIVER.items()}


def some_spikes(procedural: jsnn.Procedural) -> np.ndarray:
    return (np.random.default_rng(0).random((70, procedural.num_pre)) < 0.4).astype(F32)


@pytest.mark.parametrize("procedural", [ARITHMETIC, GAMMA], ids=["arithmetic", "gamma"])
def test_sums_are_those_of_the_stored_synapses(procedural: jsnn.Procedural) -> None:
    spikes = some_spikes(procedural)
    expected = stored_sums(procedural, spikes)
    for row in (0, 1):
        np.testing.assert_array_equal(DELIVER["all"](procedural, spikes[row]), expected[row])


def test_events_alone_deliver_the_same_sums() -> None:
    spikes = some_spikes(ARITHMETIC)
    for row in (spikes[0], spikes[1], np.zeros_like(spikes[0])):
        expected = DELIVER["all"](ARITHMETIC, row)
        np.testing.assert_array_equal(DELIVER["events"](ARITHMETIC, row), expected)


@pytest.mark.parametrize(
    ("way", "procedural", "size"),
    [
        ("all", ARITHMETIC, 3),
        ("all", ARITHMETIC, 70),
        ("events", ARITHMETIC, 3),
        ("events", ARITHMETIC, 20),
        ("events", CLIPPED, 70),
    ],
)
def test_no_batch_changes_a_bit(way: str, procedural: jsnn.Procedural, size: int) -> None:
    spikes = some_spikes(procedural)[:size]
    got = IN_BATCHES[way](procedural, spikes)
    np.testing.assert_array_equal(got, stored_sums(procedural, spikes))


def test_all_steps_of_a_run_are_as_step_by_step() -> None:
    trains = np.random.default_rng(2).random((9, PRE)) < 0.3
    got = jax.jit(ARITHMETIC.deliver_over_time, static_argnums=1)(trains, 2)
    expected = stored_sums(ARITHMETIC, np.vstack([np.zeros((2, PRE)), trains[:7]]).astype(F32))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("plain", [True, False])
def test_a_network_gives_the_same_as_with_stored_synapses(plain: bool) -> None:
    trains = np.random.default_rng(3).random((12, PRE)) < 0.3
    charges = []
    for connectivity in (ARITHMETIC, ARITHMETIC.stored()):
        network = jsnn.Network(
            [jsnn.Population("a", PRE, jsnn.SPIKE_SOURCE), jsnn.Population("b", POST, CHARGE)],
            [jsnn.Projection("a", "b", connectivity, delay=2)],
        )
        record = {"q": jsnn.Variable("b", variable="q")}
        charges.append(
            jsnn.simulate(
                network, {"a": jsnn.over_time(trains)}, 12, record=record, scheduled=not plain
            )[1]
        )
    np.testing.assert_array_equal(charges[0]["q"], charges[1]["q"])
    assert charges[0]["q"][-1].any()


def of_synapses(connectivity: Any, synapse: jsnn.SynapseModel = jsnn.DELTA) -> jsnn.Network:
    """A loop of neurons; spikes need weights that arrive in the same step."""
    return jsnn.Network(
        [
            jsnn.Population("a", PRE, jsnn.SPIKE_SOURCE),
            jsnn.Population("b", POST, jsnn.IF, {"v_thresh": 1.5}),
        ],
        [
            jsnn.Projection("a", "b", connectivity, synapse),
            jsnn.Projection("b", "b", jsnn.Dense(np.full((POST, POST), 0.1, F32)), delay=2),
        ],
    )


RECORD = {"v": jsnn.Variable("b"), "spikes": jsnn.Spikes("b"), "sum": jsnn.FinalVariable("b")}
TRAINS = np.random.default_rng(3).random((3, 14, PRE)) < 0.3
run_plain = jax.jit(
    lambda network, trains: jsnn.simulate(
        network, {"a": jsnn.over_time(trains)}, 14, record=RECORD, scheduled=False
    )[1]
)
run_batch = jax.jit(
    jax.vmap(
        lambda network, trains: jsnn.simulate(
            network, {"a": jsnn.over_time(trains)}, 14, record=RECORD
        )[1],
        (None, 0),
    )
)


def test_the_stored_synapses_have_the_delays_of_the_row() -> None:
    stored = LATER.stored()
    keys = jax.vmap(lambda pre: jax.random.fold_in(LATER.key, pre))(np.arange(PRE))
    seeds = np.asarray(jax.random.key_data(keys))[:, 0] % 1000
    expected = [
        (pre, (5 * (7 * pre + i) + seeds[pre]) % POST, (3 * i + pre) % 6)
        for pre, i in itertools.product(range(PRE), range(7))
    ]
    exist = [x for x in expected if x[1] != 3 and 1 <= x[2] <= 4]
    got = np.stack([stored.pre, stored.post, stored.delays], axis=1)
    np.testing.assert_array_equal(got, exist)


@pytest.mark.parametrize(
    ("procedural", "synapse"),
    [(LATER, jsnn.EXPONENTIAL), (DRAWN, jsnn.DELTA)],
    ids=["by a row", "drawn"],
)
def test_delays_are_those_of_the_stored_synapses_on_every_path(
    procedural: jsnn.Procedural, synapse: jsnn.SynapseModel
) -> None:
    network, stored = (of_synapses(c, synapse) for c in (procedural, procedural.stored()))
    assert network.projections[0].delay == procedural.max_delay
    in_a_batch = run_batch(network, TRAINS)
    for i, trains in enumerate(TRAINS):
        expected = run_plain(stored, trains)
        assert expected["spikes"].any()
        for name, x in expected.items():
            np.testing.assert_array_equal(in_a_batch[name][i], x)


def test_a_run_with_delays_can_be_split() -> None:
    network = of_synapses(LATER, jsnn.EXPONENTIAL)
    expected = run_plain(of_synapses(LATER.stored(), jsnn.EXPONENTIAL), TRAINS[0])["v"]
    state = jsnn.init(network)
    for i, part in enumerate((slice(0, 7), slice(7, 14))):
        drive = {"a": jsnn.over_time(TRAINS[0, part])}
        state, recorded = jsnn.simulate(
            network, drive, 7, state=state, record=RECORD, scheduled=False
        )
        np.testing.assert_array_equal(recorded["v"], expected[7 * i : 7 * i + 7])


def test_derivatives_pass_through_delays() -> None:
    def last_voltage(connectivity: Any, current: jax.Array) -> jax.Array:
        network = jsnn.Network(
            [
                jsnn.Population("a", PRE, jsnn.LIF, {"v_thresh": -60.0}),
                jsnn.Population("b", POST, CHARGE),
            ],
            [jsnn.Projection("a", "b", connectivity)],
        )
        return jsnn.simulate(network, {"a": current}, 12)[0].populations["b"]["q"] @ seen

    seen = jnp.sin(jnp.arange(POST, dtype=F32))
    current = np.linspace(0.5, 3, PRE, dtype=F32)
    gradient = jax.jit(jax.grad(last_voltage, 1))(LATER, current)
    expected = jax.jit(jax.grad(last_voltage, 1))(LATER.stored(), current)
    assert np.count_nonzero(expected) > PRE / 2
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


def test_delays_are_drawn_by_an_initializer() -> None:
    given = (jax.random.key(7), 500, 20, 10, initializers.uniform(1, 2))
    make = jsnn.Procedural.fixed_out_degree
    drawn, without = (
        make(*given, delay=initializers.uniform(0.6, 6.4)).stored(),
        make(*given).stored(),
    )
    counts = np.bincount(drawn.delays, minlength=7)[1:]
    p = np.array([0.9, 1, 1, 1, 1, 0.9]) / 5.8
    assert scipy.stats.chisquare(counts, p * drawn.num_synapses).pvalue > 0.001
    assert abs(np.corrcoef(drawn.delays, drawn.weights)[0, 1]) < 4 / np.sqrt(drawn.num_synapses)
    for name in ("pre", "post", "weights"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(without, name))


def test_it_is_event_driven() -> None:
    assert isinstance(ARITHMETIC, jsnn.network.connectivity.EventDriven)


@pytest.mark.parametrize("way", DELIVER)
def test_derivatives_with_respect_to_spikes_silent_ones_too(way: str) -> None:
    spikes = (np.arange(PRE) % 3 == 0).astype(F32)
    seen = jnp.arange(POST, dtype=F32)
    loss = lambda spikes: jnp.vdot(seen, DELIVER[way](ARITHMETIC, spikes))  # noqa: E731
    sparse = ARITHMETIC.stored()
    expected = np.zeros(PRE)
    np.add.at(
        expected, np.asarray(sparse.pre), np.asarray(sparse.weights) * np.asarray(sparse.post)
    )
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(spikes), expected, rtol=1e-4, atol=1e-5)


def test_a_batch_of_keys_is_a_batch_of_networks() -> None:
    keys = jax.random.split(jax.random.key(5), 3)
    with_key = lambda key: jsnn.Procedural(key, PRE, POST, arithmetic)  # noqa: E731
    spikes = np.ones(PRE, F32)
    got = jax.jit(jax.vmap(lambda key: with_key(key).deliver_events(spikes)))(keys)
    expected = [stored_sums(with_key(key), spikes[None])[0] for key in keys]
    np.testing.assert_array_equal(got, expected)
    assert np.any(got[0] != got[1])


def test_a_network_with_a_key_can_be_differentiated() -> None:
    def last_charge(network: jsnn.Network) -> jax.Array:
        state, _ = jsnn.simulate(network, {"a": np.ones(PRE, F32)}, 3)
        return state.populations["c"]["q"].sum()

    network = jsnn.Network(
        [
            jsnn.Population("a", PRE, jsnn.SPIKE_SOURCE),
            jsnn.Population("b", POST, jsnn.IF, {"v_thresh": 2.0}),
            jsnn.Population("c", 2, CHARGE),
        ],
        [
            jsnn.Projection("a", "b", ARITHMETIC, delay=0),
            jsnn.Projection("b", "c", jsnn.Dense(np.ones((POST, 2), F32)), delay=0),
        ],
    )
    record = {"spikes": jsnn.SpikeCount("b")}
    _, recorded = jsnn.simulate(network, {"a": np.ones(PRE, F32)}, 3, record=record)
    assert recorded["spikes"].any()
    gradient = jax.grad(last_charge, allow_int=True)(network)
    by_weight = gradient.projections[1].connectivity.weights
    np.testing.assert_allclose(by_weight[:, 0], recorded["spikes"])


def test_out_degrees_are_exact_and_targets_uniform() -> None:
    procedural = jsnn.Procedural.fixed_out_degree(
        jax.random.key(7), 2000, 13, 10, initializers.normal(2, 0.5)
    )
    sparse = procedural.stored()
    np.testing.assert_array_equal(np.bincount(sparse.pre), 10)
    assert scipy.stats.chisquare(np.bincount(sparse.post, minlength=13)).pvalue > 0.001
    assert scipy.stats.kstest(sparse.weights, scipy.stats.norm(2, 0.5).cdf).pvalue > 0.001
    first, second = np.asarray(sparse.post).reshape(2000, 10)[:, :2].T
    assert scipy.stats.chisquare(np.bincount(first * 13 + second, minlength=169)).pvalue > 0.001


@pytest.mark.parametrize("p", [0.02, 0.7, 1.0])
def test_pairs_are_joined_with_their_probability(p: float) -> None:
    procedural = jsnn.Procedural.fixed_probability(jax.random.key(8), 500, 400, p, 1.0)
    joined = np.zeros((500, 400), int)
    sparse = procedural.stored()
    np.add.at(joined, (np.asarray(sparse.pre), np.asarray(sparse.post)), 1)
    assert joined.max() <= 1
    if p == 1:
        assert np.all(joined)
    else:
        assert chi_squared_pvalue(joined.sum(axis=0), scipy.stats.binom(500, p)) > 0.001
        assert chi_squared_pvalue(joined.sum(axis=1), scipy.stats.binom(400, p)) > 0.001


def test_a_row_of_ones_own() -> None:
    ring = jsnn.Procedural(jax.random.key(0), 4, 4, neighbours)
    matrix = (np.eye(4, k=1) * 0.5 + np.eye(4, k=-1) * 0.25).astype(F32)
    spikes = np.array([1, 1, 0, 1], F32)
    expected = reference.sequential_sum(spikes, matrix)
    np.testing.assert_array_equal(ring.deliver(spikes), expected)
    np.testing.assert_array_equal(ring.deliver_events(spikes), expected)
    assert ring.stored().num_synapses == 6


@pytest.mark.parametrize("nowhere", [-5, -1, 4, 9])
def test_targets_outside_are_no_synapses(nowhere: int) -> None:
    def second(key: Any, pre: Any, num_post: int, dtype: Any) -> Any:
        return jnp.array([nowhere, 2, nowhere], jnp.int32), jnp.arange(3, dtype=dtype)

    procedural = jsnn.Procedural(jax.random.key(0), 3, 4, second)
    expected = np.array([0, 0, 2, 0], F32)
    stored = procedural.stored()
    np.testing.assert_array_equal(stored.post, [2, 2, 2])
    for connectivity in (procedural, stored):
        np.testing.assert_array_equal(connectivity.deliver(np.array([1, 0, 1], F32)), expected)
