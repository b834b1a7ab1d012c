"""The clock, tables, shared variables and random draws that functions of models find."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

F32 = np.float32


def never(p: dict[str, jax.Array], x: dict[str, jax.Array]) -> jax.Array:
    return jnp.full_like(x["v"], -1)


def test_models_find_a_clock() -> None:
    neuron = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "n": 0},
        update=lambda p, x, current, dt: {
            "v": p["t"] + 0 * current,
            "n": x["n"] * 0 + p["step"],
        },
        threshold=never,
    )
    source = jsnn.CurrentSourceModel(
        params={},
        variables={"at": 0.0},
        current=lambda p, x, key, dt: ({"at": x["at"] * 0 + p["t"]}, x["at"]),
    )
    network = jsnn.Network(
        [jsnn.Population("cells", 2, neuron)],
        sources=[jsnn.CurrentSource("source", "cells", source)],
        dt=0.5,
    )
    state, _ = jsnn.simulate(network, {}, 5)
    state, _ = jsnn.simulate(network, {}, 3, state=state)
    np.testing.assert_array_equal(state.populations["cells"]["v"], [3.5, 3.5])
    np.testing.assert_array_equal(state.populations["cells"]["n"], [7, 7])
    np.testing.assert_array_equal(state.sources["source"]["at"], [3.5, 3.5])


def test_a_table_is_shared_or_has_a_column_for_each_neuron() -> None:
    """A neuron that looks up its input in a table, V <- V + f[step] + g[step, i]."""
    model = jsnn.NeuronModel(
        params={"f": jsnn.Quantity([0.0]), "g": jsnn.Quantity([[0.0]])},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: {"v": x["v"] + p["f"][p["step"]] + p["g"][p["step"]]},
        threshold=never,
    )
    f, g = np.arange(4, dtype=F32), np.arange(12, dtype=F32).reshape(4, 3)
    population = jsnn.Population("cells", 3, model, {"f": f, "g": g})
    state, _ = jsnn.simulate(jsnn.Network([population]), {}, 4)
    np.testing.assert_array_equal(state.populations["cells"]["v"], f.sum() + g.sum(axis=0))

    def end(f: jax.Array) -> jax.Array:
        network = jsnn.Network([population]).with_params({"cells": {"f": f}})
        return jsnn.simulate(network, {}, 2)[0].populations["cells"]["v"].sum()

    np.testing.assert_array_equal(jax.grad(end)(jnp.asarray(f)), [3, 3, 0, 0])


def test_a_synapse_model_may_have_a_table() -> None:
    model = jsnn.SynapseModel(
        params={"gain": jsnn.Quantity([1.0])},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving * p["gain"][p["step"]]),
    )
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.SPIKE_SOURCE), jsnn.Population("b", 1, jsnn.INTEGRATOR)],
        [
            jsnn.Projection(
                *("a", "b", jsnn.Dense(np.ones((2, 1), F32)), model),
                params={"gain": np.array([0, 1, 10, 100], F32)},
            )
        ],
    )
    trains = jsnn.over_time(np.ones((4, 2), bool))
    state, _ = jsnn.simulate(network, {"a": trains}, 4)
    np.testing.assert_array_equal(state.populations["b"]["v"], [222])


def test_a_variable_may_be_shared_by_a_population() -> None:
    """A normalised population: V_i <- V_i + I_i - mean, with the mean of the step before."""
    model = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "mean": jsnn.Quantity(0.0, shared=True)},
        update=lambda p, x, current, dt: {
            "v": x["v"] + current - x["mean"],
            "mean": jnp.mean(current),
        },
        threshold=never,
    )
    networks = jsnn.Network([jsnn.Population(name, 3, model) for name in "ab"])
    currents = np.array([1, 2, 6], F32)
    record = {"mean": jsnn.Variable("a", "mean"), "last": jsnn.FinalVariable("b", "mean")}
    state, recorded = jsnn.simulate(networks, {"a": currents}, 3, record=record)
    assert state.populations["a"]["mean"].shape == ()
    np.testing.assert_array_equal(state.populations["a"]["v"], 3 * currents - 2 * 3)
    np.testing.assert_array_equal(recorded["mean"], [3, 3, 3])
    assert recorded["last"] == 0


def test_a_reset_cannot_change_what_a_population_shares() -> None:
    model = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "n": jsnn.Quantity(0.0, shared=True)},
        update=lambda p, x, current, dt: x | {"v": x["v"] + current},
        threshold=lambda p, x: x["v"] - 1,
        reset=lambda p, x: {"v": 0 * x["v"], "n": x["n"] + 1},
    )
    with pytest.raises(ValueError, match="reset changes 'n', which all neurons share"):
        jsnn.Network([jsnn.Population("a", 3, model)])


@pytest.mark.parametrize("how", ["sends", "sends_each"])
def test_a_shared_variable_may_be_sent(how: str) -> None:
    """By the book: b gets n + v of each step before, n counting the steps of a."""
    counting = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0, "n": jsnn.Quantity(0.0, shared=True)},
        update=lambda p, x, current, dt: {"v": x["v"] + current, "n": x["n"] + 1},
        threshold=never,
    )
    functions = {
        "sends": lambda p, pre: pre["n"] + pre["v"],
        "sends_each": lambda p, weight, pre, post: weight * (pre["n"] + pre["v"]),
    }
    model = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        **{how: functions[how]},
    )
    network = jsnn.Network(
        [jsnn.Population("a", 2, counting), jsnn.Population("b", 3, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", jsnn.Dense(np.ones((2, 3), F32)), model)],
    )
    state, _ = jsnn.simulate(network, {"a": np.array([0.5, 1], F32)}, 4)
    np.testing.assert_array_equal(state.populations["b"]["v"], [2 * (1 + 2 + 3) + 1.5 * 6] * 3)


@pytest.mark.parametrize(
    ("sampler", "mean"),
    [
        (lambda key, shape, dtype: jax.random.bernoulli(key, 0.3, shape), 0.3),
        (lambda key, shape, dtype: jax.random.poisson(key, 2.0, shape), 2.0),
        (lambda key, shape, dtype: jax.random.exponential(key, shape, dtype), 1.0),
    ],
)
def test_neurons_and_synapses_draw_from_any_sampler(sampler: Any, mean: float) -> None:
    neuron = jsnn.NeuronModel(
        params={},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: {"v": x["v"] + p["drawn"].astype(x["v"].dtype)},
        threshold=never,
        draws=[("drawn", sampler)],
    )
    synapse = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving + p["drawn"].astype(arriving.dtype)),
        draws=[("drawn", sampler)],
    )
    network = jsnn.Network(
        [jsnn.Population("a", 500, neuron), jsnn.Population("b", 500, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", jsnn.OneToOne(np.zeros(500, F32)), synapse)],
    )
    state, _ = jsnn.simulate(network, {}, 20, key=jax.random.key(1))
    for name in "ab":
        number = np.asarray(state.populations[name]["v"], np.float64)
        assert abs(number.mean() / 20 - mean) < 0.05 * mean
    assert not np.array_equal(state.populations["a"]["v"], state.populations["b"]["v"])


SHARED = jsnn.Quantity(0.0, shared=True)
AVERAGED = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0, "mean": SHARED},
    update=lambda p, x, current, dt: x | {"v": x["v"] + current, "mean": jnp.mean(x["v"])},
    threshold=never,
)
NOISE = jsnn.SynapseModel(
    params={},
    variables={"level": SHARED},
    update=lambda p, x, arriving, post, dt: (x, arriving),
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reads_pre": ["mean"]}, "reads_pre: given 'mean', one number for a whole population"),
        ({"reads_post": ["before.mean"]}, "reads_post: given 'before.mean', one number"),
        ({"reads_post": ["synapse.level"]}, "given 'synapse.level', one number"),
        ({"variables": {"level": SHARED}}, "variable 'level': given shared=True; expected a vari"),
        ({"pre": {"level": SHARED}}, "trace 'level': given shared=True; expected a trace of each"),
        ({"post": {"level": SHARED}}, "trace 'level': given shared=True"),
    ],
)
def test_a_rule_has_and_reads_nothing_that_is_shared(given: Any, message: str) -> None:
    rule = jsnn.PlasticityModel(**{"params": {}, "variables": {}, "pre": {}, "post": {}, **given})
    cells = [jsnn.Population(name, 3, AVERAGED) for name in "ab"]
    synapses, learning = jsnn.OneToOne(np.ones(3, F32)), jsnn.Plasticity(rule)
    projection = jsnn.Projection("a", "b", synapses, NOISE, plasticity=learning)
    with pytest.raises(ValueError, match=f"'a_to_b', plasticity.*{message}"):
        jsnn.Network(cells, [projection])
