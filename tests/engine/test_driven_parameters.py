"""Parameters and inputs that change from step to step, given in the drive."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.random_networks import random_case

F32 = np.float32


def changing(network: jsnn.Network, num_steps: int, random: np.random.Generator) -> dict[str, Any]:
    """Return time courses around a parameter of every part that has one, {part: {name: [T]}}."""

    def course(params: Any) -> dict[str, np.ndarray]:
        names = sorted(name for name, x in params.items() if np.ndim(x) == 0 and np.asarray(x))
        if not names:
            return {}
        name = names[random.integers(len(names))]
        factors = 1 + 0.02 * random.random(num_steps)
        return {name: (np.asarray(params[name], np.float64) * factors).astype(F32)}

    found: dict[str, Any] = {}
    for part in network.parts:
        given: dict[str, Any] = course(part.params)
        rule = getattr(part, "plasticity", None)
        if rule is not None and (of_rule := course(rule.params)):
            given["plasticity"] = of_rule
        if given:
            found[part.name] = given
    return found


def marked(courses: Any) -> Any:
    return jax.tree.map(jsnn.over_time, courses)


@pytest.mark.parametrize("seed", [3, 8])
def test_a_course_equals_a_run_of_single_steps_with_other_parameters(seed: int) -> None:
    case, random = random_case(seed), np.random.default_rng(seed)
    num_steps = 6
    courses = changing(case.network, num_steps, random)
    record = {p.name: jsnn.Spikes(p.name) for p in case.network.populations}
    state, recorded = jsnn.simulate(
        case.network, marked(courses), num_steps, key=case.key, record=record
    )

    @jax.jit
    def one(state: jsnn.State, now: Any) -> Any:
        return jsnn.simulate(case.network.with_params(now), {}, 1, state=state, record=record)

    expected = jsnn.init(case.network, case.key)
    spikes = []
    for n in range(num_steps):
        expected, step = one(expected, jax.tree.map(lambda x: x[n], courses))  # noqa: B023
        spikes.append(step)
    for name in record:
        np.testing.assert_array_equal(recorded[name], np.concatenate([s[name] for s in spikes]))
    bare = [jax.tree.map(np.asarray, s.populations) for s in (state, expected)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *bare)


def test_a_constant_parameter_equals_that_of_the_network() -> None:
    case = random_case(5)
    given = {
        name: {k: x for k, x in values.items() if k != "plasticity"}
        for name, values in changing(case.network, 1, np.random.default_rng(5)).items()
    }
    given = jax.tree.map(lambda x: x[0], {k: v for k, v in given.items() if v})
    driven = jsnn.simulate(case.network, given, 8, key=case.key)[0]
    changed = jsnn.simulate(case.network.with_params(given), {}, 8, key=case.key)[0]
    for name, values in changed.populations.items():
        for variable, expected in values.items():
            np.testing.assert_array_equal(driven.populations[name][variable], expected)


def test_thresholds_and_time_constants_follow_their_courses() -> None:
    """By the book: V relaxes to v_rest + r_m I with τ(n), and spikes at V >= θ(n)."""
    num_steps, size = 60, 3
    random = np.random.default_rng(0)
    tau = 10 + 5 * random.random(num_steps)
    theta = -52 + 2 * random.random((num_steps, size))
    network = jsnn.Network([jsnn.Population("cells", size, jsnn.LIF, {"tau_refrac": 0.0})])
    drive = {
        "cells": {
            "current": 2.0,
            "tau_m": jsnn.over_time(tau.astype(F32)),
            "v_thresh": jsnn.over_time(theta.astype(F32)),
        }
    }
    record = {"spikes": jsnn.Spikes("cells"), "v": jsnn.Variable("cells", "v")}
    _, recorded = jsnn.simulate(network, drive, num_steps, record=record)
    p = {k: float(x) for k, x in network.population("cells").params.items() if np.ndim(x) == 0}
    v = np.full(size, float(network.population("cells").initial["v"]))
    for n in range(num_steps):
        still = p["v_rest"] + p["r_m"] * 2.0
        v = still + (v - still) * np.exp(-1 / tau[n])
        spikes = v >= theta[n].astype(F32)
        v = np.where(spikes, p["v_reset"], v)
        np.testing.assert_array_equal(recorded["spikes"][n], spikes)
        np.testing.assert_allclose(recorded["v"][n], v, rtol=1e-5)
    assert recorded["spikes"].sum() > 5


def test_named_inputs_may_be_driven() -> None:
    model = jsnn.NeuronModel(
        params={},
        variables={"a": 0.0, "b": 0.0},
        update=lambda p, x, inputs, dt: {"a": x["a"] + inputs["a"], "b": x["b"] + inputs["b"]},
        threshold=lambda p, x: -1 - jnp.abs(x["a"]),
        inputs=("a", "b"),
    )
    network = jsnn.Network([jsnn.Population("cells", 2, model)])
    course = np.arange(8, dtype=F32).reshape(4, 2)
    state, _ = jsnn.simulate(network, {"cells": {"a": 0.5, "b": jsnn.over_time(course)}}, 4)
    np.testing.assert_array_equal(state.populations["cells"]["a"], [2, 2])
    np.testing.assert_array_equal(state.populations["cells"]["b"], course.sum(axis=0))


def test_parameters_of_synapses_and_sources_follow_their_courses() -> None:
    """By the book: i <- (i + w) exp(-dt/τ(n)), I = i τ(n) (1 - exp(-dt/τ(n))) / dt."""
    num_steps = 12
    random = np.random.default_rng(1)
    tau, trains = 2 + random.random(num_steps), random.random((num_steps, 3)) < 0.4
    magnitude = random.random((num_steps, 2))
    weights = random.random((3, 2)).astype(F32)
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.SPIKE_SOURCE), jsnn.Population("b", 2, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", jsnn.Dense(weights), jsnn.EXPONENTIAL)],
        [jsnn.CurrentSource("dc", "b", jsnn.CONSTANT)],
    )
    drive = {
        "a": jsnn.over_time(trains),
        "a_to_b": {"tau": jsnn.over_time(tau.astype(F32))},
        "dc": {"magnitude": jsnn.over_time(magnitude.astype(F32))},
    }
    v = jsnn.simulate(network, drive, num_steps)[0].populations["b"]["v"]
    i_syn, expected = np.zeros(2), np.zeros(2)
    for n in range(num_steps):
        i_syn = i_syn + (weights.T @ trains[n - 1] if n else 0)
        expected += i_syn * tau[n] * (1 - np.exp(-1 / tau[n])) + magnitude[n]
        i_syn = i_syn * np.exp(-1 / tau[n])
    np.testing.assert_allclose(v, expected, rtol=1e-5)


def test_gradients_reach_a_course_of_thresholds() -> None:
    """With a soft reset, dv/dθ(n) = -1 where the neuron spikes; the surrogate adds its slope."""
    network = jsnn.Network([jsnn.Population("cells", 1, jsnn.IF_SOFT_RESET)])

    def end(course: jax.Array) -> jax.Array:
        drive = {"cells": {"current": 0.3, "v_thresh": jsnn.over_time(course)}}
        return jsnn.simulate(network, drive, 5)[0].populations["cells"]["v"][0]

    gradient = jax.grad(end)(jnp.full(5, 1.0))
    assert np.isfinite(gradient).all()
    assert np.any(gradient != 0)


@pytest.mark.parametrize(
    ("rule", "given", "message"),
    [
        (None, {"tau_plus": 20.0}, "'a_to_b': given parameters of its plasticity; expected none"),
        (
            jsnn.STDP,
            {"tau_plus": np.full((2, 2), 20, np.float32)},
            "'tau_plus': given one value pe",
        ),
        (
            jsnn.STDP,
            {"tau_plus": jsnn.over_time(np.full((3, 2, 2), 20, np.float32))},
            "'tau_plus': given one value per synapse; expected a scalar",
        ),
    ],
)
def test_parameters_of_a_rule_that_cannot_be_given_by_the_drive(
    rule: Any, given: Any, message: str
) -> None:
    dense = jsnn.Dense(np.full((2, 2), 0.5, np.float32))
    learning = None if rule is None else jsnn.Plasticity(rule)
    projection = jsnn.Projection("a", "b", dense, plasticity=learning)
    network = jsnn.Network([jsnn.Population(name, 2, jsnn.IF) for name in "ab"], [projection])
    with pytest.raises(ValueError, match=message):
        jsnn.simulate(network, {"a_to_b": {"plasticity": given}}, 3)
