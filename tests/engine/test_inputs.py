"""What reaches a neuron: inputs by name, conductances, graded transmission, random numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

F32 = np.float32

TWO_INPUTS = jsnn.NeuronModel(
    params={},
    variables={"a": 0.0, "b": 0.0},
    update=lambda p, x, inputs, dt: {"a": x["a"] + inputs["a"], "b": x["b"] + inputs["b"]},
    threshold=lambda p, x: -1 - jnp.abs(x["a"]),
    inputs=("a", "b"),
)


def source_to(*projections: jsnn.Projection, post: jsnn.Population) -> jsnn.Network:
    return jsnn.Network([jsnn.Population("pre", 3, jsnn.SPIKE_SOURCE), post], projections)


def test_projections_and_sources_reach_the_input_that_they_name() -> None:
    ones = jsnn.Dense(np.ones((3, 2), F32))
    network = jsnn.Network(
        [jsnn.Population("pre", 3, jsnn.SPIKE_SOURCE), jsnn.Population("post", 2, TWO_INPUTS)],
        [jsnn.Projection("pre", "post", ones, target="b")],
        [jsnn.CurrentSource("dc", "post", jsnn.CONSTANT, {"magnitude": 0.5}, target="a")],
    )
    state, _ = jsnn.simulate(network, {"pre": jsnn.over_time(np.ones((4, 3), bool))}, 4)
    np.testing.assert_array_equal(state.populations["post"]["a"], [2, 2])
    np.testing.assert_array_equal(state.populations["post"]["b"], [9, 9])  # nothing in step 0


@pytest.mark.parametrize("target", ["current", "c"])
def test_an_input_that_a_model_lacks_is_named(target: str) -> None:
    ones = jsnn.Dense(np.ones((3, 2), F32))
    post = jsnn.Population("post", 2, TWO_INPUTS)
    projection = jsnn.Projection("pre", "post", ones, target=target)
    with pytest.raises(
        ValueError, match=rf"pre_to_post.*unknown input or variable '{target}'.*'a', 'b'"
    ):
        source_to(projection, post=post)
    with pytest.raises(
        ValueError,
        match=r"drive of 'post'.*expected \{input: value\}, since its inputs are 'a', 'b'",
    ):
        jsnn.simulate(source_to(post=post), {"post": 1.0}, 3)


def test_a_conductance_pulls_towards_its_reversal_potential() -> None:
    """By the book, in float64: V <- V + dt g mean (e_rev - V), g <- g exp(-dt / tau)."""
    still = jsnn.NeuronModel(
        params={},
        variables={"v": -70.0},
        update=lambda p, x, current, dt: {"v": x["v"] + current * dt},
        threshold=lambda p, x: -1 - jnp.abs(x["v"]),
    )
    weights = np.array([[0.01, 0.02], [0.0, 0.01], [0.03, 0.0]], F32)
    projection = jsnn.Projection(
        "pre", "post", jsnn.Dense(weights), jsnn.CONDUCTANCE, {"tau": 4.0, "e_rev": -10.0}
    )
    network = source_to(projection, post=jsnn.Population("post", 2, still))
    trains = np.random.default_rng(0).random((60, 3)) < 0.2
    _, kept = jsnn.simulate(
        network, {"pre": jsnn.over_time(trains)}, 60, record={"v": jsnn.Variable("post")}
    )
    v, g, expected = np.full(2, -70.0), np.zeros(2), []
    for step in range(60):
        g = g + (trains[step - 1] @ weights.astype(np.float64) if step else 0)
        v = v + g * 4 * (1 - np.exp(-1 / 4)) * (-10 - v)
        g = g * np.exp(-1 / 4)
        expected.append(v)
    assert expected[-1].min() > -40
    np.testing.assert_allclose(kept["v"], expected, atol=1e-3)


def test_an_alpha_current_is_the_integral_of_its_closed_form() -> None:
    sums = jsnn.NeuronModel(
        params={},
        variables={"charge": 0.0},
        update=lambda p, x, current, dt: {"charge": x["charge"] + current * dt},
        threshold=lambda p, x: -1 - jnp.abs(x["charge"]),
    )
    dense = jsnn.Dense(np.full((3, 1), 2, F32))
    projection = jsnn.Projection("pre", "post", dense, jsnn.ALPHA, {"tau": 3.0}, delay=0)
    network = source_to(projection, post=jsnn.Population("post", 1, sums))
    trains = np.zeros((40, 3), bool)
    trains[0, 0] = True
    record = {"q": jsnn.Variable("post", "charge")}
    _, kept = jsnn.simulate(network, {"pre": jsnn.over_time(trains)}, 40, record=record)
    t = np.arange(1, 41) / 3
    expected = 2 * np.e * 3 * (1 - (1 + t) * np.exp(-t))
    np.testing.assert_allclose(kept["q"][:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_graded_transmission_sends_a_number_in_every_step(delay: int) -> None:
    dense = jsnn.Dense(np.array([[1.0], [2.0]], F32))
    ramp = jsnn.NeuronModel(
        params={},
        variables={"v": -50.0},
        update=lambda p, x, current, dt: {"v": x["v"] + current * dt},
        threshold=lambda p, x: -1 - jnp.abs(x["v"]),
    )
    network = jsnn.Network(
        [jsnn.Population("pre", 2, ramp), jsnn.Population("post", 1, ramp)],
        [jsnn.Projection("pre", "post", dense, jsnn.GRADED, delay=delay)],
    )
    record = {"v": jsnn.Variable("post")}
    _, kept = jsnn.simulate(network, {"pre": np.array([1, 3], F32)}, 30, record=record)
    v_pre = -50 + np.outer(np.arange(1, 31), [1, 3])
    sent = np.maximum(np.tanh((v_pre + 40) / 10), 0) @ [1, 2]
    arrived = np.concatenate([np.zeros(delay), sent])[:30]
    np.testing.assert_allclose(kept["v"][:, 0], -50 + np.cumsum(arrived), rtol=1e-5)


def test_graded_transmission_of_a_variable_that_is_not_there_is_refused() -> None:
    projection = jsnn.Projection("pre", "post", jsnn.Dense(np.ones((3, 1), F32)), jsnn.GRADED)
    with pytest.raises(ValueError, match=r"pre_to_post.*sends fails on the variables of 'pre'"):
        source_to(projection, post=jsnn.Population("post", 1, jsnn.IF))


def test_poisson_neurons_spike_at_their_rates_and_alike_in_any_batch() -> None:
    """Counts over 20,000 steps of 0.1 ms against the binomial they are drawn from, 5 sigma."""
    rates = np.array([0, 20, 100, 400], F32)
    network = jsnn.Network(
        [jsnn.Population("p", 4, jsnn.POISSON_NEURON, params={"rate": rates})], dt=0.1
    )
    record = {"n": jsnn.SpikeCount("p")}

    def counts(key: jax.Array) -> jax.Array:
        return jsnn.simulate(network, {}, 20_000, record=record, key=key)[1]["n"]

    keys = jax.random.split(jax.random.key(0), 2)
    both = np.asarray(jax.vmap(counts)(keys))
    np.testing.assert_array_equal(both[1], counts(keys[1]))
    p = 1 - np.exp(-rates * 1e-4)
    spread = np.sqrt(20_000 * p * (1 - p))
    assert np.all(np.abs(both - 20_000 * p) <= 5 * spread)
    assert not np.array_equal(both[0], both[1])


def test_random_neurons_need_a_key_and_go_on_with_it() -> None:
    network = jsnn.Network([jsnn.Population("p", 50, jsnn.POISSON_NEURON, params={"rate": 200.0})])
    with pytest.raises(ValueError, match=r"key: given None.*\['p'\] draw random numbers"):
        jsnn.simulate(network, {}, 5)
    record = {"s": jsnn.Spikes("p")}
    _, whole = jsnn.simulate(network, {}, 40, record=record, key=jax.random.key(3))
    state, first = jsnn.simulate(network, {}, 15, record=record, key=jax.random.key(3))
    _, second = jsnn.simulate(network, {}, 25, record=record, state=state)
    np.testing.assert_array_equal(whole["s"], np.concatenate([first["s"], second["s"]]))


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_time_constant_that_is_not_positive_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=rf"population 'a', parameter 'tau_m': given {value}"):
        jsnn.Population("a", 2, jsnn.LIF, params={"tau_m": np.array([20, value], F32)})
    with pytest.raises(ValueError, match=rf"'a_to_b', parameter 'tau': given {value}.* > 0"):
        jsnn.Projection(
            "a", "b", jsnn.Dense(np.ones((1, 1), F32)), jsnn.EXPONENTIAL, {"tau": value}
        )


def test_a_step_too_long_for_the_integrator_is_refused() -> None:
    population = jsnn.Population("hh", 1, jsnn.HODGKIN_HUXLEY)
    with pytest.raises(ValueError, match=r"dt: given 1.0 ms; expected at most 0.23.* 'hh'"):
        jsnn.Network([population], dt=1.0)
    jsnn.Network([population], dt=0.1)
