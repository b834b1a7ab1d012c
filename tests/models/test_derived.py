"""Parameters that a neuron model derives from its parameters and dt."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.conversion.neurons import counted
from jsnn.models.dependence import each_by_itself
from tests.networks import F32

LEAKY = jsnn.NeuronModel(
    params={"tau": 8.0, "v_thresh": 1.0},
    variables={"v": 0.0},
    derived=lambda p, dt: {
        "left": jsnn.decay(p["tau"], dt),
        "half": jsnn.product(p["v_thresh"], 0.5),
        "per_ms": 1 / dt,
    },
    update=lambda p, x, current, dt: x | {"v": jsnn.product(x["v"], p["left"]) + current},
    threshold=lambda p, x: x["v"] - 2 * p["half"],
    reset=lambda p, x: x | {"v": p["half"] - 0.5 * p["per_ms"]},
)
N, T, DT = 7, 60, 0.5
CURRENT = np.linspace(0.15, 0.4, N).astype(F32)
TAU = np.linspace(4, 12, N).astype(F32)


def simulated(model: jsnn.NeuronModel, tau: Any, *, dt: Any = DT, scheduled: bool = True) -> Any:
    network = jsnn.Network([jsnn.Population("a", N, model, {"tau": tau})], dt=dt)
    record = {"v": jsnn.Variable("a"), "spikes": jsnn.Spikes("a")}
    return jsnn.simulate(network, {"a": CURRENT}, T, record=record, scheduled=scheduled)[1]


def by_the_book(tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return spikes and v, [T, N], in float64."""
    v, spikes, trace = np.zeros(N), [], []
    for _ in range(T):
        v = v * np.exp(-DT / tau.astype(float)) + CURRENT
        spikes.append(v >= 1)
        v = np.where(spikes[-1], 0.5 - 0.5 / DT, v)
        trace.append(v)
    return np.array(spikes), np.array(trace)


@pytest.mark.parametrize("scheduled", [True, False])
def test_update_threshold_and_reset_find_derived_parameters(scheduled: bool) -> None:
    spikes, v = by_the_book(TAU)
    assert spikes.sum(axis=0).min() > 1
    kept = simulated(LEAKY, TAU, scheduled=scheduled)
    np.testing.assert_array_equal(kept["spikes"], spikes)
    np.testing.assert_allclose(kept["v"], v, atol=1e-5)


def test_a_derived_parameter_has_the_bits_of_the_same_in_each_step() -> None:
    """Parameters are one number, one per neuron, or batched by `vmap`, as dt is."""
    model = LEAKY

    def in_each_step(p: Any, x: Any, current: Any, dt: Any) -> Any:
        return LEAKY.update(p | {"left": jsnn.decay(p["tau"], dt)}, x, current, dt)

    expected = simulated(dataclasses.replace(LEAKY, update=in_each_step), F32(8))["v"]
    for tau in (F32(8), np.full(N, 8, F32)):
        np.testing.assert_array_equal(simulated(model, tau)["v"], expected)
    batch = jax.jit(jax.vmap(lambda tau, dt: simulated(model, tau, dt=dt)["v"]))
    several = batch(jnp.array([5, 8, 11], F32), jnp.array([0.1, DT, 1], F32))
    np.testing.assert_array_equal(several[1], expected)


def test_a_gradient_passes_through_derived_parameters() -> None:
    def v_after(tau: Any) -> Any:
        network = jsnn.Network([jsnn.Population("a", 1, LEAKY, {"tau": tau})], dt=DT)
        return jsnn.simulate(network, {"a": 0.01}, 5)[0].populations["a"]["v"][0]

    k = np.arange(5)
    expected = (0.01 * k * DT / 64 * np.exp(-k * DT / 8)).sum()
    np.testing.assert_allclose(jax.grad(v_after)(8.0), expected, rtol=1e-5)


def test_models_that_count_their_spikes_keep_derived_parameters() -> None:
    spikes, _ = by_the_book(TAU)
    network = jsnn.Network([jsnn.Population("a", N, counted(LEAKY), {"tau": TAU})], dt=DT)
    total = jsnn.simulate(network, {"a": CURRENT}, T)[0].populations["a"]["total"]
    np.testing.assert_array_equal(total, spikes.sum(axis=0))


FACTORS = np.ones(3, F32)


def mapped(p: Any, dt: Any) -> Any:
    return {"left": jax.vmap(jsnn.decay, (0, None))(p["tau"], dt)}


FAULTS: dict[str, tuple[Any, str]] = {
    "no dict": (lambda p, dt: p["tau"], r"derived returns an array of shape \(3,\); .* a dict"),
    "None": (lambda p, dt: None, r"derived returns a NoneType; expected a dict"),
    "an unknown parameter": (lambda p, dt: {"left": p["tau_m"]}, r"derived reads 'tau_m'.*'tau'"),
    "a Python if": (lambda p, dt: {"left": dt if dt > 1 else p["tau"]}, r"derived .*traceable"),
    "the name of a parameter": (
        lambda p, dt: {"tau": p["tau"]},
        r"derived returns 'tau', which is also a parameter; expected another name",
    ),
    "the name of a variable": (lambda p, dt: {"v": p["tau"]}, r"'v', which is also a variable"),
    "the name of a draw": (lambda p, dt: {"u": p["tau"]}, r"'u', which is also a draw"),
    "another shape": (
        lambda p, dt: {"left": p["tau"][:2]},
        r"derived, parameter 'left': returns shape \(2,\) of float32; expected \(3,\)",
    ),
    "another dtype": (
        lambda p, dt: {"left": p["tau"] > 1},
        r"derived, parameter 'left': returns shape \(3,\) of bool; expected \(3,\) of float32",
    ),
    "no array": (lambda p, dt: {"left": {"a": dt}}, r"'left': returns a dict; expected an array"),
    "a mean": (lambda p, dt: {"left": p["tau"].mean()}, r"derived does not work elementwise"),
    "a number for each of 3": (lambda p, dt: {"left": p["tau"] * FACTORS}, r"not work elementwise"),
    "the number of neurons": (
        lambda p, dt: {"left": p["tau"] * p["tau"].shape[0]},
        r"derived does not work elementwise",
    ),
    "no scalar parameters": (mapped, r"derived, for scalar parameters, fails when traced"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_derived_is_named(fault: str) -> None:
    derived, message = FAULTS[fault]
    model = dataclasses.replace(LEAKY, derived=derived, draws=(("u", jax.random.uniform),))
    with pytest.raises(ValueError, match=message) as error:
        jsnn.check_model(model)
    assert "update" not in str(error.value)  # which would miss what is not derived
    assert "test_derived.py" in str(error.value)
    with pytest.raises(ValueError, match=rf"(?s)population 'a'.*{message}"):
        jsnn.Network([jsnn.Population("a", 5, model)])


def test_what_is_not_derived_is_named() -> None:
    with pytest.raises(ValueError, match=r"update reads 'left'"):
        jsnn.check_model(dataclasses.replace(LEAKY, derived=lambda p, dt: {"half": p["tau"]}))


def test_a_model_with_derived_parameters_is_each_by_itself() -> None:
    assert jsnn.check_model(LEAKY) is None
    assert each_by_itself(LEAKY)
    assert not each_by_itself(dataclasses.replace(LEAKY, derived=FAULTS["a mean"][0]))
