"""Synapses with axonal parts of their own: learning and delivery there, by the book."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._engine import plasticity_step
from jsnn._kernels import native
from tests.networks import F32, FORCE, FORCED, assert_same

NUM_PRE, NUM_POST, NUM_STEPS = 7, 5, 40
KEPT, A, B = 0.9, 0.002, 0.003


def _on_pre(p: Any, s: Any, pre: Any, post: Any) -> Any:
    seen = A * post["y"] + B * (pre["input"] - 2 * post["input"])
    return s | {"weight": s["weight"] - seen, "visits": s["visits"] + 1}


def _on_post(p: Any, s: Any, pre: Any, post: Any) -> Any:
    seen = A * pre["x"] + B * (2 * pre["input"] - post["input"])
    return s | {"weight": s["weight"] + seen, "visits": s["visits"] + 1}


RULE = jsnn.PlasticityModel(
    params={},
    variables={"visits": 0},
    pre={"x": 0.0},
    post={"y": 0.0},
    on_pre=_on_pre,
    on_post=_on_post,
    update_pre=lambda p, x, dt: {"x": KEPT * x["x"]},
    update_post=lambda p, x, dt: {"y": KEPT * x["y"]},
    spike_pre=lambda p, x: {"x": x["x"] + 1},
    spike_post=lambda p, x: {"y": x["y"] + 1},
    reads_pre=("input",),
    reads_post=("input",),
)
"""Pair STDP that also reads a variable of the neurons on both sides."""


@dataclass(frozen=True)
class Synapses:
    """Synapses as arrays of NumPy, in no order."""

    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    axonal: np.ndarray
    back_propagation: int = 0


def forced(random: np.random.Generator, size: int) -> np.ndarray:
    """The input of neurons that spike at random, [T, size]."""
    spikes = random.random((NUM_STEPS, size)) < 0.2
    return np.where(spikes, 2 * FORCE, random.normal(size=(NUM_STEPS, size)))


def by_the_book(synapses: Synapses, a: np.ndarray, b: np.ndarray) -> tuple[Any, ...]:
    """Step by step, synapse by synapse: the input of "b" [T, post], the weights and the visits."""
    weights, back = synapses.weights.copy(), synapses.back_propagation
    x, y = np.zeros(len(weights)), np.zeros(len(weights))
    visits = np.zeros(len(weights), int)
    arriving = np.zeros((NUM_STEPS + synapses.delays.max() + 1, NUM_POST))
    seen_of_b = np.zeros((NUM_STEPS, NUM_POST))

    def at(inputs: np.ndarray, step: int, neuron: int) -> tuple[bool, float]:
        """Return the spike of a neuron in a step and its variable after it."""
        return (inputs[step, neuron] >= FORCE, inputs[step, neuron]) if step >= 0 else (False, 0.0)

    for step in range(NUM_STEPS):
        seen_of_b[step] = b[step] + arriving[step]
        for s, (i, j) in enumerate(zip(synapses.pre, synapses.post, strict=True)):
            spike_a, input_a = at(a, step - synapses.axonal[s], i)
            spike_b, input_b = at(seen_of_b, step - back, j)
            x[s], y[s] = KEPT * x[s], KEPT * y[s]
            if spike_a:
                arriving[step - synapses.axonal[s] + synapses.delays[s], j] += weights[s]
                weights[s] -= A * y[s] + B * (input_a - 2 * input_b)
            if spike_b:
                weights[s] += A * x[s] + B * (2 * input_a - input_b)
            visits[s] += int(spike_a) + int(spike_b)
            x[s], y[s] = x[s] + spike_a, y[s] + spike_b
    return seen_of_b, weights, visits


def network_of(*projections: jsnn.Projection) -> jsnn.Network:
    populations = [jsnn.Population("a", NUM_PRE, FORCED), jsnn.Population("b", NUM_POST, FORCED)]
    return jsnn.Network(populations, projections)


def simulated(network: jsnn.Network, a: np.ndarray, b: np.ndarray, **how: Any) -> tuple[Any, ...]:
    drive = {"a": jsnn.over_time(a), "b": jsnn.over_time(b)}
    record = {"b": jsnn.Variable("b", "input")}
    state, kept = jsnn.simulate(network, drive, len(a), record=record, **how)
    return state, np.asarray(kept["b"])


def run(synapses: Synapses, kind: str, a: np.ndarray, b: np.ndarray, **how: Any) -> tuple[Any, ...]:
    """Run half of the steps and then the others; return what `by_the_book` returns."""
    network, after = network_of(projection_of(synapses, kind)), NUM_STEPS // 2
    state, first = simulated(network, a[:after], b[:after], **how)
    state, rest = simulated(network, a[after:], b[after:], state=state, **how)
    found = state.projections["a_to_b"].plasticity.synapses
    return np.concatenate([first, rest]), np.ravel(found["weight"]), np.ravel(found["visits"])


def projection_of(synapses: Synapses, kind: str, **given: Any) -> jsnn.Projection:
    """Return the synapses, whose delays may be those of each of them or of all."""
    s, shape = synapses, (NUM_PRE, NUM_POST)
    learns: dict[str, Any] = {
        "plasticity": jsnn.Plasticity(RULE),
        "back_propagation": s.back_propagation,
    }
    where, each = {"delay": int(s.delays[0]), "axonal": int(s.axonal[0])}, {}
    if "each" in kind:
        where, each = {}, {"delays": s.delays, "axonal": s.axonal}
    if "dense" in kind:
        each = {name: steps.reshape(shape) for name, steps in each.items()}
        connectivity: Any = jsnn.Dense(s.weights.reshape(shape), **each)
    else:
        connectivity = jsnn.Sparse(s.pre, s.post, s.weights, *shape, **each)
    return jsnn.Projection("a", "b", connectivity, **(learns | where | given))


def drawn(random: np.random.Generator, kind: str, back: int = 0) -> Synapses:
    """Draw synapses with delays of their own, between all pairs if they are dense."""
    if kind == "dense":
        pre, post = np.indices((NUM_PRE, NUM_POST)).reshape(2, -1)
    else:
        pre, post = random.integers(NUM_PRE, size=60), random.integers(NUM_POST, size=60)
    delays = random.integers(1, 7, len(pre))
    weights = random.normal(size=len(pre))
    return Synapses(pre, post, weights, delays, random.integers(delays), back)


def assert_close(got: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(("delay", "axonal", "back"), [(1, 0, 2), (4, 2, 0), (5, 4, 3)])
def test_a_rule_reads_variables_of_neurons_as_they_are_at_the_synapse(
    kind: str, delay: int, axonal: int, back: int
) -> None:
    random = np.random.default_rng(delay)
    pre, post = np.indices((NUM_PRE, NUM_POST)).reshape(2, -1)
    all_of, weights = np.ones(len(pre), int), random.normal(size=len(pre))
    synapses = Synapses(pre, post, weights, delay * all_of, axonal * all_of, back)
    a, b = forced(random, NUM_PRE), forced(random, NUM_POST)
    with jax.enable_x64(True):
        assert_close(run(synapses, kind, a, b), by_the_book(synapses, a, b))


@pytest.mark.parametrize(
    ("kind", "way"),
    [("sparse", "visits"), ("sparse", "no kernels"), ("sparse", "plain"), ("dense", "visits")],
)
def test_each_synapse_has_an_axonal_part_of_its_own(
    monkeypatch: pytest.MonkeyPatch, kind: str, way: str
) -> None:
    monkeypatch.setattr(plasticity_step, "_FEWEST", 0)
    if way == "no kernels":
        monkeypatch.setattr(native, "available", lambda: False)
    jax.clear_caches()
    random = np.random.default_rng(0)
    synapses = drawn(random, kind, back=2)
    a, b = forced(random, NUM_PRE), forced(random, NUM_POST)
    with jax.enable_x64(True):
        got = run(synapses, f"{kind} each", a, b, scheduled=way != "plain")
    jax.clear_caches()
    assert_close(got, by_the_book(synapses, a, b))


def _towards_the_highest(p: Any, x: Any, dt: Any) -> Any:
    return {"trace": 0.5 * (x["trace"] + jnp.max(x["trace"]))}


COUPLED = jsnn.PlasticityModel(
    params={},
    variables={},
    pre={"trace": 0.0},
    post={},
    on_post=lambda p, s, pre, post: s | {"weight": s["weight"] + pre["trace"] / 128},
    update_pre=_towards_the_highest,
    spike_pre=lambda p, x: {"trace": x["trace"] + 1},
)
"""A rule whose traces are coupled."""


@pytest.mark.parametrize("rule", [jsnn.STDP, COUPLED])
def test_axonal_parts_of_each_synapse_are_those_of_projections_apart(
    monkeypatch: pytest.MonkeyPatch, rule: jsnn.PlasticityModel
) -> None:
    """One projection for each axonal part, the longest first, makes the same bits in a batch."""
    monkeypatch.setattr(plasticity_step, "_FEWEST", 0)
    jax.clear_caches()
    random = np.random.default_rng(1)
    s, sizes = drawn(random, "sparse"), (NUM_PRE, NUM_POST)
    axonal = np.minimum(s.axonal, 2)
    s = replace(s, weights=random.uniform(0, 0.5, len(s.pre)).astype(F32), axonal=axonal)
    learning = jsnn.Plasticity(rule)
    whole = jsnn.Sparse(s.pre, s.post, s.weights, *sizes, s.delays, axonal=s.axonal)

    def of(part: np.ndarray) -> jsnn.Sparse:
        return jsnn.Sparse(s.pre[part], s.post[part], s.weights[part], *sizes, s.delays[part])

    longest_first = [np.flatnonzero(s.axonal == axonal) for axonal in (2, 1, 0)]
    apart = [
        jsnn.Projection(
            *("a", "b", of(part)),
            axonal=int(s.axonal[part[0]]),
            plasticity=learning,
            name=str(k),
        )
        for k, part in enumerate(longest_first)
    ]
    networks = [
        jsnn.Network(
            [jsnn.Population("a", NUM_PRE, jsnn.IF), jsnn.Population("b", NUM_POST, jsnn.IF)],
            projections,
        )
        for projections in ([jsnn.Projection("a", "b", whole, plasticity=learning)], apart)
    ]
    drives = random.uniform(0, 0.7, (3, NUM_STEPS, NUM_PRE)).astype(F32)

    def run(scheduled: bool, network: jsnn.Network, drive: jax.Array) -> tuple[Any, Any]:
        record = {"v": jsnn.Variable("b"), "spikes": jsnn.Spikes("b")}
        given = {"a": jsnn.over_time(drive)}
        return jsnn.simulate(network, given, NUM_STEPS, record=record, scheduled=scheduled)

    (one, kept), (several, expected) = (
        jax.jit(jax.vmap(partial(run, scheduled), (None, 0)))(network, drives)
        for scheduled, network in zip((True, False), networks, strict=True)
    )
    jax.clear_caches()
    assert expected["spikes"].sum() > 50
    assert_same(kept, expected)
    weights = np.asarray(one.projections["a_to_b"].plasticity.synapses["weight"])
    assert np.abs(weights - s.weights).max() > 0.001
    for k, part in enumerate(longest_first):
        learnt = several.projections[str(k)].plasticity.synapses["weight"]
        np.testing.assert_array_equal(weights[:, part], learnt)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_axonal_parts_cost_nothing_without_a_plasticity(kind: str) -> None:
    s = drawn(np.random.default_rng(2), kind)
    s = replace(s, weights=s.weights.astype(F32))
    static = projection_of(s, f"{kind} each", plasticity=None)
    shape = (NUM_PRE, NUM_POST)
    without = {
        "sparse": lambda: jsnn.Sparse(s.pre, s.post, s.weights, *shape, s.delays),
        "dense": lambda: jsnn.Dense(s.weights.reshape(shape), delays=s.delays.reshape(shape)),
    }[kind]()
    assert_same(static, jsnn.Projection("a", "b", without))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"axonal": 0}, r"'a_to_b', axonal: given 0 with a connectivity that has an axonal part"),
        ({"synapse": jsnn.GRADED}, r"'a_to_b', axonal: given 5 with a synapse model that sends"),
    ],
)
def test_axonal_parts_that_do_not_fit_the_projection_are_named(given: Any, message: str) -> None:
    s = drawn(np.random.default_rng(0), "sparse")
    s = replace(s, weights=s.weights.astype(F32))
    with pytest.raises(ValueError, match=message):
        projection_of(s, "sparse each", **given)


def test_a_rule_without_presynaptic_traces_counts_the_spikes_that_reach_each_synapse() -> None:
    rule = jsnn.PlasticityModel(
        params={},
        variables={"spikes": 0.0},
        pre={},
        post={},
        on_pre=lambda p, s, pre, post: s | {"spikes": s["spikes"] + 1},
    )
    synapses = jsnn.Sparse([0, 0, 1], [0, 1, 1], np.ones(3, F32), 2, 2, [1, 3, 4], axonal=[0, 2, 3])
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.SPIKE_SOURCE), jsnn.Population("b", 2, jsnn.INTEGRATOR)],
        [jsnn.Projection("a", "b", synapses, plasticity=jsnn.Plasticity(rule))],
    )
    state, _ = jsnn.simulate(network, {"a": np.ones(2, bool)}, 5)
    counts = state.projections["a_to_b"].plasticity.synapses["spikes"]
    np.testing.assert_array_equal(counts, [5, 3, 2])
