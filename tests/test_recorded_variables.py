"""Recorded variables of projections and current sources, beside single steps taken by hand."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._engine.schedule import loops
from tests.networks import F32

T = 12
DRIVES = np.random.default_rng(0).uniform(0, 1.2, (2, T, 5)).astype(F32)
KEY = jax.random.key(1)


def network() -> jsnn.Network:
    """A stage of one population, and one of two, which two learning rules join."""
    rng = np.random.default_rng(1)
    cells = [jsnn.Population(name, n, jsnn.IF, {"v_thresh": 1.0}) for name, n in SIZES.items()]
    dense = lambda n, m: jsnn.Dense(rng.uniform(0.2, 0.9, (n, m)).astype(F32))  # noqa: E731
    pairs = np.argwhere(rng.random((4, 3)) < 0.7)
    weights = rng.uniform(0.2, 0.8, len(pairs)).astype(F32)
    sparse = jsnn.Sparse(*rng.permutation(pairs).T, weights, 4, 3)
    stdp = jsnn.Plasticity(jsnn.STDP, {"w_max": 2.0})
    reward = jsnn.Plasticity(jsnn.REWARD_STDP, {"reward": 1.0, "w_max": 2.0})
    return jsnn.Network(
        cells,
        [
            jsnn.Projection("a", "b", dense(5, 4), jsnn.EXPONENTIAL, delay=2),
            jsnn.Projection("b", "c", sparse, jsnn.EXPONENTIAL, plasticity=stdp, name="listed"),
            jsnn.Projection("b", "c", dense(4, 3), plasticity=reward, name="rewarded"),
        ],
        [jsnn.CurrentSource("noise", "c", jsnn.ORNSTEIN_UHLENBECK, {"sd": 0.5})],
    )


SIZES = {"a": 5, "b": 4, "c": 3}

Look = Callable[[jsnn.State], jax.Array]
LOOKS: dict[tuple[str, str], Look] = {
    ("a", "v"): lambda s: s.populations["a"]["v"],
    ("a_to_b", "i_syn"): lambda s: s.projections["a_to_b"].synapse["i_syn"],
    ("listed", "i_syn"): lambda s: s.projections["listed"].synapse["i_syn"],
    ("listed", "weight"): lambda s: s.projections["listed"].plasticity.synapses["weight"],
    ("listed", "pre.trace"): lambda s: s.projections["listed"].plasticity.pre["trace"],
    ("listed", "post.trace"): lambda s: s.projections["listed"].plasticity.post["trace"],
    ("rewarded", "weight"): lambda s: s.projections["rewarded"].plasticity.synapses["weight"],
    ("rewarded", "eligibility"): lambda s: s.projections["rewarded"].plasticity.synapses[
        "eligibility"
    ],
    ("noise", "deviation"): lambda s: s.sources["noise"]["deviation"],
}
"""Places of the variables in a state."""


@functools.cache
def by_hand(which: int) -> dict[tuple[str, str], np.ndarray]:
    """The variables after each step of a loop over `jsnn.step`, {(part, variable): [T, ...]}."""
    built = network()
    state, rows = jsnn.init(built, KEY), []
    for row in DRIVES[which]:
        state, _ = jsnn.step(built, state, {"a": row})
        rows.append({names: np.asarray(look(state)) for names, look in LOOKS.items()})
    return {names: np.stack([row[names] for row in rows]) for names in LOOKS}


def run(drive: Any, record: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    drives = {"a": jsnn.over_time(drive)}
    return jsnn.simulate(network(), drives, T, record=record, key=KEY, **given)[1]


def traces(**given: Any) -> dict[str, jsnn.Variable]:
    return {f"{part} {name}": jsnn.Variable(part, name, **given) for part, name in LOOKS}


def test_the_variables_change() -> None:
    """Otherwise a comparison of them would say nothing."""
    for names, rows in by_hand(0).items():
        assert len(np.unique(rows, axis=0)) > 3, names
    assert [sorted(stage) for stage in loops(network())] == [["a"], ["b", "c"]]


@pytest.mark.parametrize("scheduled", [True, False], ids=["stages", "together"])
def test_a_trace_is_what_single_steps_show(scheduled: bool) -> None:
    recorded = run(DRIVES[0], traces(), scheduled=scheduled)
    for part, name in LOOKS:
        np.testing.assert_array_equal(recorded[f"{part} {name}"], by_hand(0)[part, name])


def test_traces_of_a_batch() -> None:
    recorded = jax.vmap(lambda drive: run(drive, traces()))(DRIVES)
    for (part, name), which in [(names, i) for names in LOOKS for i in (0, 1)]:
        np.testing.assert_array_equal(recorded[f"{part} {name}"][which], by_hand(which)[part, name])


def test_traces_and_folds_in_blocks() -> None:
    folds = {f"last {part} {name}": jsnn.FinalVariable(part, name) for part, name in LOOKS}
    drive = {"a": jsnn.over_time(DRIVES[0])}
    _, recorded = jsnn.simulate_in_blocks(
        network(), drive, T, steps_per_block=4, record=traces(every=2) | folds, key=KEY
    )
    for part, name in LOOKS:
        expected = by_hand(0)[part, name]
        np.testing.assert_array_equal(recorded[f"{part} {name}"], expected[1::2])
        np.testing.assert_array_equal(recorded[f"last {part} {name}"], expected[-1])


def test_folds_and_chosen_indices_are_those_of_the_trace() -> None:
    """Indices are along the last axis: synapses of a list, postsynaptic neurons of a matrix."""
    kinds = {
        "max": (jsnn.MaxVariable, np.max),
        "last": (jsnn.FinalVariable, lambda rows, axis: rows[-1]),
        "sum": (jsnn.SumVariable, np.sum),
        "mean": (jsnn.MeanVariable, np.mean),
    }
    folds = {
        f"{kind} {part} {name}": recording(part, name)
        for kind, (recording, _) in kinds.items()
        for part, name in LOOKS
    }
    recorded = run(DRIVES[0], traces(neurons=[2, 0]) | folds)
    for part, name in LOOKS:
        rows = by_hand(0)[part, name]
        np.testing.assert_array_equal(recorded[f"{part} {name}"], rows[..., [2, 0]])
        for kind, (_, fold) in kinds.items():
            got, expected = recorded[f"{kind} {part} {name}"], fold(np.float64(rows), axis=0)
            np.testing.assert_allclose(got, expected, rtol=1e-5, err_msg=kind)
    assert recorded["rewarded weight"].shape == (T, 4, 2)
    assert recorded["listed weight"].shape == (T, 2)


def counted(p: Any, s: Any, pre: Any, post: Any) -> Any:
    return s | {"i_syn": s["i_syn"] + pre["spike"]}


def test_a_variable_of_the_synapse_model_beside_one_of_the_rule_of_the_same_name() -> None:
    """The rule counts spikes, each of which adds the weight to the current of the synapse model."""
    counting = jsnn.PlasticityModel(
        params={}, variables={"i_syn": 0.0}, pre={}, post={}, on_pre=counted
    )
    dense = jsnn.Dense(np.full((2, 1), 0.25, F32))
    cells = [jsnn.Population("a", 2, jsnn.IF, {"v_thresh": 1.0}), jsnn.Population("b", 1, jsnn.IF)]
    link = jsnn.Projection(
        "a", "b", dense, jsnn.EXPONENTIAL, {"tau": 1e9}, plasticity=jsnn.Plasticity(counting)
    )
    record = {name: jsnn.Variable("a_to_b", name) for name in ("i_syn", "synapse.i_syn")}
    drive = {"a": np.array([1.0, 0.5], F32)}
    _, recorded = jsnn.simulate(jsnn.Network(cells, [link]), drive, 4, record=record)
    np.testing.assert_array_equal(recorded["i_syn"][:, :, 0], [[1, 0], [2, 1], [3, 1], [4, 2]])
    np.testing.assert_allclose(recorded["synapse.i_syn"][:, 0], [0, 0.25, 0.75, 1.0], rtol=1e-6)


def test_gradients_pass_through_the_variable_of_a_synapse_model() -> None:
    """A spike of weight w makes a current of w exp(-t / tau)."""
    cells = [jsnn.Population(name, 1, jsnn.IF, {"v_thresh": 1.0}) for name in "ab"]

    def current(weight: jax.Array) -> jax.Array:
        dense = jsnn.Dense(weight * jnp.ones((1, 1)))
        built = jsnn.Network(cells, [jsnn.Projection("a", "b", dense, jsnn.EXPONENTIAL)])
        record = {"i": jsnn.Variable("a_to_b", "i_syn")}
        drive = {"a": jsnn.over_time(np.array([1, 0, 0, 0], F32))}
        return jsnn.simulate(built, drive, 4, record=record)[1]["i"][:, 0]

    rows, slopes = jax.jvp(current, (jnp.float32(0.1),), (jnp.float32(1.0),))
    np.testing.assert_allclose(rows, 0.1 * slopes, rtol=1e-6)
    ratio = rows[2:] / rows[1:-1]
    np.testing.assert_allclose(ratio, np.exp(-1 / 5.0), rtol=1e-6)
