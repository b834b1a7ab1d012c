"""Neuron models step by step; their closed forms are in test_closed_forms.py."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests import reference
from tests.networks import F32

LIF_PARAMS = {
    "tau_m": 20.0,
    "r_m": 20.0,
    "v_rest": -70.0,
    "v_reset": -68.0,
    "v_thresh": -51.0,
    "i_offset": 0.25,
    "tau_refrac": 2.0,
}


def run(
    population: jsnn.Population, currents: np.ndarray, dt: float = 1.0
) -> dict[str, np.ndarray]:
    network = jsnn.Network([population], dt=dt)
    record = {"spikes": jsnn.Spikes("a"), "v": jsnn.Variable("a")}
    return jsnn.simulate(network, {"a": jsnn.over_time(currents)}, len(currents), record=record)[1]


def noisy_currents(seed: int, num_steps: int, size: int, scale: float) -> np.ndarray:
    return (np.random.default_rng(seed).normal(scale, scale, (num_steps, size))).astype(F32)


@pytest.mark.parametrize("dt", [1.0, 0.5, 2.0])
def test_if_equals_the_loop_bit_for_bit(dt: float) -> None:
    currents = noisy_currents(0, 200, 31, 0.3)
    got = run(jsnn.Population("a", 31, jsnn.IF, {"v_thresh": 1.5}), currents, dt)
    expected = reference.integrate_fire({"a": 31}, [], {"a": currents}, 200, v_thresh=1.5, dt=dt)
    assert expected.counts("a").min() > 5
    np.testing.assert_array_equal(got["spikes"], expected.spikes["a"])
    np.testing.assert_array_equal(got["v"], expected.voltages["a"])


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_lif_equals_the_loop_of_genn(dt: float) -> None:
    currents = noisy_currents(1, 400, 23, 1.5)
    got = run(jsnn.Population("a", 23, jsnn.LIF, LIF_PARAMS), currents, dt)
    spikes, voltages = reference.leaky_integrate_fire(currents, dt=dt, **LIF_PARAMS)
    assert spikes.sum(axis=0).min() >= 1
    np.testing.assert_array_equal(got["spikes"], spikes)
    np.testing.assert_allclose(got["v"], voltages, rtol=1e-5)


def test_a_refractory_neuron_neither_integrates_nor_spikes() -> None:
    params = {"tau_refrac": 3.0, "tau_m": 1e-3}
    got = run(jsnn.Population("a", 1, jsnn.LIF, params), np.full((9, 1), 100.0, F32))
    np.testing.assert_array_equal(got["spikes"][:, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(got["v"], np.full((9, 1), -70.0))


@pytest.mark.parametrize("parameter", sorted(LIF_PARAMS))
def test_each_lif_parameter_may_differ_from_neuron_to_neuron(parameter: str) -> None:
    values = (np.array([0.9, 1.0, 1.1], F32) * LIF_PARAMS[parameter]).astype(F32)
    currents = noisy_currents(2, 120, 3, 1.5)
    params = LIF_PARAMS | {parameter: values}
    population = jsnn.Population("a", 3, jsnn.LIF, params, {"v": params["v_rest"]})
    together = run(population, currents, 0.5)
    for neuron in range(3):
        alone, _ = reference.leaky_integrate_fire(
            currents[:, neuron : neuron + 1],
            dt=0.5,
            **LIF_PARAMS | {parameter: float(values[neuron])},
        )
        np.testing.assert_array_equal(together["spikes"][:, neuron], alone[:, 0])


def test_initial_values_may_differ_from_neuron_to_neuron() -> None:
    start = np.array([0.0, 0.25, 0.5, 0.75], F32)
    population = jsnn.Population("a", 4, jsnn.IF, initial={"v": start})
    spikes = run(population, np.full((4, 4), 0.25, F32))["spikes"]
    np.testing.assert_array_equal(np.argmax(spikes, axis=0), [3, 2, 1, 0])


def test_reset_applies_only_where_a_neuron_spiked() -> None:
    counting = jsnn.NeuronModel(
        params={"v_thresh": 1.0},
        variables={"v": 0.0, "n": 0},
        update=lambda p, x, current, dt: x | {"v": x["v"] + current * dt},
        threshold=lambda p, x: x["v"] - p["v_thresh"],
        reset=lambda p, x: {"v": x["v"] - p["v_thresh"], "n": x["n"] + 1},
    )
    network = jsnn.Network([jsnn.Population("a", 3, counting)])
    state, _ = jsnn.simulate(network, {"a": np.array([0.25, 0.75, 1.5], F32)}, 8)
    np.testing.assert_array_equal(state.populations["a"]["n"], [2, 6, 8])
    np.testing.assert_array_equal(state.populations["a"]["v"], [0.0, 0.0, 4.0])
    assert state.populations["a"]["n"].dtype == jnp.int32


def test_a_model_without_reset_keeps_its_variables() -> None:
    model = dataclasses.replace(jsnn.IF, reset=jsnn.NeuronModel.reset)
    network = jsnn.Network([jsnn.Population("a", 1, model)])
    state, _ = jsnn.simulate(network, {"a": 1.0}, 5)
    assert state.populations["a"]["v"] == 5


def test_a_bool_variable_is_a_bool() -> None:
    latch = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "fired": False, "armed": True},
        update=lambda p, x, current, dt: x | {"v": current},
        threshold=lambda p, x: jnp.where(x["armed"], x["v"] - 1, -1),
        reset=lambda p, x: x | {"fired": ~x["fired"], "armed": jnp.zeros_like(x["armed"])},
    )
    network = jsnn.Network([jsnn.Population("a", 2, latch)])
    state, _ = jsnn.simulate(network, {"a": np.array([0.5, 1.5], F32)}, 3)
    np.testing.assert_array_equal(state.populations["a"]["fired"], [False, True])
    assert state.populations["a"]["fired"].dtype == bool


def test_an_integer_variable_takes_an_array_of_integers() -> None:
    counter = jsnn.NeuronModel(
        params={},
        variables={"n": 0},
        update=lambda p, x, current, dt: {"n": x["n"] + 1},
        threshold=lambda p, x: jnp.full(x["n"].shape, -1.0),
    )
    start = np.array([3, -1, 1000], np.int32)
    network = jsnn.Network([jsnn.Population("a", 3, counter, initial={"n": start})])
    state, _ = jsnn.simulate(network, {}, 2)
    np.testing.assert_array_equal(state.populations["a"]["n"], start + 2)


def test_models_with_the_same_functions_are_equal_whatever_their_values() -> None:
    other = dataclasses.replace(jsnn.IF, params={"v_thresh": 7.0, "v_reset": 1.0})
    assert other == jsnn.IF
    assert hash(other) == hash(jsnn.IF)
    assert dataclasses.replace(jsnn.IF, update=lambda p, x, i, dt: x) != jsnn.IF


def test_two_populations_of_one_model_keep_their_own_defaults() -> None:
    lazy = dataclasses.replace(jsnn.IF, params={"v_thresh": 4.0, "v_reset": 0.0})
    network = jsnn.Network([jsnn.Population("a", 1, jsnn.IF), jsnn.Population("b", 1, lazy)])
    record = {name: jsnn.SpikeCount(name) for name in "ab"}
    _, counts = jsnn.simulate(network, {"a": 1.0, "b": 1.0}, 8, record=record)
    assert counts["a"] == 8
    assert counts["b"] == 2


def flip(key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
    return jax.random.rademacher(key, shape, dtype)


CONDUCTANCE = jsnn.NeuronModel(
    params={"tau_m": 10.0, "sd": 0.1},
    variables={"v": 0.0},
    update=lambda p, x, i, dt: {
        "v": x["v"] + dt * (i["g_e"] * (5 - x["v"]) - i["g_i"] * x["v"] + p["sd"] * p["sign"])
    },
    threshold=lambda p, x: x["v"] - 1,
    inputs=["g_e", "g_i"],
    draws=[("sign", flip)],
    max_dt=lambda p: p["tau_m"] / 2,
)


def test_inputs_and_draws_are_part_of_what_a_model_is() -> None:
    assert CONDUCTANCE.inputs == ("g_e", "g_i")
    assert CONDUCTANCE.draws == (("sign", flip),)
    same = dataclasses.replace(CONDUCTANCE, inputs=("g_e", "g_i"), params={"tau_m": 1, "sd": 0})
    assert same == CONDUCTANCE
    assert hash(same) == hash(CONDUCTANCE)
    for changes in (
        {"inputs": ("g_i", "g_e")},
        {"draws": (("sign", jax.random.normal),)},
        {"max_dt": None},
        {"derived": lambda p, dt: {"rate": 1 / p["tau_m"]}},
    ):
        assert dataclasses.replace(CONDUCTANCE, **changes) != CONDUCTANCE


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"inputs": "g_e"}, TypeError, r"inputs: given 'g_e'; expected a sequence"),
        ({"inputs": [1]}, TypeError, r"inputs: given 1; expected a non-empty string"),
        ({"inputs": [""]}, TypeError, r"inputs: given ''"),
        ({"inputs": ["a", "b", "a"]}, ValueError, r"inputs: 'a' is given more than once"),
        ({"draws": {"u": flip}}, TypeError, r"draws: given \{.*expected a sequence"),
        ({"draws": ["u"]}, TypeError, r"draws: given 'u'; expected \(name, sampler\)"),
        ({"draws": [("u", 1.0)]}, TypeError, r"draws: given \('u', 1.0\)"),
        ({"draws": [("u", flip), ("u", flip)]}, ValueError, r"draws: 'u' is given more than once"),
        ({"draws": [("sd", flip)]}, ValueError, r"draws: 'sd' is also a parameter"),
        ({"max_dt": 0.5}, TypeError, r"max_dt: given 0.5; expected a function"),
        ({"derived": {"a": 1}}, TypeError, r"derived: given \{'a': 1\}; expected a function"),
    ],
)
def test_bad_inputs_and_draws_are_refused(changes, error, message: str) -> None:
    with pytest.raises(error, match=message):
        dataclasses.replace(CONDUCTANCE, **changes)
