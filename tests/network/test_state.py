"""The state is all there is: fresh, saved, forked, resumed."""

import dataclasses
import itertools
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsnn
from jsnn.network.state import in_flight_after
from tests.networks import (
    F32,
    assert_same,
    random_images,
    random_weights,
    voltages_and_spikes,
    with_projection_delays,
)
from tests.profiles import examples


def noisy_network(
    delays: tuple[int, int] = (1, 3), noise: jsnn.CurrentSourceModel = jsnn.GAUSSIAN_NOISE
) -> jsnn.Network:
    """Everything that has a state: neurons, synapses, sources, spikes in flight, a key."""
    first, second = random_weights(0, (6, 5, 4), scale=3.0)
    parameters = {"rate": 900.0} if noise is jsnn.POISSON_INPUT else {"mean": 1.0}
    return jsnn.Network(
        [
            jsnn.Population("in", 6, jsnn.IF),
            jsnn.Population("hidden", 5, jsnn.LIF, {"tau_refrac": 2.0}),
            jsnn.Population("out", 4, jsnn.IF, {"v_thresh": np.linspace(1, 2, 4).astype(F32)}),
        ],
        [
            jsnn.Projection("in", "hidden", jsnn.Dense(first), jsnn.EXPONENTIAL, delay=delays[0]),
            jsnn.Projection("hidden", "out", jsnn.Dense(second), delay=delays[1]),
            jsnn.Projection("in", "out", jsnn.Dense(first[:, :4]), delay=2),
        ],
        [
            jsnn.CurrentSource("noise", "hidden", noise, parameters),
            jsnn.CurrentSource("table", "in", jsnn.PLAYBACK, {"currents": random_images(1, 25, 6)}),
        ],
    )


KEY = jax.random.key(7)


def run(network: jsnn.Network, num_steps: int, state: jsnn.State | None = None):
    key = KEY if state is None else None
    return jsnn.simulate(
        network, {}, num_steps, record=voltages_and_spikes(network), state=state, key=key
    )


def joined(*records: dict) -> dict:
    return jax.tree.map(lambda *parts: np.concatenate(parts), *records)


def test_a_fresh_state_holds_initial_values_and_nothing_in_flight() -> None:
    network = noisy_network()
    state = jsnn.init(network, KEY)
    assert state.step == 0
    np.testing.assert_array_equal(state.populations["hidden"]["v"], np.full(5, -70))
    in_flight = {name: part.in_flight for name, part in state.projections.items()}
    assert {name: rows.shape for name, rows in in_flight.items()} == {
        "in_to_hidden": (1, 6),
        "hidden_to_out": (3, 5),
        "in_to_out": (2, 6),
    }
    assert not any(rows.any() for rows in in_flight.values())
    assert set(state.sources) == {"noise", "table"}


def test_spikes_that_arrive_in_the_same_step_are_not_in_flight() -> None:
    network = with_projection_delays(
        jsnn.feedforward(random_weights(0, (4, 3, 2)), jsnn.IF), (0, 1)
    )
    state = jsnn.init(network)
    in_flight = [name for name, part in state.projections.items() if part.in_flight is not None]
    assert in_flight == ["layer1_to_layer2"]


def test_initial_variables_are_those_of_the_population() -> None:
    start = np.array([0.5, -0.5], F32)
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.IF, initial={"v": start})])
    np.testing.assert_array_equal(jsnn.init(network).populations["a"]["v"], start)


def test_no_leaf_of_a_state_is_weakly_typed_before_or_after_a_run() -> None:
    network = noisy_network()
    start = jsnn.init(network, KEY)
    end, _ = run(network, 3)
    stepped, _ = jax.jit(jsnn.step)(network, start, {})
    for state in (start, end, stepped):
        leaves = jax.tree.leaves(dataclasses.replace(state, key=None))
        assert not any(leaf.weak_type for leaf in leaves)
        assert {str(leaf.dtype) for leaf in leaves} == {"float32", "int32"}


def test_a_model_that_returns_weak_types_does_not_weaken_the_state() -> None:
    sloppy = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: {"v": jnp.broadcast_to(jnp.asarray(1.0), x["v"].shape)},
        threshold=lambda p, x: x["v"] - 2,
    )
    network = jsnn.Network([jsnn.Population("a", 3, sloppy)])
    for state, _ in (jsnn.simulate(network, {}, 2), jsnn.step(network, jsnn.init(network), {})):
        assert not state.populations["a"]["v"].weak_type
        assert state.populations["a"]["v"].dtype == np.float32


def test_a_run_does_not_change_the_shape_of_its_state() -> None:
    network = noisy_network()
    end, _ = run(network, 3)
    start = jsnn.init(network, KEY)
    assert jax.tree.structure(end) == jax.tree.structure(start)
    assert [leaf.aval for leaf in jax.tree.leaves(end)] == [
        leaf.aval for leaf in jax.tree.leaves(start)
    ]


@examples(5)
@given(
    cuts=st.sets(st.sampled_from([1, 10, 19]), min_size=1),
    delays=st.sampled_from([(0, 1), (2, 7)]),
)
def test_a_run_in_parts_equals_one_run_bit_for_bit(cuts: set[int], delays: tuple[int, int]) -> None:
    network = noisy_network(delays)
    edges = sorted({0, *cuts, 20})
    state, records = jsnn.init(network, KEY), []
    for start, end in itertools.pairwise(edges):
        state, record = run(network, end - start, state)
        records.append(record)
    expected_state, expected = run(network, 20)
    assert all(expected[f"spikes {name}"].any() for name in network.sizes)
    assert_same(state, expected_state)
    assert_same(joined(*records), joined(expected))


@pytest.mark.parametrize("dt", [1.0, 0.1])
@pytest.mark.parametrize("model", [jsnn.IF, jsnn.LIF], ids=["IF", "LIF"])
def test_any_way_to_run_forty_steps_gives_the_same_bits(model: jsnn.NeuronModel, dt: float) -> None:
    """dt = 0.1 is no binary fraction: V + I dt is rounded once or twice, but always the same."""
    weights = random_weights(1, (40, 30), scale=5.0)
    network = jsnn.feedforward(weights, model, dt=dt, synapse=jsnn.EXPONENTIAL)
    image = random_images(1, 1, 40, scale=5.0)[0]
    drive = {"layer0": image}
    expected, _ = jsnn.simulate(network, drive, 40)
    stepped = one_by_one = jsnn.init(network)
    for _ in range(40):
        stepped, _ = jsnn.step(network, stepped, drive)
        one_by_one, _ = jsnn.simulate(network, drive, 1, state=one_by_one)
    for got in (stepped, one_by_one):
        assert_same(got, expected)


def test_a_state_forks() -> None:
    network = noisy_network()
    middle, _ = run(network, 11)
    one, _ = run(network, 9, middle)
    again, _ = run(network, 9, middle)
    assert_same(one, again)
    other = dataclasses.replace(middle, key=jax.random.key(8))
    assert np.any(run(network, 9, other)[1]["v hidden"] != run(network, 9, middle)[1]["v hidden"])


def save(path: Path, state: jsnn.State) -> None:
    plain = dataclasses.replace(state, key=jax.random.key_data(state.key))
    np.savez(path, *jax.tree.leaves(plain))


def load(path: Path, like: jsnn.State) -> jsnn.State:
    with np.load(path) as file:
        leaves = [file[name] for name in file.files]
    plain = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return dataclasses.replace(plain, key=jax.random.wrap_key_data(plain.key))


def test_a_state_saved_to_npz_goes_on_bit_for_bit(tmp_path: Path) -> None:
    network = noisy_network(noise=jsnn.POISSON_INPUT)
    middle, _ = run(network, 13)
    save(tmp_path / "state.npz", middle)
    loaded = load(tmp_path / "state.npz", jsnn.init(network, KEY))
    for got, expected in zip(run(network, 17, loaded), run(network, 17, middle), strict=True):
        assert_same(got, expected)


def test_an_edited_state_is_where_a_run_goes_on() -> None:
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.IF)])
    state = jsnn.init(network)
    charged = dataclasses.replace(state, populations={"a": {"v": np.array([0.75, 0.5], F32)}})
    _, recorded = jsnn.simulate(
        network, {"a": 0.25}, 1, state=charged, record={"s": jsnn.Spikes("a")}
    )
    np.testing.assert_array_equal(recorded["s"], [[True, False]])


def test_a_key_that_no_source_needs_does_no_harm() -> None:
    network = jsnn.feedforward(random_weights(0, (4, 3)), jsnn.IF)
    image = random_images(0, 1, 4)[0]
    state, _ = jsnn.simulate(network, {"layer0": image}, 5, key=KEY)
    state, _ = jsnn.simulate(network, {"layer0": image}, 5, state=state)
    expected, _ = jsnn.simulate(network, {"layer0": image}, 10)
    assert_same(state.populations, expected.populations)


def test_float64_weights_make_a_float64_state() -> None:
    with jax.enable_x64(True):
        weights = [w.astype(np.float64) for w in random_weights(0, (6, 5, 4))]
        network = jsnn.feedforward(weights, jsnn.LIF, synapse=jsnn.EXPONENTIAL, dt=0.1)
        drive = {"layer0": random_images(0, 1, 6)[0].astype(np.float64)}
        counts = {"n": jsnn.SpikeCount("layer2"), "first": jsnn.FirstSpike("layer2")}
        state, recorded = jsnn.simulate(network, drive, 5, record=counts)
        dtypes = {str(leaf.dtype) for leaf in jax.tree.leaves(state)}
    assert network.dtype == np.float64
    assert dtypes == {"float64", "int32"}
    assert recorded["n"].dtype == np.float64
    assert recorded["first"].dtype == np.int32


def test_float32_weights_make_a_float32_state_even_where_x64_is_on() -> None:
    with jax.enable_x64(True):
        network = noisy_network()
        state, recorded = run(network, 5)
        dtypes = {
            str(leaf.dtype) for leaf in jax.tree.leaves((state.populations, state.projections))
        }
    assert dtypes == {"float32"}
    assert recorded["v out"].dtype == np.float32


def test_x64_does_not_change_the_spikes_of_a_float32_network() -> None:
    _, expected = run(noisy_network(), 20)
    with jax.enable_x64(True):
        _, got = run(noisy_network(), 20)
    assert_same(got, expected)


def test_the_default_dtype_follows_x64_where_there_are_no_weights(run_python) -> None:
    code = "import jsnn; print(jsnn.Network([jsnn.Population('a', 2, jsnn.LIF)]).dtype)"
    assert run_python(code) == "float32"
    assert run_python(code, JAX_ENABLE_X64="1") == "float64"


@pytest.mark.parametrize("num_steps", [1, 3, 4, 5, 11, 12])
@pytest.mark.parametrize("delay", [0, 1, 4, 11])
def test_each_spike_in_flight_lies_in_the_row_of_its_step(num_steps: int, delay: int) -> None:
    spikes = np.random.default_rng(num_steps).random((num_steps, 3)) < 0.5
    expected = np.zeros((delay, 3), F32)
    for step in range(num_steps):
        if delay:
            expected[step % delay] = spikes[step]
    left = in_flight_after(jnp.asarray(spikes), delay, jnp.float32)
    if delay == 0:
        assert left is None
    else:
        np.testing.assert_array_equal(left, expected)


def test_a_long_delay_is_traced_like_a_short_one() -> None:
    def equations(delay: int) -> int:
        after = partial(in_flight_after, delay=delay, dtype=jnp.float32)
        return len(jax.make_jaxpr(after)(jax.ShapeDtypeStruct((7, 3), bool)).eqns)

    assert equations(30_000) == equations(10)


def test_more_on_its_way_than_fits_the_memory_is_named() -> None:
    number = 60_000
    one = jsnn.Sparse([0], [0], np.ones(1, F32), number, number)
    network = jsnn.Network(
        [jsnn.Population("a", number, jsnn.IF)],
        [
            jsnn.Projection("a", "a", one, jsnn.EXPONENTIAL, delay=2**15, name=f"c{k}")
            for k in range(1000)
        ],
    )
    with pytest.raises(ValueError, match=r"'c\d+': given a delay of 32768 steps, .* 7\.86 GB are"):
        jsnn.init(network)
