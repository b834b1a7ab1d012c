"""What `check_model` tells the author of a model."""

import dataclasses
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

GOOD = jsnn.NeuronModel(
    params={"tau": 10.0, "theta": 1.0},
    variables={"v": 0.0, "n": 0, "on": False},
    update=lambda p, x, current, dt: x | {"v": x["v"] * jnp.exp(-dt / p["tau"]) + current * dt},
    threshold=lambda p, x: x["v"] - p["theta"],
    reset=lambda p, x: x | {"v": x["v"] * 0, "n": x["n"] + 1, "on": ~x["on"]},
)
RESONATOR = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0, "i": 0.0},
    update=lambda p, x, current, dt: {"v": x["v"] + x["i"] * dt, "i": x["i"] * 0.9 + current},
    threshold=lambda p, x: x["v"] - 1,
)
GOOD_SYNAPSE = jsnn.SynapseModel(
    params={"gain": 1.0},
    variables={"n": 0},
    update=lambda p, x, arriving, post, dt: ({"n": x["n"] + 1}, arriving * p["gain"]),
)
GOOD_SOURCE = jsnn.CurrentSourceModel(
    params={"amplitude": 1.0, "table": [[0.0]]},
    variables={"phase": 0.0},
    current=lambda p, x, key, dt: (
        {"phase": x["phase"] + dt},
        p["amplitude"] * jnp.sin(x["phase"]) + p["table"][0] + jax.random.normal(key, dt.shape),
    ),
)


SEVERAL_INPUTS = jsnn.NeuronModel(
    params={"tau_m": 10.0},
    variables={"v": 0.0},
    update=lambda p, x, i, dt: {
        "v": x["v"] + dt * (i["g_e"] * (5 - x["v"]) - i["g_i"] * x["v"] + p["noise"])
    },
    threshold=lambda p, x: x["v"] - 1 + p["noise"],
    inputs=("g_e", "g_i"),
    draws=(("noise", jax.random.normal),),
    max_dt=lambda p: p["tau_m"] / 2,
)
NEEDS_SHORT_STEPS = jsnn.NeuronModel(  # at a step of 1 ms v is soon infinite
    params={"rate": 1e12},
    variables={"v": 0.0},
    update=lambda p, x, i, dt: {"v": x["v"] + dt * (i - p["rate"] * x["v"])},
    threshold=lambda p, x: x["v"] - 1,
    max_dt=lambda p: 1 / p["rate"],
)


@pytest.mark.parametrize(
    "model",
    [
        jsnn.IF,
        jsnn.LIF,
        jsnn.ALIF,
        jsnn.ADEX,
        jsnn.IZHIKEVICH,
        jsnn.IZHIKEVICH_GENN,
        jsnn.HODGKIN_HUXLEY,
        jsnn.LEAKY_INTEGRATOR,
        jsnn.LIF_CURR_EXP,
        jsnn.LIF_COND_EXP,
        jsnn.SPIKE_SOURCE,
        jsnn.POISSON_NEURON,
        jsnn.DELTA,
        jsnn.EXPONENTIAL,
        jsnn.CONSTANT,
        jsnn.PLAYBACK,
        jsnn.GAUSSIAN_NOISE,
        jsnn.POISSON_INPUT,
        GOOD,
        RESONATOR,
        SEVERAL_INPUTS,
        NEEDS_SHORT_STEPS,
        GOOD_SYNAPSE,
        GOOD_SOURCE,
    ],
    ids=[
        "IF",
        "LIF",
        "ALIF",
        "ADEX",
        "IZHIKEVICH",
        "IZHIKEVICH_GENN",
        "HODGKIN_HUXLEY",
        "LEAKY_INTEGRATOR",
        "LIF_CURR_EXP",
        "LIF_COND_EXP",
        "SPIKE_SOURCE",
        "POISSON_NEURON",
        "DELTA",
        "EXPONENTIAL",
        "CONSTANT",
        "PLAYBACK",
        "GAUSSIAN_NOISE",
        "POISSON",
        "a neuron of one's own",
        "a neuron that feels its input one step later",
        "a neuron with several inputs and noise",
        "a neuron that needs short steps",
        "a synapse of one's own",
        "a source of one's own",
    ],
)
def test_a_good_model_passes_in_silence(model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jsnn.check_model(model) is None


def on_the_host(x: np.ndarray) -> np.ndarray:
    return np.asarray(x)


def not_vmappable(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    kept = jax.pure_callback(on_the_host, jax.ShapeDtypeStruct(x["v"].shape, x["v"].dtype), x["v"])
    return x | {"v": kept + current}


def python_if(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    if current[0] > 0:
        return x
    return x | {"v": x["v"] + current}


def python_if_on_all(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    return x if current > 0 else x | {"v": x["v"] + current}


def numpy_call(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    return x | {"v": x["v"] + np.exp(np.asarray(current))}


NEURON_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "update drops a variable": (
        {"update": lambda p, x, i, dt: {"v": x["v"] + i, "n": x["n"]}},
        r"update.*drops.*'on'",
    ),
    "update adds a variable": (
        {"update": lambda p, x, i, dt: x | {"w": i}},
        r"update.*adds 'w'",
    ),
    "reset drops a variable": ({"reset": lambda p, x: {"v": x["v"]}}, r"reset.*drops.*'n'"),
    "update changes a shape": (
        {"update": lambda p, x, i, dt: x | {"v": i.sum()}},
        r"update.*'v'.*shape \(\).*expected \(3,\)",
    ),
    "update returns too many values": (
        {"update": lambda p, x, i, dt: x | {"v": jnp.outer(i, i)}},
        r"update.*'v'.*\(3, 3\).*expected \(3,\)",
    ),
    "update changes a dtype": (
        {"update": lambda p, x, i, dt: x | {"n": x["n"].astype(jnp.float32)}},
        r"update.*'n'.*float32.*expected.*int32",
    ),
    "reset changes a dtype": (
        {"reset": lambda p, x: x | {"on": x["on"].astype(jnp.int32)}},
        r"reset.*'on'.*int32.*expected.*bool",
    ),
    "threshold is a bool": (
        {"threshold": lambda p, x: x["v"] >= p["theta"]},
        r"threshold.*bool.*expected.*float32",
    ),
    "threshold is a scalar": (
        {"threshold": lambda p, x: x["v"].max() - 1},
        r"threshold.*shape \(\).*expected \(3,\)",
    ),
    "threshold returns None": ({"threshold": lambda p, x: None}, r"threshold.*NoneType.*array"),
    "surrogate has another shape": (
        {"surrogate": lambda m: m.sum()},
        r"surrogate.*shape \(\).*expected \(3,\)",
    ),
    "unknown parameter": (
        {"threshold": lambda p, x: x["v"] - p["thresh"]},
        r"threshold reads 'thresh'.*'theta'",
    ),
    "unknown variable": (
        {"update": lambda p, x, i, dt: x | {"v": x["u"] + i}},
        r"update reads 'u'.*'v'",
    ),
    "Python if": ({"update": python_if}, r"update.*not traceable.*jnp\.where"),
    "Python if on an array": ({"update": python_if_on_all}, r"update.*not traceable.*jnp\.where"),
    "NumPy call": ({"update": numpy_call}, r"update.*not traceable"),
    "not vmappable": ({"update": not_vmappable}, r"update.*vmap"),
    "update is not a dict": (
        {"update": lambda p, x, i, dt: x["v"] + i},
        r"update.*expected a dict",
    ),
    "wrong number of arguments": (
        {"update": lambda p, x, i: x},
        r"update.*TypeError.*argument",
    ),
    "raises": ({"reset": lambda p, x: 1 / 0}, r"reset.*ZeroDivisionError"),
}


@pytest.mark.parametrize("fault", NEURON_FAULTS)
def test_a_fault_in_a_neuron_model_is_named(fault: str) -> None:
    changes, message = NEURON_FAULTS[fault]
    model = dataclasses.replace(GOOD, **changes)
    with pytest.raises(ValueError, match=message):
        jsnn.check_model(model)


@pytest.mark.parametrize("fault", NEURON_FAULTS)
def test_a_faulty_neuron_model_does_not_get_into_a_network(fault: str) -> None:
    changes, message = NEURON_FAULTS[fault]
    population = jsnn.Population("retina", 4, dataclasses.replace(GOOD, **changes))
    with pytest.raises(ValueError, match=rf"(?s)population 'retina'.*{message}"):
        jsnn.Network([population])


SEVERAL_INPUTS_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown input": (
        {"update": lambda p, x, i, dt: {"v": x["v"] + i["g_x"]}},
        r"update reads 'g_x'.*'g_e', 'g_i'",
    ),
    "unknown draw": (
        {"threshold": lambda p, x: x["v"] - p["uniform"]},
        r"threshold reads 'uniform'.*'noise'",
    ),
    "inputs as if they were a current": (
        {"update": lambda p, x, i, dt: {"v": x["v"] + i * dt}},
        r"update fails when traced.*dict",
    ),
    "a sampler with other arguments": (
        {"draws": (("noise", lambda key: key),)},
        r"draw 'noise' fails when traced: TypeError",
    ),
    "a sampler of integers": (
        {"draws": (("noise", lambda key, shape, dtype: jax.random.bits(key, shape)),)},
        r"update fails when traced: TypePromotionError.*'uint32'",
    ),
    "a sampler of one number": (
        {"draws": (("noise", lambda key, shape, dtype: jax.random.normal(key, (), dtype)),)},
        r"draw 'noise': returns shape \(\)",
    ),
    "max_dt of an unknown parameter": (
        {"max_dt": lambda p: p["tau"]},
        r"max_dt reads 'tau'.*'tau_m'",
    ),
    "max_dt of another shape": (
        {"max_dt": lambda p: jnp.ones(2)},
        r"max_dt fails when traced.*\[2\].*\[3\]",
    ),
}


@pytest.mark.parametrize("fault", SEVERAL_INPUTS_FAULTS)
def test_a_fault_in_inputs_draws_or_the_longest_step_is_named(fault: str) -> None:
    changes, message = SEVERAL_INPUTS_FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        jsnn.check_model(dataclasses.replace(SEVERAL_INPUTS, **changes))


SYNAPSE_FAULTS: dict[str, tuple[Any, str]] = {
    "no current": (lambda p, x, a, post, dt: x, r"update.*expected \(new variables, current\)"),
    "no variables": (lambda p, x, a, post, dt: ({}, a), r"update, variables.*drops.*'n'"),
    "a scalar": (lambda p, x, a, post, dt: (x, a.sum()), r"update, current.*shape \(\).*\(3,\)"),
    "another dtype": (
        lambda p, x, a, post, dt: (x, a.astype(jnp.int32)),
        r"update, current.*int32.*expected.*float32",
    ),
    "unknown parameter": (
        lambda p, x, a, post, dt: (x, a * p["tau"]),
        r"update reads 'tau'.*'gain'",
    ),
}


@pytest.mark.parametrize("fault", SYNAPSE_FAULTS)
def test_a_fault_in_a_synapse_model_is_named(fault: str) -> None:
    update, message = SYNAPSE_FAULTS[fault]
    model = dataclasses.replace(GOOD_SYNAPSE, update=update)
    with pytest.raises(ValueError, match=message):
        jsnn.check_model(model)
    projection = jsnn.Projection("a", "b", jsnn.Dense(jnp.ones((2, 2))), model)
    with pytest.raises(ValueError, match=rf"(?s)projection 'a_to_b'.*{message}"):
        jsnn.Network([jsnn.Population(n, 2, jsnn.IF) for n in "ab"], [projection])


SOURCE_FAULTS: dict[str, tuple[Any, str]] = {
    "no variables": (lambda p, x, key, dt: x["phase"], r"current.*expected \(new variables, curr"),
    "a list": (lambda p, x, key, dt: [x, x["phase"]], r"current.*list.*expected \(new variables"),
    "another shape": (lambda p, x, key, dt: (x, dt), r"current, current.*shape \(\).*\(3,\)"),
    "an old key": (
        lambda p, x, key, dt: (x, x["phase"] * key[0]),
        r"current fails when traced",
    ),
}


@pytest.mark.parametrize("fault", SOURCE_FAULTS)
def test_a_fault_in_a_source_model_is_named(fault: str) -> None:
    current, message = SOURCE_FAULTS[fault]
    model = dataclasses.replace(GOOD_SOURCE, current=current)
    with pytest.raises(ValueError, match=message):
        jsnn.check_model(model)
    source = jsnn.CurrentSource("rain", "a", model)
    with pytest.raises(ValueError, match=rf"(?s)current source 'rain'.*{message}"):
        jsnn.Network([jsnn.Population("a", 2, jsnn.IF)], sources=[source])


def test_all_faults_of_a_model_are_told_at_once() -> None:
    model = dataclasses.replace(
        GOOD,
        update=lambda p, x, i, dt: {"v": x["v"]},
        threshold=lambda p, x: x["v"] > 1,
        reset=lambda p, x: x | {"extra": x["v"]},
    )
    with pytest.raises(ValueError, match="cannot be simulated") as error:
        jsnn.check_model(model)
    for part in ("drops variable 'n'", "drops variable 'on'", "threshold", "adds 'extra'"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"update": lambda p, x, i, dt: x | {"v": x["v"] + jnp.round(i)}},
        {"update": lambda p, x, i, dt: x | {"v": x["v"] + (i > 0).astype(i.dtype)}},
        {"update": lambda p, x, i, dt: x | {"v": x["v"] + jax.lax.stop_gradient(i)}},
        {"threshold": lambda p, x: jnp.sign(x["v"] - 1)},
        {"update": lambda p, x, i, dt: x | {"v": x["v"] + jnp.sqrt(i * 0)}},
        {"surrogate": jnp.zeros_like},
        {"surrogate": lambda m: m / (0 * m)},
    ],
    ids=[
        "rounded",
        "compared",
        "stopped",
        "threshold without slope",
        "NaN",
        "surrogate of zero",
        "surrogate of NaN",
    ],
)
def test_a_lost_gradient_is_a_warning(changes: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match=r"NeuronModel.*gradient"):
        jsnn.check_model(dataclasses.replace(GOOD, **changes))


def test_a_model_without_gradient_can_still_be_simulated() -> None:
    rounding = dataclasses.replace(
        GOOD, update=lambda p, x, i, dt: x | {"v": x["v"] + jnp.round(i)}
    )
    network = jsnn.Network([jsnn.Population("a", 2, rounding)])
    _, kept = jsnn.simulate(network, {"a": 1.0}, 3, record={"n": jsnn.SpikeCount("a")})
    np.testing.assert_array_equal(kept["n"], [3, 3])


@pytest.mark.parametrize("given", ["IF", None, jsnn.NeuronModel, len], ids=str)
def test_what_is_no_model_is_named(given: Any) -> None:
    with pytest.raises(TypeError, match=r"check_model: given .*expected a NeuronModel"):
        jsnn.check_model(given)


def test_checking_compiles_nothing_for_a_faulty_model(compilations) -> None:
    model = dataclasses.replace(GOOD, update=NEURON_FAULTS["update adds a variable"][0]["update"])
    with compilations() as compiled, pytest.raises(ValueError, match="adds"):
        jsnn.check_model(model)
    assert compiled == []


def test_a_model_is_checked_in_the_dtype_of_its_network() -> None:
    """One that insists on float32 is no model for a float64 network."""
    stubborn = dataclasses.replace(
        GOOD, update=lambda p, x, i, dt: x | {"v": (x["v"] + i).astype(jnp.float32)}
    )
    jsnn.check_model(stubborn)
    with jax.enable_x64(True), pytest.raises(ValueError, match=r"'v'.*float32.*expected.*float64"):
        jsnn.Network([jsnn.Population("a", 2, stubborn)])


def test_a_model_is_traced_once_for_another_number_of_neurons() -> None:
    traced = []

    def current(p: Any, x: Any, key: Any, dt: Any) -> Any:
        traced.append(p["level"].shape)
        return x, jnp.zeros_like(p["level"])

    model = jsnn.CurrentSourceModel(params={"level": 1.0}, variables={}, current=current)
    source = jsnn.CurrentSource("source", "a", model)
    for size in (3, 40, 50):
        jsnn.Network([jsnn.Population("a", size, jsnn.IF)], sources=[source])
    assert traced.count((3,)) == 2  # alone, and under vmap
    assert traced.count((40,)) == traced.count((50,)) == 1
