"""Events, graded transmission and numbers of each synapse, and targets that are variables."""

from typing import Any

import jax
import numpy as np
import pytest

import jsnn

F32 = np.float32

UP = jsnn.SynapseModel(
    params={"level": 1.0},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    event=lambda p, pre: pre["v"] - p["level"],
)


def connectivity(kind: str, weights: np.ndarray) -> Any:
    if kind == "dense":
        return jsnn.Dense(weights)
    pre, post = np.nonzero(weights)
    return jsnn.Sparse(pre, post, weights[pre, post], *weights.shape)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("delay", [1, 3])
def test_an_event_is_sent_in_every_step_in_which_its_condition_holds(kind: str, delay: int) -> None:
    """By the book: b gets the weights of the neurons of a with v >= 1, `delay` steps before."""
    random = np.random.default_rng(delay)
    weights = random.random((4, 3)).astype(F32)
    currents = random.normal(size=(15, 4)).astype(F32)
    rule = jsnn.PlasticityModel(
        params={},
        variables={"events": 0.0},
        pre={},
        post={},
        on_pre=lambda p, s, pre, post: s | {"events": s["events"] + 1},
    )
    network = jsnn.Network(
        [jsnn.Population("a", 4, jsnn.INTEGRATOR), jsnn.Population("b", 3, jsnn.INTEGRATOR)],
        [
            jsnn.Projection(
                *("a", "b", connectivity(kind, weights), UP),
                delay=delay,
                axonal=0,
                plasticity=jsnn.Plasticity(rule),
            )
        ],
    )
    drive = {"a": jsnn.over_time(currents)}
    for scheduled in (True, False):
        state, _ = jsnn.simulate(network, drive, 15, scheduled=scheduled)
        are_up = np.cumsum(currents, axis=0) >= 1
        expected = are_up[: 15 - delay].astype(F32) @ weights
        np.testing.assert_allclose(
            state.populations["b"]["v"], expected.sum(axis=0), rtol=1e-5, atol=1e-6
        )
        plastic = state.projections["a_to_b"].plasticity
        assert plastic is not None
        counts = np.broadcast_to(are_up.sum(axis=0)[:, None], (4, 3))
        given = np.asarray(plastic.synapses["events"])
        np.testing.assert_array_equal(given, counts if kind == "dense" else counts.ravel())


def test_what_is_sent_may_depend_on_the_spike() -> None:
    model = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends=lambda p, pre: pre["spike"] * 10 + pre["v"],
    )
    network = jsnn.Network(
        [
            jsnn.Population("a", 1, jsnn.IF, {"v_thresh": 2.0}),
            jsnn.Population("b", 1, jsnn.INTEGRATOR),
        ],
        [jsnn.Projection("a", "b", jsnn.Dense(np.ones((1, 1), F32)), model)],
    )
    record = {"v": jsnn.Variable("b", "v")}
    _, recorded = jsnn.simulate(network, {"a": 1.0}, 4, record=record)
    np.testing.assert_array_equal(recorded["v"][:, 0], [0, 1, 11, 12])


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("delay", [1, 2])
def test_gap_junctions_equal_coupled_equations(kind: str, delay: int) -> None:
    """By the book: dV_i = Σ_j g_ji (V_j - V_i), with the voltages after `delay` steps before."""
    random = np.random.default_rng(2)
    g = (0.1 * random.random((4, 4))).astype(F32)
    start = random.normal(size=4).astype(F32)
    network = jsnn.Network(
        [jsnn.Population("cells", 4, jsnn.INTEGRATOR, initial={"v": start})],
        [jsnn.Projection("cells", "cells", connectivity(kind, g), jsnn.GAP_JUNCTION, delay=delay)],
    )
    record = {"v": jsnn.Variable("cells", "v")}
    run = jax.jit(lambda network: jsnn.simulate(network, {}, 6, record=record)[1]["v"])
    rows = [np.asarray(start, np.float64)]
    for n in range(6):
        v = rows[n + 1 - delay] if n >= delay else None
        flow = 0 if v is None else (g * (v[:, None] - v[None])).sum(axis=0)
        rows.append(rows[-1] + flow)
    np.testing.assert_allclose(run(network), rows[1:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_projection_to_a_variable_makes_it_jump(kind: str) -> None:
    """By the book: V <- V + w at an arriving spike, then V decays over the step."""
    random = np.random.default_rng(3)
    weights, trains = random.random((5, 3)).astype(F32), random.random((30, 5)) < 0.2
    model, params = jsnn.LIF, {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 2.0, "tau_refrac": 0.0}
    network = jsnn.Network(
        [
            jsnn.Population("a", 5, jsnn.SPIKE_SOURCE),
            jsnn.Population("b", 3, model, params, {"v": 0.0}),
        ],
        [jsnn.Projection("a", "b", connectivity(kind, weights), target="v")],
    )
    record = {"v": jsnn.Variable("b", "v"), "spikes": jsnn.Spikes("b")}
    _, recorded = jsnn.simulate(network, {"a": jsnn.over_time(trains)}, 30, record=record)
    v, decay = np.zeros(3), np.exp(-1 / float(network.population("b").params["tau_m"]))
    for n in range(30):
        v = (v + (weights.T @ trains[n - 1] if n else 0)) * decay
        spikes = v >= 2
        v = np.where(spikes, 0, v)
        np.testing.assert_array_equal(recorded["spikes"][n], spikes)
        np.testing.assert_allclose(recorded["v"][n], v, rtol=1e-5, atol=1e-6)
    assert recorded["spikes"].any()


def test_a_source_clamps_the_voltage_that_it_reads() -> None:
    """A clamp of conductance g: V <- V + (V_clamp - V) g, for an integrator with dt = 1 ms."""
    clamp = jsnn.CurrentSourceModel(
        params={"g": 0.25, "v_clamp": 8.0},
        variables={},
        current=lambda p, x, key, dt: (x, p["g"] * (p["v_clamp"] - p["v"])),
        reads=("v",),
    )
    network = jsnn.Network(
        [jsnn.Population("cells", 3, jsnn.INTEGRATOR)],
        sources=[jsnn.CurrentSource("clamp", "cells", clamp)],
    )
    state, _ = jsnn.simulate(network, {}, 10)
    np.testing.assert_allclose(state.populations["cells"]["v"], 8 * (1 - 0.75**10), rtol=1e-6)


def test_what_is_sent_may_come_from_a_table() -> None:
    model = jsnn.SynapseModel(
        params={"gain": jsnn.Quantity([1.0])},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends=lambda p, pre: pre["v"] * p["gain"][p["step"]],
    )
    gain = np.array([0, 1, 10, 100], F32)
    network = jsnn.Network(
        [
            jsnn.Population("a", 2, jsnn.INTEGRATOR, initial={"v": np.array([1, 2], F32)}),
            jsnn.Population("b", 1, jsnn.INTEGRATOR),
        ],
        [jsnn.Projection("a", "b", jsnn.Dense(np.ones((2, 1), F32)), model, {"gain": gain})],
    )
    state, _ = jsnn.simulate(network, {}, 4)
    np.testing.assert_array_equal(state.populations["b"]["v"], [3 * (0 + 1 + 10)])


def test_a_rule_without_traces_learns_at_synapses_with_axonal_parts() -> None:
    """By the book: each arrival at a synapse, `axonal` steps after the spike, adds 1."""
    rule = jsnn.PlasticityModel(
        params={},
        variables={"count": 0.0},
        pre={},
        post={},
        on_pre=lambda p, s, pre, post: s | {"count": s["count"] + pre["v"]},
        reads_pre=("v",),
    )
    axonal = np.array([0, 1, 2])
    sparse = jsnn.Sparse(
        [0, 0, 1], [0, 1, 1], np.ones(3, F32), 2, 2, delays=axonal + 1, axonal=axonal
    )
    fires = jsnn.Population("a", 2, jsnn.IF, {"v_thresh": 1.0, "v_reset": 0.5})
    network = jsnn.Network(
        [fires, jsnn.Population("b", 2, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", sparse, plasticity=jsnn.Plasticity(rule))],
    )
    for scheduled in (True, False):
        state, _ = jsnn.simulate(network, {"a": 1.0}, 5, scheduled=scheduled)
        plastic = state.projections["a_to_b"].plasticity
        assert plastic is not None
        np.testing.assert_array_equal(plastic.synapses["count"], [2.5, 2.0, 1.5])


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_sends_each_takes_parameters_of_the_postsynaptic_neurons(kind: str) -> None:
    model = jsnn.SynapseModel(
        params={"gain": 1.0},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        sends_each=lambda p, weight, pre, post: p["gain"] * weight * pre["spike"],
    )
    weights = np.diag([1, 2, 3]).astype(F32)[:, ::-1].copy()
    gain = F32([1, 10, 100])
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.SPIKE_SOURCE), jsnn.Population("b", 3, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", connectivity(kind, weights), model, {"gain": gain})],
    )
    state, _ = jsnn.simulate(network, {"a": np.ones(3, bool)}, 2)
    np.testing.assert_array_equal(state.populations["b"]["v"], [3, 20, 100])


@pytest.mark.parametrize("sending", ["event", "sends"])
def test_a_condition_in_place_of_a_number_is_refused(sending: str) -> None:
    model = jsnn.SynapseModel(
        params={},
        variables={},
        update=lambda p, x, arriving, post, dt: (x, arriving),
        **{sending: lambda p, pre: pre["v"] > 1},
    )
    cells = jsnn.Population("a", 2, jsnn.IF)
    projection = jsnn.Projection("a", "a", jsnn.Dense(np.ones((2, 2), F32)), model)
    with pytest.raises(ValueError, match=f"{sending} returns an array of bool; expected one of fl"):
        jsnn.Network([cells], [projection])
