"""Delays before and after the synapse, and the order of running sums, against NumPy by the book."""

import math
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from jsnn._kernels import native
from tests.networks import F32

A_PLUS, A_MINUS, TAU = 0.01, 0.012, 20.0


def _no_input(p: Any, x: Any, arriving: Any, post: Any, dt: Any) -> tuple[Any, Any]:
    return x, 0 * arriving


MUTE = jsnn.SynapseModel(params={}, variables={}, update=_no_input)
CONNECTIVITIES = {
    "dense": lambda: jsnn.Dense(np.full((1, 1), 0.5, F32)),
    "sparse": lambda: jsnn.Sparse([0], [0], np.full(1, 0.5, F32), 1, 1),
    "one to one": lambda: jsnn.OneToOne(np.full(1, 0.5, F32)),
}


def change(pre: int, post: int, *, scheduled: bool = True, kind: str = "sparse", **delays: int):
    """Return the change of the weight by STDP after a spike on either side, dt = 1 ms."""
    rule = {"a_plus": A_PLUS, "a_minus": A_MINUS, "tau_plus": TAU, "tau_minus": TAU}
    network = jsnn.Network(
        [jsnn.Population(name, 1, jsnn.SPIKE_SOURCE) for name in ("pre", "post")],
        [
            jsnn.Projection(
                *("pre", "post", CONNECTIVITIES[kind](), MUTE),
                plasticity=jsnn.Plasticity(jsnn.STDP, rule),
                **delays,
            )
        ],
    )
    trains = {name: np.zeros((80, 1), bool) for name in ("pre", "post")}
    trains["pre"][pre], trains["post"][post] = True, True
    drive = {name: jsnn.over_time(train) for name, train in trains.items()}
    state, _ = jsnn.simulate(network, drive, 80, scheduled=scheduled)
    weight = state.projections["pre_to_post"].plasticity.synapses["weight"]
    return float(np.ravel(weight)[0]) - 0.5


@pytest.mark.parametrize("kind", CONNECTIVITIES)
@pytest.mark.parametrize("scheduled", [False, True])
def test_learning_sees_a_spike_when_it_reaches_the_synapse(kind: str, scheduled: bool) -> None:
    """A pair 5 ms apart, with 10 ms before the synapse, is one of -5 ms (GeNN's example)."""
    by_axon = change(20, 25, delay=11, axonal=10, kind=kind, scheduled=scheduled)
    assert by_axon == pytest.approx(-A_MINUS * math.exp(-5 / TAU), rel=1e-4)
    assert by_axon == pytest.approx(-0.009346, abs=1e-6)
    by_dendrite = change(20, 25, delay=11, axonal=0, kind=kind, scheduled=scheduled)
    assert by_dendrite == pytest.approx(A_PLUS * math.exp(-5 / TAU), rel=1e-4)


@pytest.mark.parametrize("scheduled", [False, True])
def test_postsynaptic_spikes_may_reach_the_synapse_late(scheduled: bool) -> None:
    """A pair of -5 ms, with 8 ms from soma to synapse, is one of 3 ms."""
    late = change(25, 20, delay=2, axonal=0, back_propagation=8, scheduled=scheduled)
    assert late == pytest.approx(A_PLUS * math.exp(-3 / TAU), rel=1e-4)


@pytest.mark.parametrize("pre", [10, 20, 30])
@pytest.mark.parametrize("axonal", [0, 7, 19])
def test_only_the_difference_of_times_at_the_synapse_counts(pre: int, axonal: int) -> None:
    """A delay of 20 steps on one side, spikes 0 to 12 steps apart at the synapse."""
    for apart in (0, 1, 12):
        got = change(pre, pre + axonal + apart, delay=20, axonal=axonal)
        assert got == pytest.approx(A_PLUS * math.exp(-apart / TAU), rel=1e-4)


RAMP = jsnn.PlasticityModel(
    params={},
    variables={},
    pre={},
    post={},
    each_step=lambda p, s, pre, post, dt: s | {"weight": s["weight"] + 1},
)
"""A rule by which a weight goes up by 1 in every step."""


@pytest.mark.parametrize("kind", [*CONNECTIVITIES, "delays", "dense delays"])
def test_a_spike_delivers_the_weight_that_it_reads_at_the_synapse(kind: str) -> None:
    """One neuron sends through a projection for each pair of delays, each to its own target."""

    def projection(delay: int, axonal: int) -> jsnn.Projection:
        given: dict[str, Any] = {"axonal": axonal}
        if kind == "delays":
            connectivity: Any = jsnn.Sparse([0], [0], np.full(1, 0.5, F32), 1, 1, [delay])
        elif kind == "dense delays":
            connectivity = jsnn.Dense(np.full((1, 1), 0.5, F32), delays=np.full((1, 1), delay))
        else:
            connectivity, given["delay"] = CONNECTIVITIES[kind](), delay
        learning = jsnn.Plasticity(RAMP)
        return jsnn.Projection(
            "pre", f"{delay} {axonal}", connectivity, plasticity=learning, **given
        )

    delays = ((1, 0), (4, 0), (4, 2), (4, 3))
    projections = [projection(*each) for each in delays]
    targets = [jsnn.Population(p.post, 1, jsnn.INTEGRATOR) for p in projections]
    source = jsnn.Population("pre", 1, jsnn.SPIKE_SOURCE)
    network = jsnn.Network([source, *targets], projections)
    train = np.zeros((30, 1), bool)
    train[[3, 11]] = True
    record = {target.name: jsnn.Variable(target.name) for target in targets}
    for scheduled in (False, True):
        _, kept = jsnn.simulate(
            network, {"pre": jsnn.over_time(train)}, 30, record=record, scheduled=scheduled
        )
        for delay, axonal in delays:
            steps = np.diff(np.asarray(kept[f"{delay} {axonal}"])[:, 0], prepend=0)
            expected = np.zeros(30)
            expected[3 + delay], expected[11 + delay] = 3.5 + axonal, 11.5 + axonal
            np.testing.assert_array_equal(steps, expected)


def test_a_running_sum_follows_the_steps_then_the_projections_then_the_neurons() -> None:
    """Weights of very different size, delays of every kind, in float32 by the book."""
    random, number, num_steps = np.random.default_rng(3), 40, 30

    def synapses(per_synapse: bool) -> tuple[Any, ...]:
        size = 300
        pre, post = random.integers(number, size=(2, size))
        weights = (random.normal(size=size) * 10.0 ** random.uniform(-3, 3, size)).astype(F32)
        return pre, post, weights, random.integers(1, 6, size) if per_synapse else None

    lists = [(synapses(True), None), (synapses(False), 3), (synapses(True), None)]
    lists += [(synapses(False), 1)]
    network = jsnn.Network(
        [
            jsnn.Population("a", number, jsnn.SPIKE_SOURCE),
            jsnn.Population("b", number, jsnn.INTEGRATOR),
        ],
        [
            jsnn.Projection(
                "a", "b", jsnn.Sparse(*s[:3], number, number, s[3]), delay=delay, name=f"c{k}"
            )
            for k, (s, delay) in enumerate(lists)
        ],
    )
    trains = random.random((num_steps, number)) < 0.2
    arriving = np.zeros((num_steps + 6, number), F32)
    for step in range(num_steps):
        for (pre, post, weights, delays), delay in lists:
            for s in np.argsort(pre, kind="stable"):
                if trains[step, pre[s]]:
                    arriving[step + (delay or delays[s]), post[s]] += weights[s]
    v = np.zeros(number, F32)
    expected = []
    for step in range(num_steps):
        v = v + arriving[step]
        expected.append(v)
    record = {"v": jsnn.Variable("b")}
    for scheduled in (False, True):
        _, kept = jsnn.simulate(
            network, {"a": jsnn.over_time(trains)}, num_steps, record=record, scheduled=scheduled
        )
        np.testing.assert_array_equal(kept["v"], expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delay": 5}, r"'pre_to_post', axonal: given none with a plasticity .* 5; .* 0 to 4"),
        ({"delay": 5, "axonal": 5}, r"axonal: given 5 with a delay of 5; expected at most 4"),
        ({"delay": 0, "axonal": 1}, r"axonal: given 1 with a delay of 0; expected at most 0"),
        ({"delay": 5, "axonal": -1}, r"axonal: given -1; expected an integer >= 0"),
        ({"back_propagation": 2**15 + 1}, r"back_propagation: given 32769; expected"),
        ({"delay": 2**15 + 1, "axonal": 0}, r"delay: given 32769 steps; expected at most 32768"),
    ],
)
def test_bad_delays_are_named(given: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jsnn.Projection(
            *("pre", "post", CONNECTIVITIES["dense"]()),
            plasticity=jsnn.Plasticity(jsnn.STDP),
            **given,
        )


@pytest.mark.parametrize("kernels", [True, False])
def test_a_projection_without_synapses_delivers_nothing(
    kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside one with synapses, in a single step and in several."""
    if not kernels:
        monkeypatch.setattr(native, "available", lambda: False)
    nothing = jsnn.Sparse(*np.zeros((2, 0), int), np.zeros(0, np.float32), 2, 2)
    something = jsnn.Sparse([0], [1], np.ones(1, np.float32), 2, 2)
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.SPIKE_SOURCE), jsnn.Population("b", 2, jsnn.INTEGRATOR)],
        [
            jsnn.Projection("a", "b", nothing, name="nothing"),
            jsnn.Projection("a", "b", something, name="something"),
        ],
    )
    trains = jsnn.over_time(np.ones((1, 2), bool))
    state, _ = jsnn.simulate(network, {"a": trains}, 1)
    state, _ = jax.jit(lambda state: jsnn.simulate(network, {}, 1, state=state))(state)
    np.testing.assert_array_equal(state.populations["b"]["v"], [0, 1])
