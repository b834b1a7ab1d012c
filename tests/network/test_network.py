"""Populations, projections, sources and how they fit together."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32, assert_same, random_images, random_weights


def populations(*names: str, size: int = 2) -> list[jsnn.Population]:
    return [jsnn.Population(name, size, jsnn.IF) for name in names]


def link(pre: str, post: str, delay: int = 1, name: str = "") -> jsnn.Projection:
    return jsnn.Projection(pre, post, jsnn.Dense(jnp.ones((2, 2))), delay=delay, name=name)


def test_feedforward_names_and_sizes_its_layers() -> None:
    network = jsnn.feedforward(random_weights(0, (7, 5, 4, 3)), jsnn.IF, delay=3, dt=0.5)
    assert network.sizes == {"layer0": 7, "layer1": 5, "layer2": 4, "layer3": 3}
    assert [(p.pre, p.post, p.delay) for p in network.projections] == [
        ("layer0", "layer1", 3),
        ("layer1", "layer2", 3),
        ("layer2", "layer3", 3),
    ]
    assert network.dt == 0.5


def test_the_order_of_layers_does_not_come_from_their_names() -> None:
    network = jsnn.feedforward(random_weights(0, [2] * 13), jsnn.IF, delay=0)
    assert list(network.sizes) == [f"layer{i}" for i in range(13)]
    assert network.order == tuple(network.sizes)


def test_feedforward_is_the_network_written_out() -> None:
    weights = random_weights(0, (4, 3, 2))
    by_hand = jsnn.Network(
        [
            jsnn.Population(f"layer{i}", size, jsnn.LIF, {"tau_m": 10.0})
            for i, size in enumerate((4, 3, 2))
        ],
        [
            jsnn.Projection(f"layer{i}", f"layer{i + 1}", jsnn.Dense(w), jsnn.EXPONENTIAL, delay=2)
            for i, w in enumerate(weights)
        ],
        dt=0.5,
    )
    network = jsnn.feedforward(
        weights, jsnn.LIF, params={"tau_m": 10.0}, synapse=jsnn.EXPONENTIAL, delay=2, dt=0.5
    )
    assert_same(network, by_hand)


def test_the_default_delay_is_one_step() -> None:
    assert link("a", "b").delay == 1
    assert jsnn.feedforward(random_weights(0, (2, 2)), jsnn.IF).projections[0].delay == 1


@pytest.mark.parametrize("given", list(itertools.permutations("abc")), ids="".join)
def test_zero_delay_projections_run_from_earlier_to_later(given: tuple[str, ...]) -> None:
    network = jsnn.Network(populations(*given), [link("b", "c", 0), link("a", "b", 0)])
    assert network.order == ("a", "b", "c")
    record = {name: jsnn.Spikes(name) for name in "abc"}
    _, spikes = jsnn.simulate(network, {"a": 1.0}, 1, record=record)
    assert spikes["c"].all()


def test_delayed_projections_may_close_a_loop_around_zero_delay_ones() -> None:
    network = jsnn.Network(populations("a", "b"), [link("a", "b", 0), link("b", "a", 1)])
    assert network.order == ("a", "b")


@pytest.mark.parametrize(
    ("links", "names"),
    [
        ([("a", "a")], "a"),
        ([("a", "b"), ("b", "a")], "ab"),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")], "abc"),
    ],
    ids=["self", "two", "three"],
)
def test_a_cycle_of_zero_delays_is_an_error_that_names_it(
    links: list[tuple[str, str]], names: str
) -> None:
    with pytest.raises(ValueError, match=r"delay 0.*cycle") as error:
        jsnn.Network(populations(*"abcd"), [link(pre, post, 0) for pre, post in links])
    message = str(error.value)
    assert all(repr(name) in message for name in names)
    assert not any(repr(name) in message for name in set("abcd") - set(names))


def test_two_projections_between_the_same_populations_have_names_of_their_own() -> None:
    network = jsnn.Network(
        populations("a", "b"), [link("a", "b"), link("a", "b", delay=2, name="late")]
    )
    assert [p.name for p in network.projections] == ["a_to_b", "late"]


@pytest.mark.parametrize("given", [2, 2.5, np.float32(2.5), jnp.float32(2.5), np.float64(2.5)])
def test_a_number_takes_the_dtype_of_the_network(given: object) -> None:
    population = jsnn.Population("a", 3, jsnn.IF, {"v_thresh": given})
    value = jsnn.Network([population]).populations[0].params["v_thresh"]
    assert value.dtype == np.float32
    assert not value.weak_type
    assert value == float(given)


@pytest.mark.parametrize("given", [[1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3], F32)])
def test_one_value_per_neuron_may_be_a_list_or_an_array(given: object) -> None:
    population = jsnn.Population("a", 3, jsnn.IF, {"v_thresh": given})
    value = jsnn.Network([population]).populations[0].params["v_thresh"]
    np.testing.assert_array_equal(value, np.array([1, 2, 3], F32))


def test_with_params_changes_what_it_names_and_nothing_else() -> None:
    network = jsnn.feedforward(
        random_weights(0, (4, 3, 2)), jsnn.IF, params={"v_thresh": 2.0}, synapse=jsnn.EXPONENTIAL
    )
    changed = network.with_params(
        {"layer1": {"v_thresh": 9.0}, "layer0_to_layer1": {"tau": np.array([1, 2, 3], F32)}}
    )
    assert changed.populations[1].params["v_thresh"] == 9
    assert changed.populations[1].params["v_reset"] == 0
    np.testing.assert_array_equal(changed.projections[0].params["tau"], [1, 2, 3])
    assert changed.populations[0].params["v_thresh"] == 2
    assert changed.projections[1].params["tau"] == 5
    assert network.populations[1].params["v_thresh"] == 2
    assert_same(changed.with_params({}), changed)


def test_with_params_of_a_source() -> None:
    network = jsnn.Network(populations("a"), sources=[jsnn.CurrentSource("dc", "a", jsnn.CONSTANT)])
    changed = network.with_params({"dc": {"magnitude": 0.5}})
    state, _ = jsnn.simulate(changed, {}, 1)
    np.testing.assert_array_equal(state.populations["a"]["v"], [0.5, 0.5])


def test_with_params_works_under_jit_vmap_and_grad() -> None:
    network = jsnn.feedforward(random_weights(0, (4, 3)), jsnn.IF)
    (image,) = random_images(0, 1, 4)

    def voltage(network: jsnn.Network, v_thresh: jax.Array) -> jax.Array:
        network = network.with_params({"layer0": {"v_thresh": v_thresh}})
        state, _ = jsnn.simulate(network, {"layer0": image}, 9)
        return state.populations["layer1"]["v"].sum()

    thresholds = np.array([0.5, 1.0, 2.0], F32)
    one_by_one = [voltage(network, t) for t in thresholds]
    assert len({float(v) for v in one_by_one}) == 3
    together = jax.jit(jax.vmap(voltage, (None, 0)))(network, thresholds)
    np.testing.assert_array_equal(together, one_by_one)
    assert np.isfinite(jax.grad(voltage, argnums=1)(network, thresholds[1]))


def test_a_network_can_be_rebuilt_with_dataclasses_replace() -> None:
    network = jsnn.feedforward(random_weights(0, (4, 3)), jsnn.IF)
    slower = dataclasses.replace(network, dt=0.25)
    assert slower.dt == 0.25
    assert slower.sizes == network.sizes


def test_population_by_name() -> None:
    network = jsnn.feedforward(random_weights(0, (4, 3)), jsnn.IF)
    assert network.population("layer1").size == 3
    with pytest.raises(ValueError, match="layer9"):
        network.population("layer9")


def test_a_network_without_projections_is_float32() -> None:
    assert jsnn.Network(populations("a")).dtype == np.float32
