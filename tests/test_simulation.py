"""Whole networks against by-the-book loops, spike for spike and volt for volt."""

import itertools
from typing import Any

import jax
import jax.export
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsnn
from tests import reference
from tests.networks import (
    F32,
    assert_same,
    dyadic_weights,
    random_images,
    random_weights,
    voltages_and_spikes,
)

SIZES = (30, 21, 12, 7)
T = 60


def if_chain(weights: list[np.ndarray], delay: int = 1, **params: Any) -> jsnn.Network:
    return jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": 1.5, **params}, delay=delay)


def assert_equals_loop(network: jsnn.Network, recorded: dict, expected: reference.Run) -> None:
    for name in network.sizes:
        assert expected.spikes[name].any(), f"{name} is silent, the test would show nothing"
        np.testing.assert_array_equal(recorded[f"spikes {name}"], expected.spikes[name])
        np.testing.assert_array_equal(recorded[f"v {name}"], expected.voltages[name])


@pytest.mark.parametrize("delay", [0, 1, 2, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_chain_equals_the_loop_in_every_neuron_and_step(seed: int, delay: int) -> None:
    weights = random_weights(seed, SIZES)
    network = if_chain(weights, delay)
    sizes, links = reference.chain(weights, delay)
    for image in random_images(seed, 2, SIZES[0]):
        drive = {"layer0": image}
        _, recorded = jsnn.simulate(network, drive, T, record=voltages_and_spikes(network))
        expected = reference.integrate_fire(sizes, links, drive, T, v_thresh=1.5)
        assert_equals_loop(network, recorded, expected)


@pytest.mark.parametrize("delay", [0, 3])
def test_a_batch_equals_the_loop_in_every_neuron_and_step(delay: int) -> None:
    weights = random_weights(2, SIZES)
    network = if_chain(weights, delay)
    images = random_images(2, 5, SIZES[0])
    record = voltages_and_spikes(network)
    together = jax.vmap(lambda x: jsnn.simulate(network, {"layer0": x}, T, record=record)[1])(
        images
    )
    runs = reference.fresh_presentations(weights, images, T, v_thresh=1.5, delay=delay)
    for i, expected in enumerate(runs):
        assert_equals_loop(network, jax.tree.map(lambda x, i=i: x[i], together), expected)


def test_thresholds_may_differ_from_neuron_to_neuron() -> None:
    weights = random_weights(3, SIZES)
    sizes, links = reference.chain(weights)
    rng = np.random.default_rng(3)
    thresholds = {name: rng.uniform(0.5, 2.5, size).astype(F32) for name, size in sizes.items()}
    network = if_chain(weights).with_params({n: {"v_thresh": t} for n, t in thresholds.items()})
    drive = {"layer0": random_images(3, 1, SIZES[0])[0]}
    _, recorded = jsnn.simulate(network, drive, T, record=voltages_and_spikes(network))
    expected = reference.integrate_fire(sizes, links, drive, T, v_thresh=thresholds)
    assert_equals_loop(network, recorded, expected)


def mixed_network() -> tuple[jsnn.Network, dict[str, int], list[reference.Synapses]]:
    """Loops, skips, several projections into one population, every kind of delay."""
    sizes = {"a": 9, "b": 8, "c": 7}
    triples = [
        ("a", "b", 0),
        ("a", "c", 3),
        ("b", "c", 0),
        ("b", "b", 1),
        ("c", "b", 2),
        ("c", "a", 1),
        ("a", "a", 7),
    ]
    links = [
        reference.Synapses(pre, post, random_weights(i, (sizes[pre], sizes[post]), 0.4)[0], delay)
        for i, (pre, post, delay) in enumerate(triples)
    ]
    network = jsnn.Network(
        [jsnn.Population(n, sizes[n], jsnn.IF, {"v_thresh": 1.5}) for n in ("c", "a", "b")],
        [jsnn.Projection(s.pre, s.post, jsnn.Dense(s.weights), delay=s.delay) for s in links],
    )
    return network, sizes, links


def test_a_recurrent_network_with_mixed_delays_equals_the_loop() -> None:
    network, sizes, links = mixed_network()
    rng = np.random.default_rng(4)
    drive = {
        "a": (rng.random((T, 9)) * 0.4).astype(F32),
        "c": (rng.random(7) * 0.1).astype(F32),
    }
    marked = drive | {"a": jsnn.over_time(drive["a"])}
    _, recorded = jsnn.simulate(network, marked, T, record=voltages_and_spikes(network))
    expected = reference.integrate_fire(sizes, links, drive, T, v_thresh=1.5)
    assert_equals_loop(network, recorded, expected)


@pytest.mark.parametrize("delay", [1, 2])
def test_a_loop_of_two_populations_needs_no_order(delay: int) -> None:
    """One spike goes round and round: each population fires every 2 * delay steps."""
    ones = jsnn.Dense(np.ones((1, 1), F32))
    for names in ("ab", "ba"):
        network = jsnn.Network(
            [jsnn.Population(name, 1, jsnn.IF) for name in names],
            [
                jsnn.Projection("a", "b", ones, delay=delay),
                jsnn.Projection("b", "a", ones, delay=delay),
            ],
        )
        kick = np.zeros((12, 1), F32)
        kick[0] = 1
        record = {name: jsnn.Spikes(name) for name in "ab"}
        _, spikes = jsnn.simulate(network, {"a": jsnn.over_time(kick)}, 12, record=record)
        assert np.flatnonzero(spikes["a"]).tolist() == list(range(0, 12, 2 * delay))
        assert np.flatnonzero(spikes["b"]).tolist() == list(range(delay, 12, 2 * delay))


@pytest.mark.parametrize("delay", [0, 1, 2, 7])
def test_a_spike_of_step_n_arrives_in_step_n_plus_delay(delay: int) -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 1, jsnn.IF), jsnn.Population("b", 1, jsnn.IF)],
        [jsnn.Projection("a", "b", jsnn.Dense(np.ones((1, 1), F32)), delay=delay)],
    )
    pattern = np.random.default_rng(0).random(30) < 0.4
    drive = {"a": jsnn.over_time(pattern[:, None].astype(F32))}
    _, recorded = jsnn.simulate(network, drive, 30, record={"b": jsnn.Spikes("b")})
    expected = np.concatenate([np.zeros(delay, bool), pattern])[:30]
    np.testing.assert_array_equal(recorded["b"][:, 0], expected)


def test_projections_of_different_delays_from_one_population_each_keep_theirs() -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 1, jsnn.IF), jsnn.Population("b", 3, jsnn.IF)],
        [
            jsnn.Projection(
                "a", "b", jsnn.Dense(np.eye(3, dtype=F32)[i : i + 1]), delay=delay, name=f"{delay}"
            )
            for i, delay in enumerate((1, 4, 6))
        ],
    )
    kick = np.zeros((9, 1), F32)
    kick[1] = 1
    _, recorded = jsnn.simulate(
        network, {"a": jsnn.over_time(kick)}, 9, record={"b": jsnn.Spikes("b")}
    )
    steps, neurons = jsnn.spike_list(recorded["b"])
    assert steps.tolist() == [2, 5, 7]
    assert neurons.tolist() == [0, 1, 2]


def test_step_by_step_equals_simulate() -> None:
    network, _, _ = mixed_network()
    drive = {"a": np.full(9, 0.3, F32)}
    one_step = jax.jit(jsnn.step)
    state, spikes = jsnn.init(network), []
    for _ in range(25):
        state, now = one_step(network, state, drive)
        spikes.append(now)
    expected_state, recorded = jsnn.simulate(
        network, drive, 25, record={name: jsnn.Spikes(name) for name in network.sizes}
    )
    assert_same(state, expected_state)
    for name in network.sizes:
        assert recorded[name].any()
        np.testing.assert_array_equal(np.array([now[name] for now in spikes]) > 0, recorded[name])


def test_step_works_without_jit() -> None:
    network = if_chain(random_weights(0, (9, 8)))
    drive = {"layer0": np.full(9, 0.8, F32)}
    state = jsnn.init(network)
    for _ in range(4):
        state, spikes = jsnn.step(network, state, drive)
    expected, _ = jsnn.simulate(network, drive, 4)
    assert_same(state, expected)
    assert {name: values.shape for name, values in spikes.items()} == {
        "layer0": (9,),
        "layer1": (8,),
    }
    assert {values.dtype for values in spikes.values()} == {np.dtype(F32)}


@pytest.mark.parametrize("given", [0.25, np.float32(0.25), np.full(30, 0.25, F32)])
def test_a_drive_is_a_number_or_one_per_neuron(given: Any) -> None:
    network = if_chain(random_weights(5, SIZES))
    record = voltages_and_spikes(network)
    _, recorded = jsnn.simulate(network, {"layer0": given}, 20, record=record)
    full = np.full((20, 30), 0.25, F32)
    _, expected = jsnn.simulate(network, {"layer0": jsnn.over_time(full)}, 20, record=record)
    assert_same(recorded, expected)


def test_a_drive_that_changes_is_read_row_by_row() -> None:
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.IF, {"v_thresh": 100.0})])
    rows = np.arange(10, dtype=F32).reshape(5, 2)
    _, recorded = jsnn.simulate(
        network, {"a": jsnn.over_time(rows)}, 5, record={"v": jsnn.Variable("a")}
    )
    np.testing.assert_array_equal(recorded["v"], np.cumsum(rows, axis=0))


def test_several_populations_may_be_driven_and_none_need_be() -> None:
    network = if_chain(random_weights(6, (3, 3)), v_thresh=100.0)
    state, _ = jsnn.simulate(network, {"layer0": 1.0, "layer1": np.array([1, 2, 3], F32)}, 4)
    np.testing.assert_array_equal(state.populations["layer0"]["v"], [4, 4, 4])
    np.testing.assert_array_equal(state.populations["layer1"]["v"], [4, 8, 12])
    state, _ = jsnn.simulate(network, {}, 4)
    np.testing.assert_array_equal(state.populations["layer1"]["v"], [0, 0, 0])


def test_drive_sources_and_projections_add_up() -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 1, jsnn.IF), jsnn.Population("b", 1, jsnn.IF, {"v_thresh": 100.0})],
        [
            jsnn.Projection("a", "b", jsnn.Dense(np.full((1, 1), 8.0, F32)), delay=0, name="one"),
            jsnn.Projection("a", "b", jsnn.Dense(np.full((1, 1), 4.0, F32)), delay=0, name="two"),
        ],
        [
            jsnn.CurrentSource("dc", "b", jsnn.CONSTANT, {"magnitude": 2.0}),
            jsnn.CurrentSource("dc2", "b", jsnn.CONSTANT, {"magnitude": 1.0}),
        ],
    )
    state, _ = jsnn.simulate(network, {"a": 1.0, "b": 0.5}, 1)
    assert state.populations["b"]["v"] == 15.5


@given(seed=st.integers(0, 99), delay=st.sampled_from([0, 1, 3]))
def test_a_changing_drive_with_constant_rows_equals_the_constant_drive(
    seed: int, delay: int
) -> None:
    network = if_chain(random_weights(seed, SIZES), delay)
    (image,) = random_images(seed, 1, SIZES[0])
    record = voltages_and_spikes(network)
    constant = jsnn.simulate(network, {"layer0": image}, 30, record=record)
    rows = np.tile(image, (30, 1))
    assert_same(
        jsnn.simulate(network, {"layer0": jsnn.over_time(rows)}, 30, record=record), constant
    )


@given(seed=st.integers(0, 99), delay=st.sampled_from([0, 1, 3]))
def test_permuting_the_neurons_of_a_layer_permutes_the_result(seed: int, delay: int) -> None:
    sizes = (12, 9, 5)
    first, second = dyadic_weights(seed, sizes)
    image = np.round(random_images(seed, 1, sizes[0], scale=1.0)[0] * 64) / F32(64)
    rng = np.random.default_rng(seed)
    p, q = rng.permutation(12), rng.permutation(9)
    plain, permuted = if_chain([first, second], delay), if_chain([first[p][:, q], second[q]], delay)
    record = voltages_and_spikes(plain)
    _, expected = jsnn.simulate(plain, {"layer0": image}, 40, record=record)
    _, got = jsnn.simulate(permuted, {"layer0": image[p]}, 40, record=record)
    assert all(expected[f"spikes {name}"].any() for name in plain.sizes)
    for kind in ("v", "spikes"):
        np.testing.assert_array_equal(got[f"{kind} layer0"], expected[f"{kind} layer0"][:, p])
        np.testing.assert_array_equal(got[f"{kind} layer1"], expected[f"{kind} layer1"][:, q])
        np.testing.assert_array_equal(got[f"{kind} layer2"], expected[f"{kind} layer2"])


def test_the_order_in_which_populations_are_given_does_not_matter() -> None:
    weights = random_weights(7, (6, 5, 4))
    names = ("layer0", "layer1", "layer2")
    results = []
    for order in itertools.permutations(names):
        plain = if_chain(weights)
        network = jsnn.Network([plain.population(name) for name in order], plain.projections)
        record = {name: jsnn.Variable(name) for name in names}
        drive = {"layer0": random_images(7, 1, 6)[0]}
        results.append(jsnn.simulate(network, drive, 25, record=record)[1])
    for result in results[1:]:
        assert_same(result, results[0])


def test_simulate_composes_with_jit() -> None:
    network = if_chain(random_weights(8, SIZES))
    (image,) = random_images(8, 1, SIZES[0])
    record = voltages_and_spikes(network)

    @jax.jit
    def run(network: jsnn.Network, image: jax.Array) -> Any:
        return jsnn.simulate(network, {"layer0": image}, 20, record=record)

    assert_same(run(network, image), jsnn.simulate(network, {"layer0": image}, 20, record=record))


def test_new_numbers_never_compile_anew(compilations) -> None:
    record = {"n": jsnn.SpikeCount("layer1")}
    sources = [jsnn.CurrentSource("noise", "layer1", jsnn.GAUSSIAN_NOISE, {"sd": 0.1})]

    def run(seed: int) -> None:
        chain = if_chain(random_weights(seed, (5, 4)), v_thresh=1.0 + seed)
        network = jsnn.Network(chain.populations, chain.projections, sources, dt=1.0 + seed)
        network = network.with_params({"noise": {"sd": 0.5 + seed}})
        image = random_images(seed, 1, 5)[0]
        jsnn.simulate(network, {"layer0": image}, 11, record=record, key=jax.random.key(seed))

    run(0)
    with compilations() as compiled:
        run(1)
        run(2)
    assert compiled == []


def test_a_run_that_goes_on_does_not_compile_anew(compilations) -> None:
    network = if_chain(random_weights(0, (5, 4)), delay=3)
    drive = {"layer0": random_images(0, 1, 5)[0]}
    state, _ = jsnn.simulate(network, drive, 13)
    state, _ = jsnn.simulate(network, drive, 13, state=state)
    with compilations() as compiled:
        for _ in range(3):
            state, _ = jsnn.simulate(network, drive, 13, state=state)
    assert compiled == []


def test_one_simulation_is_one_program(compilations) -> None:
    network = if_chain(random_weights(0, (5, 4)))
    drive = {"layer0": random_images(0, 1, 5)[0]}
    state = jsnn.init(network)
    with compilations() as compiled:
        jsnn.simulate(network, drive, 17, state=state, record={"n": jsnn.SpikeCount("layer1")})
    assert len(compiled) == 1


def blows_up_at(step: int) -> jsnn.Network:
    """Neuron 1 of "b" is infinite from that step on."""
    growing = jsnn.NeuronModel(
        params={"limit": 1.0},
        variables={"v": 0.0, "n": 0.0},
        update=lambda p, x, current, dt: {"n": x["n"] + 1, "v": 1 / (p["limit"] - x["n"])},
        threshold=lambda p, x: -1 - x["n"],
    )
    limit = np.array([-1, step], np.float32)
    return jsnn.Network(
        [
            jsnn.Population("a", 2, jsnn.IF),
            jsnn.Population("b", 2, growing, params={"limit": limit}),
        ]
    )


def test_a_number_that_is_not_finite_is_reported_with_population_variable_and_step() -> None:
    with pytest.raises(FloatingPointError, match=r"populations\['b'\]\['v'\].* from step 7 on"):
        jsnn.simulate(blows_up_at(7), {}, 20, check_finite=True)
    _, kept = jsnn.simulate(blows_up_at(30), {}, 20, check_finite=True)
    assert kept == {}


def test_shard_map_that_checks_what_varies_says_how_to_run() -> None:
    network, images = if_chain(random_weights(0, (6, 4))), random_images(0, 2, 6)
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    along, whole = jax.sharding.PartitionSpec("x"), jax.sharding.PartitionSpec()

    def counts(network: jsnn.Network, image: jax.Array) -> jax.Array:
        record = {"n": jsnn.SpikeCount("layer1")}
        return jsnn.simulate(network, {"layer0": image}, 20, record=record)[1]["n"]

    batch = jax.vmap(counts, in_axes=(None, 0))
    options = {"mesh": mesh, "in_specs": (whole, along), "out_specs": along}
    with pytest.raises(ValueError, match=r"mesh axes \['x'\].*check_vma=False"):
        jax.shard_map(batch, **options)(network, images)
    divided = jax.shard_map(batch, check_vma=False, **options)(network, images)
    np.testing.assert_array_equal(divided, batch(network, images))
    assert np.any(divided)


def test_a_run_of_whole_products_can_be_exported() -> None:
    network, image = if_chain(random_weights(0, (6, 4))), random_images(0, 1, 6)[0]
    weights = network.projections[0].connectivity.weights

    @jax.jit
    def counts(weights: jax.Array, image: jax.Array) -> jax.Array:
        record = {"n": jsnn.SpikeCount("layer1")}
        changed = network.with_params({"layer0_to_layer1": {"weights": weights}})
        drive = {"layer0": image}
        return jsnn.simulate(changed, drive, 20, record=record, scheduled=False)[1]["n"]

    exported = jax.export.export(counts)(weights, image)  # refuses code that is not XLA's own
    np.testing.assert_array_equal(exported.call(weights, image), counts(weights, image))
