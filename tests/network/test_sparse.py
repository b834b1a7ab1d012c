"""Sparse connectivity: the same sums as the matrix it stands for, whichever way they are made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._kernels import native
from jsnn._kernels.delivery import List, Route, deliver
from jsnn._pytree import replace
from jsnn.network.connectivity import Sparse

F32 = np.float32


def random_synapses(seed: int, num_pre: int, num_post: int, number: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    return (
        random.integers(num_pre, size=number),
        random.integers(num_post, size=number),
        random.normal(size=number).astype(F32),
    )


def in_order(pre, post, weights, spikes, num_post) -> np.ndarray:
    """By the book: float32 sums over the presynaptic neurons in their order."""
    sums = np.zeros(num_post, F32)
    for synapse in np.argsort(pre, kind="stable"):
        if spikes[pre[synapse]]:
            sums[post[synapse]] += weights[synapse]
    return sums


@pytest.fixture(params=["kernel", "rounds"])
def way(request, monkeypatch) -> str:
    if request.param == "kernel" and not native.available():
        pytest.skip("no C++ compiler")
    if request.param == "rounds":
        monkeypatch.setattr(native, "available", lambda: False)
    return request.param


@pytest.mark.parametrize("density", [0.0, 0.05, 1.0])
def test_sums_are_those_of_a_loop_over_the_synapses(way: str, density: float) -> None:
    pre, post, weights = random_synapses(0, 70, 30, 2000)
    sparse = Sparse(pre, post, weights, 70, 30)
    spikes = (np.random.default_rng(1).random(70) < density).astype(F32)
    expected = in_order(pre, post, weights, spikes, 30)
    np.testing.assert_array_equal(sparse.deliver(jnp.asarray(spikes)), expected)
    np.testing.assert_array_equal(sparse.deliver_events(jnp.asarray(spikes)), expected)


def test_rows_of_a_batch_are_those_of_single_calls(way: str) -> None:
    """Batched over spikes, over weights, over both, and twice."""
    pre, post, weights = random_synapses(2, 40, 20, 300)
    random = np.random.default_rng(3)
    spikes = jnp.asarray((random.random((5, 3, 40)) < 0.1).astype(F32))
    many = jnp.asarray(random.normal(size=(5, 300)).astype(F32))
    sparse = Sparse(pre, post, weights, 40, 20)

    @jax.jit
    def events(w: jax.Array, s: jax.Array) -> jax.Array:
        return sparse.with_weights(w).deliver_events(s)

    over_both = jax.vmap(jax.vmap(events, (None, 0)))(many, spikes)
    over_spikes = jax.vmap(jax.vmap(events, (None, 0)), (None, 0))(sparse.weights, spikes)
    over_weights = jax.vmap(events, (0, None))(many, spikes[0, 0])
    for i in range(5):
        np.testing.assert_array_equal(over_weights[i], events(many[i], spikes[0, 0]))
        for j in range(3):
            np.testing.assert_array_equal(over_both[i, j], events(many[i], spikes[i, j]))
            expected = events(sparse.weights, spikes[i, j])
            np.testing.assert_array_equal(over_spikes[i, j], expected)


def test_networks_with_synapses_of_their_own_run_as_a_batch(way: str) -> None:
    networks = [Sparse(*random_synapses(seed, 40, 20, 300), 40, 20) for seed in range(4)]
    spikes = jnp.asarray((np.random.default_rng(5).random(40) < 0.2).astype(F32))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks)
    together = jax.vmap(lambda sparse: sparse.deliver_events(spikes))(stacked)
    for row, sparse in zip(together, networks, strict=True):
        np.testing.assert_array_equal(row, sparse.deliver(spikes))


def test_gradients_are_those_of_the_matrix(way: str) -> None:
    pre, post, weights = random_synapses(4, 12, 7, 40)
    sparse = Sparse(pre, post, weights, 12, 7)
    spikes = jnp.asarray((np.random.default_rng(6).random(12) < 0.5).astype(F32))
    matrix = np.zeros((12, 7), F32)
    np.add.at(matrix, (pre, post), weights)

    def loss(w: jax.Array, s: jax.Array) -> jax.Array:
        return (sparse.with_weights(w).deliver_events(s) ** 2).sum()

    of_weights, of_spikes = jax.grad(loss, (0, 1))(sparse.weights, spikes)
    slope = 2 * (np.asarray(spikes) @ matrix)
    np.testing.assert_allclose(of_spikes, matrix @ slope, rtol=1e-5, atol=1e-5)
    expected = np.asarray(spikes)[pre] * slope[post]
    np.testing.assert_allclose(of_weights, expected, rtol=1e-5, atol=1e-5)


DELAYS = np.array([1, 7, 3, 3, 2, 5, 1, 4, 6, 7])


@pytest.mark.parametrize("plain", [True, False])
def test_delays_of_each_synapse_make_all_spikes_arrive_at_once(plain: bool) -> None:
    """Neuron i spikes in step 8 - delay i, so that all spikes arrive in step 8."""
    num = len(DELAYS)
    sparse = Sparse(np.arange(num), np.zeros(num, int), np.ones(num, F32), num, 1, DELAYS)
    trains = np.zeros((12, num), bool)
    trains[8 - DELAYS, np.arange(num)] = True
    network = jsnn.Network(
        [jsnn.Population("a", num, jsnn.SPIKE_SOURCE), jsnn.Population("b", 1, jsnn.IF)],
        [jsnn.Projection("a", "b", sparse)],
    )
    network = network.with_params({"b": {"v_thresh": 100.0}})
    record = {"v": jsnn.Variable("b")}
    _, kept = jsnn.simulate(
        network, {"a": jsnn.over_time(trains)}, 12, record=record, scheduled=not plain
    )
    np.testing.assert_array_equal(kept["v"][:, 0], [0] * 8 + [num] * 4)


def test_delays_of_each_synapse_are_those_of_projections_apart() -> None:
    """Synapses of delay d behave as a projection of delay d, in a loop, split and resumed."""
    pre, post, weights = random_synapses(7, 30, 30, 400)
    delays = np.random.default_rng(8).integers(1, 5, 400)
    population = [jsnn.Population("a", 30, jsnn.LIF, initial={"v": -70.0})]
    kick = {"a": np.linspace(0, 3, 30).astype(F32)}
    whole = jsnn.Network(
        population, [jsnn.Projection("a", "a", Sparse(pre, post, weights, 30, 30, delays))]
    )
    apart = jsnn.Network(
        population,
        [
            jsnn.Projection(
                "a",
                "a",
                Sparse(pre[delays == d], post[delays == d], weights[delays == d], 30, 30),
                delay=d,
                name=f"delay {d}",
            )
            for d in range(1, 5)
        ],
    )
    record = {"spikes": jsnn.Spikes("a"), "v": jsnn.Variable("a")}
    _, of_whole = jsnn.simulate(whole, kick, 200, record=record)
    _, of_apart = jsnn.simulate(apart, kick, 200, record=record)
    assert of_whole["spikes"].sum() > 100
    np.testing.assert_allclose(of_whole["v"], of_apart["v"], atol=1e-3)
    state, first = jsnn.simulate(whole, kick, 77, record=record)
    _, second = jsnn.simulate(whole, kick, 123, record=record, state=state)
    resumed = np.concatenate([first["v"], second["v"]])
    np.testing.assert_array_equal(resumed, of_whole["v"])


def test_a_recurrent_network_by_the_book() -> None:
    """Integers as weights, so that sums are exact: the NumPy matrix loop gives the same spikes."""
    random = np.random.default_rng(9)
    matrix = random.integers(-3, 4, (50, 50)) * (random.random((50, 50)) < 0.2)
    pre, post = np.nonzero(matrix)
    sparse = Sparse(pre, post, matrix[pre, post].astype(F32), 50, 50)
    network = jsnn.Network(
        [jsnn.Population("a", 50, jsnn.IF, params={"v_thresh": 5.0})],
        [jsnn.Projection("a", "a", sparse)],
    )
    drive = random.integers(0, 3, 50).astype(F32)
    _, kept = jsnn.simulate(network, {"a": drive}, 60, record={"spikes": jsnn.Spikes("a")})
    v, spiked, expected = np.zeros(50), np.zeros(50), []
    for _ in range(60):
        v = v + drive + spiked @ matrix
        spiked = (v >= 5).astype(float)
        v = np.where(spiked, 0, v)
        expected.append(spiked > 0)
    assert np.sum(expected) > 300
    np.testing.assert_array_equal(kept["spikes"], expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pre": [0, 5]}, r"pre: given 5 for synapse 1; expected 0 to 2"),
        ({"post": [-1, 0]}, r"post: given -1 for synapse 0; expected 0 to 3"),
        ({"pre": [0]}, r"pre: given shape \(1,\); expected \(2,\), one for each weight"),
        ({"pre": [0.0, 1.0]}, r"pre: given float64; expected integers"),
        ({"delays": [0, 1]}, r"delays: given 0 for synapse 0; expected 1 to"),
        ({"delays": [1]}, r"delays: given shape \(1,\); expected \(2,\)"),
        ({"weights": np.array([1, np.nan], F32)}, r"1 of 2 values are NaN"),
        ({"weights": [1.0, 2.0]}, r"Sparse weights: given list; expected an array of float32"),
        (
            {"pre": [2, 2], "post": [1, 1], "multapses": False},
            r"multapses: given 1 synapses between pairs that are joined already, such as 2 to 1",
        ),
        ({"num_pre": 0}, r"num_pre: given 0; expected an integer >= 1"),
    ],
)
def test_bad_synapses_are_named(changes: dict, message: str) -> None:
    good = {"pre": [0, 2], "post": [3, 1], "weights": np.ones(2, F32), "num_pre": 3, "num_post": 4}
    with pytest.raises((ValueError, TypeError), match=message):
        Sparse(**(good | changes))


def network_of(sparse: Sparse) -> jsnn.Network:
    return jsnn.Network(
        [jsnn.Population("a", sparse.num_pre, jsnn.IF)], [jsnn.Projection("a", "a", sparse)]
    )


CHANGES = {
    "doubled": lambda x: x * 2,
    "moved": lambda x: x + 1,
    "negative": lambda x: -x,
    "zeros": lambda x: x * 0,
    "reversed": lambda x: x[::-1] if x.ndim else x,
    "as floats": lambda x: x.astype(F32),
    "as small integers": lambda x: x.astype(np.int8) if x.dtype == np.int32 else x,
    "shortened": lambda x: x[:2] if x.ndim else x,
}
ORDERS = {
    "sorted": ([0, 0, 1, 2], None, None),
    "sorted, delays": ([0, 0, 1, 2], [1, 3, 2, 2], None),
    "unsorted": ([2, 0, 1, 0], None, None),
    "unsorted, delays": ([2, 0, 1, 0], [1, 3, 2, 2], None),
    "capacity": ([0, 0, 1, 2], None, 6),
    "capacity, unsorted, delays": ([2, 0, 1, 0], [1, 3, 2, 2], 6),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("order", ORDERS)
def test_indices_that_were_changed_by_a_map_are_named(order: str, change: str) -> None:
    pre, delays, capacity = ORDERS[order]
    network = network_of(
        Sparse(pre, [1, 2, 2, 0], np.ones(4, F32), 3, 3, delays, capacity=capacity)
    )
    changed = jax.tree.map(CHANGES[change], network)
    for act in (lambda: jsnn.simulate(changed, {}, 3), lambda: jsnn.step(changed, STATE, {})):
        with pytest.raises(ValueError, match=r"'a_to_a'\.connectivity: Sparse, .*with_params"):
            act()


STATE = jsnn.init(network_of(Sparse([0], [0], np.ones(1, F32), 3, 3)))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("field", ["order", "starts", "slots"])
def test_an_order_that_no_synapses_have_is_named(order: str, field: str) -> None:
    """Two different numbers of it change places, or one is another."""
    pre, delays, capacity = ORDERS[order]
    sparse = Sparse(pre, [1, 2, 2, 0], np.ones(4, F32), 3, 3, delays, capacity=capacity)
    values = getattr(sparse, field)
    if values is None:
        return
    good = np.asarray(values)
    swaps = [good[[1, 0, *range(2, good.size)]], good[[*range(good.size - 2), -1, -2]]]
    wrong = [*swaps, np.append(good[:-1], good[0]), good + 1, good - 1]
    if field == "slots":  # slots in another order are those of other synapses
        wrong = [good + 3 * max(sparse.max_delay, 1), good - 3 * max(sparse.max_delay, 1)]
    for bad in wrong:
        if np.array_equal(bad, good) or (field == "order" and still_ascends(bad, sparse.starts)):
            continue
        with pytest.raises(ValueError, match=f"Sparse, {field}|Sparse, pre"):
            replace(sparse, **{field: jnp.asarray(bad)}).check_indices("here")
    replace(sparse, **{field: jnp.asarray(good)}).check_indices("here")


def still_ascends(order: np.ndarray, starts: np.ndarray) -> bool:
    """Return True if `order` lists each synapse once, those of a neuron in order."""
    rows = np.split(order, np.asarray(starts)[1:-1])
    is_permutation = np.array_equal(np.sort(order), np.arange(len(order)))
    return is_permutation and all(np.all(np.diff(row) > 0) for row in rows)


def delayed_sums(sparse: Sparse, spikes: jax.Array, *, event_driven: bool) -> jax.Array:
    """Return what the spikes of one step send, [max_delay, post]; row d - 1 arrives in d steps."""
    depth, size = sparse.max_delay, sparse.num_post
    route = Route((List(0, 0, sparse.num_pre, 0, 1, depth),), ((0, 0),), (size,))
    operands = ((spikes,), (sparse.synapses(),), (jnp.zeros((depth, size)),))
    (ring,), _ = deliver(route, jnp.int32(-1), *operands, event_driven=event_driven)
    return ring


OUTSIDE = [(0, 4), (1, 100_000_000), (2, -1), (3, -4), (1, 2**31 - 1), (3, -(2**31))]


@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("is_delayed", [False, True])
def test_a_synapse_with_a_traced_index_outside_delivers_nothing(
    way: str, side: str, is_delayed: bool
) -> None:
    pre, post, weights = [3, 0, 1, 2, 3, 0], [1, 2, 2, 0, 3, 1], np.arange(1, 7).astype(F32)
    delays = np.array([1, 3, 2, 2, 1, 1]) if is_delayed else None

    @jax.jit
    def sums(pre: jax.Array, post: jax.Array) -> list[jax.Array]:
        sparse = Sparse(pre, post, weights, 4, 4, delays)
        spikes = jnp.ones(4, jnp.float32)
        if is_delayed:
            return [delayed_sums(sparse, spikes, event_driven=e) for e in (False, True)]
        return [sparse.deliver(spikes), sparse.deliver_events(spikes)]

    for synapse, index in OUTSIDE:
        given = {"pre": np.array(pre, np.int32), "post": np.array(post, np.int32)}
        others = np.delete(np.arange(6), synapse)
        without = Sparse(
            *(given[name][others] for name in ("pre", "post")),
            *(weights[others], 4, 4, None if delays is None else delays[others]),
        )
        given[side][synapse] = index
        spikes = jnp.ones(4, jnp.float32)
        expected = np.zeros((3, 4) if is_delayed else 4, F32)
        if is_delayed:
            kept = delayed_sums(without, spikes, event_driven=False)
            expected[: len(kept)] = kept
        else:
            expected[:] = without.deliver(spikes)
        for got in sums(**given):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("side", ["pre", "post"])
def test_rewiring_to_a_traced_index_outside_is_safe_and_is_found(way: str, side: str) -> None:
    network = network_of(Sparse([0, 0, 1, 2], [1, 2, 2, 0], np.ones(4, F32), 3, 3, capacity=6))
    state = jsnn.init(network)
    new = {"pre": jnp.array([1, 9, 9, 2, 9, 9]), "post": jnp.array([0, 9, 9, 1, 9, 9])}
    new[side] = new[side].at[0].set(100_000_000)
    weights = jnp.ones(6)

    @jax.jit
    def rewired(mask: jax.Array, pre: jax.Array, post: jax.Array):
        changed, _ = jsnn.rewire(network, state, "a_to_a", mask, mask, pre, post, weights)
        sparse = changed.projection("a_to_a").connectivity
        spikes = jnp.ones(3, jnp.float32)
        return changed, sparse.deliver(spikes), sparse.deliver_events(spikes)

    changed, *sums = rewired(jnp.array([1, 0, 0, 1, 0, 0], bool), **new)
    for got in sums:  # 0 to 2, 1 to 2, 2 to 1
        np.testing.assert_array_equal(got, [0, 1, 2])
    with pytest.raises(
        ValueError,
        match=r"(1 indices outside 0 to 2|given 3 for synapse .) .*while they were traced",
    ):
        jsnn.simulate(changed, {}, 3)


def test_a_projection_without_synapses_works_in_a_batch() -> None:
    empty = np.zeros(0, int)
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF), jsnn.Population("b", 2, jsnn.IF)],
        [jsnn.Projection("a", "b", jsnn.Sparse(empty, empty, np.zeros(0, F32), 3, 2))],
    )
    drives = np.full((4, 3), 0.5, F32)

    def final_v(weights: jax.Array, drive: jax.Array) -> jax.Array:
        changed = network.with_params({"a_to_b": {"weights": weights}})
        return jsnn.simulate(changed, {"a": drive, "b": 0.25}, 3)[0].populations["b"]["v"]

    v = jax.vmap(final_v)(np.zeros((4, 0), F32), drives)
    np.testing.assert_array_equal(v, np.full((4, 2), 0.75, F32))
