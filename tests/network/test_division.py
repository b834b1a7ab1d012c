"""A network divided over devices gives the bits of the whole one, and exchanges spikes alone."""

import re
from hashlib import sha256
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from jsnn._pytree import replace
from jsnn.network.division import _filled_up
from jsnn.network.network import check_numbers
from tests.devices import in_two_processes, on_devices
from tests.networks import F32

SIZES = {"a": 23, "b": 9, "c": 2}
"""Sizes that 4 does not divide; with 4 devices, two have no neuron of "c"."""


def sparse(random: np.random.Generator, pre: str, post: str, longest: int) -> jsnn.Sparse:
    """Return synapses in any order, with delays of their own."""
    sides = np.nonzero(random.random((SIZES[pre], SIZES[post])) < 0.5)
    order = random.permutation(len(sides[0]))
    i, j = (side[order] for side in sides)
    weights = random.uniform(0, 8, len(i)).astype(F32)
    delays = random.integers(2, longest + 1, len(i))
    return jsnn.Sparse(i, j, weights, SIZES[pre], SIZES[post], delays)


def with_empty_places(synapses: jsnn.Sparse) -> jsnn.Sparse:
    """Return synapses with a capacity, of which every third has gone."""
    places = np.arange(synapses.num_synapses + 5)
    nothing = np.zeros(len(places), int)
    return synapses.with_capacity(len(places)).rewired(
        *(places % 3 == 0, places < 0, nothing, nothing, nothing.astype(F32), nothing)
    )


def some_of_everything() -> jsnn.Network:
    """Return a network of lists and matrices, static and learning, driven by noise."""
    random = np.random.default_rng(0)

    def learns(pre: str, post: str, connectivity: Any, **delays: Any) -> jsnn.Projection:
        rule = jsnn.Plasticity(jsnn.STDP, {"w_max": 10.0})
        return jsnn.Projection(
            pre, post, connectivity, plasticity=rule, axonal=1, back_propagation=2, **delays
        )

    def matrix(pre: str, post: str) -> np.ndarray:
        return random.uniform(0, 8, (SIZES[pre], SIZES[post])).astype(F32)

    return jsnn.Network(
        [
            jsnn.Population(name, size, jsnn.LIF, {"tau_m": np.linspace(8, 12, size, dtype=F32)})
            for name, size in SIZES.items()
        ],
        [
            learns("a", "b", with_empty_places(sparse(random, "a", "b", 4))),
            learns("b", "a", jsnn.Dense(matrix("b", "a")), delay=3),
            jsnn.Projection("a", "a", with_empty_places(sparse(random, "a", "a", 3))),
            jsnn.Projection("b", "c", jsnn.Dense(matrix("b", "c")), jsnn.EXPONENTIAL, delay=0),
            jsnn.Projection("c", "a", jsnn.AllToAll(F32(0.1), 2, 23), jsnn.CONDUCTANCE),
        ],
        [jsnn.CurrentSource("noise", "a", jsnn.GAUSSIAN_NOISE, {"mean": 2.0, "sd": 1.0})],
    )


def results() -> list[str]:
    """Return digests of states and recordings on all devices there are, fresh and resumed."""
    network = some_of_everything()
    weights = [p.connectivity.weights for p in network.projections[:2]]
    if len(jax.devices()) > 1:
        network = jsnn.divide(network)
    record = {
        "spikes": jsnn.Spikes("c"),
        "v": jsnn.Variable("a"),
        "events": jsnn.SpikeEvents("b", 500),
    }
    digests, state = [], jsnn.init(network, jax.random.key(1))
    for _ in range(2):
        state, recorded = jsnn.simulate(network, courses(60), 60, record=record, state=state)
        assert all(np.any(x) for x in jax.tree.leaves(recorded))
        arrays = jax.tree.leaves((jsnn.init(network, state.key), state, recorded))
        digests.append(sha256(b"".join(map(bytes_of, arrays))).hexdigest())
    for projection, before in zip(network.projections, weights, strict=False):
        assert np.any(state.projections[projection.name].plasticity.synapses["weight"] != before)
    return digests


def courses(num_steps: int) -> dict[str, Any]:
    """Return inputs and parameters that change from step to step, of every kind of part."""
    random = np.random.default_rng(2)

    def course(low: float, high: float, *shape: int) -> Any:
        return jsnn.over_time(random.uniform(low, high, (num_steps, *shape)).astype(F32))

    return {
        "a": {"v_thresh": course(-52, -50, SIZES["a"])},
        "b": {"current": course(0, 0.5, SIZES["b"]), "tau_m": F32(11)},
        "b_to_c": {"tau": course(2, 5, SIZES["c"])},
        "b_to_a": {"plasticity": {"a_plus": course(0, 0.01)}},
        "noise": {"mean": course(1.5, 2.5, SIZES["a"])},
    }


def bytes_of(leaf: jax.Array) -> bytes:
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes()


def spikes_after_a_move() -> list[float]:
    """Return the spikes of a run that begins on the first two devices and ends on all."""
    network = small_network()
    drive, record = {"a": F32(3)}, {"a": jsnn.SpikeCount("a")}
    on_two, on_all = (jsnn.divide(network, jax.devices()[:k]) for k in (2, 4))
    state, before = jsnn.simulate(on_two, drive, 20, record=record)
    _, after = jsnn.simulate(on_all, drive, 20, record=record, state=state)
    return (np.asarray(before["a"]) + np.asarray(after["a"])).tolist()


def exchanges_of_a_step() -> list[str]:
    """Return the operations between devices in the compiled program of two populations."""
    sides = np.nonzero(np.ones((100, 50)))
    weights = np.ones(5000, F32)
    network = jsnn.divide(
        jsnn.Network(
            [jsnn.Population("a", 100, jsnn.LIF), jsnn.Population("b", 50, jsnn.LIF)],
            [jsnn.Projection("a", "b", jsnn.Sparse(*sides, weights, 100, 50))],
        )
    )

    def run(network: jsnn.Network, state: jsnn.State) -> Any:
        record = {"b": jsnn.SpikeCount("b")}
        return jsnn.simulate(network, {"a": F32(3)}, 100, record=record, state=state)[1]

    program = jax.jit(run).lower(network, jsnn.init(network)).compile().as_text()
    return sorted(set(re.findall(r"= (\S+?)\{\S* (all-\w+|collective-\w+)\(", program)))


@pytest.mark.slow
def test_four_devices_and_two_processes_give_the_bits_of_one_device() -> None:
    digests = results()
    assert on_devices(4, __name__, "results") == [4, digests]
    assert in_two_processes(__name__, "results") == [[2, digests]] * 2


def test_a_step_exchanges_one_bit_for_each_neuron() -> None:
    # Each of 4 devices has 25 and 13 neurons: 38 bits, in two words of 32.
    assert on_devices(4, __name__, "exchanges_of_a_step") == [4, [["u32[4,2]", "all-gather"]]]


def test_processes_compile_one_program_for_parts_with_few_synapses_and_with_many() -> None:
    parts = [
        _filled_up(
            jsnn.Sparse(np.zeros(n, int), np.arange(n) % 4, np.ones(n, F32), 1, 4),
            width=40,
            max_delay=0,
            learns=True,
        )
        for n in (3, 40)
    ]
    few, many = (jax.tree.map(lambda x: (x.shape, x.dtype), part) for part in parts)
    assert jax.tree.structure(few) == jax.tree.structure(many)
    assert jax.tree.leaves(few) == jax.tree.leaves(many)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 2, "given"),
        (lambda x: x * np.nan if x.dtype == F32 else x, "NaN"),
        (lambda x: x.astype(np.int16) if x.dtype == np.int32 else x, "int16"),
        (np.asarray, "given ndarray"),
    ],
)
@pytest.mark.parametrize("kind", ["list", "matrix"])
def test_a_divided_network_that_a_map_changed_is_refused(
    change: Any, message: str, kind: str
) -> None:
    connectivity: Any = jsnn.Dense(np.ones((2, 2), F32), delays=np.full((2, 2), 3))
    if kind == "list":
        connectivity = jsnn.Sparse([1, 0], [0, 1], np.ones(2, F32), 2, 2, [1, 3])
    divided = jsnn.divide(
        jsnn.Network([jsnn.Population("a", 2, jsnn.LIF)], [jsnn.Projection("a", "a", connectivity)])
    )
    check_numbers(jax.tree.map(lambda x: x, divided))
    assert re.match(
        r"Divided over 1 .*\(weights=float32\[", repr(divided.projections[0].connectivity)
    )
    (projection,) = divided.projections
    spoilt = jax.tree.map(change, projection.connectivity)
    spoilt = replace(divided, projections=(replace(projection, connectivity=spoilt),))
    with pytest.raises((TypeError, ValueError), match=rf"'a_to_a'\.connectivity: .*{message}"):
        jsnn.simulate(spoilt, {}, 3)


def small_network() -> jsnn.Network:
    weights = np.random.default_rng(0).normal(0.5, 1, (9, 9)).astype(F32)
    delays = np.random.default_rng(1).integers(1, 4, (9, 9))
    return jsnn.Network(
        [jsnn.Population("a", 9, jsnn.LIF)],
        [jsnn.Projection("a", "a", jsnn.Dense(weights, delays=delays))],
    )


def test_a_run_goes_on_on_other_devices() -> None:
    record = {"a": jsnn.SpikeCount("a")}
    _, whole = jsnn.simulate(small_network(), {"a": F32(3)}, 40, record=record)
    assert np.any(whole["a"])
    assert on_devices(4, __name__, "spikes_after_a_move") == [4, whole["a"].tolist()]


def test_batches_and_gradients() -> None:
    """Divide over one device, which needs no other process, and compare with the whole network."""
    network = small_network()
    divided = jsnn.divide(network, jax.devices()[:1])

    def count(network: jsnn.Network, current: jax.Array) -> jax.Array:
        record = {"a": jsnn.SpikeCount("a")}
        return jsnn.simulate(network, {"a": current}, 40, record=record)[1]["a"].sum()

    def both(network: jsnn.Network) -> tuple[jax.Array, jax.Array]:
        batch = jax.vmap(jax.value_and_grad(count, argnums=1), (None, 0))
        return batch(network, np.linspace(1, 3, 3, dtype=F32))

    (counts, slopes), (counts_of_divided, slopes_of_divided) = both(network), both(divided)
    np.testing.assert_array_equal(counts_of_divided, counts)
    np.testing.assert_allclose(slopes_of_divided, slopes, rtol=1e-5)
    assert np.all(slopes != 0)


def test_what_belongs_to_all_neurons_cannot_be_divided() -> None:
    cells = jsnn.Population("a", 9, jsnn.LIF)
    dense = jsnn.Dense(np.ones((9, 9), F32))
    forward = jsnn.Projection("a", "a", dense, plasticity=jsnn.Plasticity(jsnn.STDP))
    back = jsnn.Projection("a", "a", jsnn.Shared(forward, transposed=True), name="back")
    with pytest.raises(ValueError, match=r"'back' shares the weights of 'a_to_a'; expected weig"):
        jsnn.divide(jsnn.Network([cells], [forward, back]))
    each = np.full((9, 9), 0.01, F32)
    of_each = jsnn.Plasticity(jsnn.STDP, {"a_plus": each})
    with pytest.raises(ValueError, match=r"parameters of each synapse, \['a_plus'\]; expected sca"):
        jsnn.divide(jsnn.Network([cells], [jsnn.Projection("a", "a", dense, plasticity=of_each)]))
    divided = jsnn.divide(jsnn.Network([cells], [forward]))
    changes = {"a_to_a": {"plasticity": {"a_plus": each}}}
    for change in (divided.with_params, lambda params: jsnn.simulate(divided, params, 3)):
        with pytest.raises(ValueError, match=r"'a_plus': given shape \(9, 9\); expected a scalar"):
            change(changes)
    counting = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "n": jsnn.Quantity(0.0, shared=True)},
        update=lambda p, x, current, dt: {"v": x["v"] + current, "n": x["n"] + 1},
        threshold=lambda p, x: -1 - x["v"] * x["v"],
    )
    with pytest.raises(ValueError, match=r"population 'b' share variables, \['n'\]; expected"):
        jsnn.divide(jsnn.Network([jsnn.Population("b", 9, counting)], []))
