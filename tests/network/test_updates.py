"""Updates between steps: what they change, and that they change nothing else."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32, assert_same

T = 40
RANDOM = np.random.default_rng(0)
WEIGHTS = (RANDOM.random((6, 4)) * 0.2).astype(F32)
PRE, POST = RANDOM.integers(6, size=20), RANDOM.integers(4, size=20)


def connectivity(kind: str) -> Any:
    if kind == "dense":
        return jsnn.Dense(WEIGHTS)
    return jsnn.Sparse(PRE, POST, np.linspace(0.1, 0.5, 20, dtype=F32), 6, 4)


def network(kind: str = "dense", **fields: Any) -> jsnn.Network:
    learning = jsnn.Plasticity(jsnn.REWARD_STDP, {"reward": 1e-3})
    projection = {"synapse": jsnn.EXPONENTIAL, "plasticity": learning} | fields
    return jsnn.Network(
        [jsnn.Population("a", 6, jsnn.IF), jsnn.Population("b", 4, jsnn.LIF)],
        [jsnn.Projection("a", "b", connectivity(kind), **projection)],
        [jsnn.CurrentSource("s", "a", jsnn.PLAYBACK, {"currents": np.full((9, 6), 0.3, F32)})],
    )


DRIVE = {"a": np.linspace(0.1, 0.9, 6, dtype=F32), "b": np.full(4, 1.5, F32)}


def after_a_run(net: jsnn.Network) -> jsnn.State:
    return jsnn.simulate(net, DRIVE, T)[0]


def plasticity_of(state: jsnn.State) -> jsnn.PlasticityState:
    return state.projections["a_to_b"].plasticity


def synapses_of(state: jsnn.State) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in plasticity_of(state).synapses.items()}


# reset


def test_reset_restores_the_variables_that_are_named_and_no_others() -> None:
    net = network()
    state, fresh = after_a_run(net), jsnn.init(net)
    of_projection = {"synapse": ["i_syn"], "plasticity": ["eligibility", "trace"]}
    names = {"b": ["v"], "a_to_b": of_projection, "s": ["step"]}
    new = jsnn.reset(net, state, names)
    np.testing.assert_array_equal(new.populations["b"]["v"], fresh.populations["b"]["v"])
    assert_same(new.projections["a_to_b"].synapse, fresh.projections["a_to_b"].synapse)
    assert_same(new.sources, fresh.sources)
    plastic, before = plasticity_of(new), plasticity_of(state)
    assert_same(plastic.pre, plasticity_of(fresh).pre)
    assert_same(plastic.post, plasticity_of(fresh).post)
    assert not np.any(plastic.synapses["eligibility"])
    assert_same(plastic.synapses["weight"], before.synapses["weight"])
    assert_same(new.step, state.step)
    for kept in ("in_flight", "arriving"):
        projections = new.projections["a_to_b"], state.projections["a_to_b"]
        assert_same(*(getattr(projection, kept) for projection in projections))
    assert_same(new.populations["a"], state.populations["a"])
    assert_same(new.populations["b"]["refractory"], state.populations["b"]["refractory"])


def test_resetting_everything_but_weights_and_time_leaves_these_two() -> None:
    net = network(kind="sparse")
    state = after_a_run(net)
    of_projection = {"synapse": ["i_syn"], "plasticity": ["weight"]}
    everything = {"a": ["v"], "b": ["v", "refractory"], "a_to_b": of_projection}
    new = jax.jit(lambda n, s: jsnn.reset(n, s, everything))(net, state)
    weights = net.projection("a_to_b").connectivity.weights
    np.testing.assert_array_equal(synapses_of(new)["weight"], weights)
    assert int(new.step) == T


# normalise_weights


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("axis", ["post", "pre"])
def test_the_weights_of_each_neuron_add_up_to_the_total(kind: str, axis: str) -> None:
    rule = jsnn.Plasticity(jsnn.REWARD_STDP, {"reward": 1e-3, "w_max": 2.0})
    net = network(kind, plasticity=rule)
    state = after_a_run(net)
    pre, post = (
        (np.asarray(net.projections[0].connectivity.pre), net.projections[0].connectivity.post)
        if kind == "sparse"
        else (i.ravel() for i in np.indices((6, 4)))
    )
    own, size = (np.asarray(post), 4) if axis == "post" else (np.asarray(pre), 6)
    totals = np.linspace(1, 2, size, dtype=F32)
    before = synapses_of(state)["weight"].ravel()
    for total in (F32(0.7), totals):
        new = jsnn.normalise_weights(net, state, "a_to_b", total, axis=axis)
        weights = synapses_of(new)["weight"].ravel()
        sums = np.bincount(own, weights, minlength=size)
        here = np.bincount(own, minlength=size) > 0
        np.testing.assert_allclose(sums[here], np.broadcast_to(total, size)[here], rtol=1e-6)
        shares = before / np.bincount(own, before, minlength=size)[own]
        expected = np.broadcast_to(total, size)[own] * shares
        np.testing.assert_allclose(weights, expected, rtol=1e-5)
        assert_same(plasticity_of(new).pre, plasticity_of(state).pre)


def test_weights_of_both_signs_keep_them_and_zeros_stay_zeros() -> None:
    matrix = np.array([[1, 0], [-3, 0]], F32)
    net = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.IF)],
        [
            jsnn.Projection(
                *("a", "a", jsnn.Dense(matrix)),
                plasticity=jsnn.Plasticity(jsnn.STDP, {"w_min": -3.0}),
                name="p",
            )
        ],
    )
    state = jsnn.normalise_weights(net, jsnn.init(net), "p", 1.0)
    weights = state.projections["p"].plasticity.synapses["weight"]
    np.testing.assert_array_equal(weights, [[0.25, 0], [-0.75, 0]])


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_weights_that_would_leave_their_bounds_are_refused(kind: str) -> None:
    net = network(kind)
    state = jsnn.init(net)
    weights = synapses_of(state)["weight"]
    own = POST if kind == "sparse" else np.indices((6, 4))[1]
    sums = np.bincount(own.ravel(), weights.ravel(), minlength=4)
    highest = 1 / (weights / sums[own]).max()  # the largest total for which no weight exceeds 1
    for total in F32(highest) * (1 + np.arange(-1, 3, dtype=F32) * F32(2**-23)):
        at_most = jsnn.normalise_weights(net, state, "a_to_b", total)
        assert 1 - 1e-6 < synapses_of(at_most)["weight"].max() <= 1
    jsnn.step(net, at_most, {})
    with pytest.raises(ValueError, match=r"'a_to_b'.* outside w_min to w_max .* 1\.0.*; expected"):
        jsnn.normalise_weights(net, state, "a_to_b", F32(highest * 1.001))
    compiled = jax.jit(lambda s: jsnn.normalise_weights(net, s, "a_to_b", F32(highest * 2)))
    traced = synapses_of(compiled(state))["weight"]
    np.testing.assert_allclose(np.bincount(own.ravel(), traced.ravel()), 2 * highest, rtol=1e-5)


def test_a_state_that_no_run_can_bring_about_is_refused() -> None:
    def edited(net: jsnn.Network, **changes: Any) -> tuple[jsnn.Network, jsnn.State]:
        state = jsnn.init(net)
        changed = dataclasses.replace(state.projections["a_to_b"], **changes)
        return net, dataclasses.replace(state, projections={"a_to_b": changed})

    still, plastic = network(delay=2, plasticity=None), network()
    learnt = plasticity_of(jsnn.init(plastic))
    weights = {**learnt.synapses, "weight": jnp.full((6, 4), 1.5, F32)}
    for (net, wrong), message in (
        (
            edited(still, in_flight=jnp.full((2, 6), 0.5, F32)),
            r"in_flight: given 0\.5; expected spikes, 0",
        ),
        (
            edited(still, in_flight=-jnp.ones((2, 6), F32)),
            r"in_flight: given -1\.0; expected spikes, 0",
        ),
        (
            edited(plastic, plasticity=dataclasses.replace(learnt, synapses=weights)),
            r"\['a_to_b'\]\.plasticity: given 24 of 24 weights outside w_min to w_max",
        ),
        (
            (still, dataclasses.replace(jsnn.init(still), step=jnp.int32(-1))),
            "step: given -1; expected a number >= 0",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            jsnn.simulate(net, {}, 1, state=wrong)
        with pytest.raises(ValueError, match=message):
            jsnn.step(net, wrong, {})


def test_numbers_that_are_sent_in_place_of_spikes_may_be_any() -> None:
    net = network(synapse=jsnn.GRADED, plasticity=None)
    state = jsnn.init(net)
    part = dataclasses.replace(state.projections["a_to_b"], in_flight=jnp.full((1, 6), 0.5, F32))
    after, _ = jsnn.step(net, dataclasses.replace(state, projections={"a_to_b": part}), {})
    assert int(after.step) == 1


# What needs no function of its own.


def test_means_over_neurons_and_over_the_batch_are_plain_jax() -> None:
    net = network()

    def run(scale: jax.Array) -> jsnn.State:
        return jsnn.simulate(net, {"a": DRIVE["a"] * scale, "b": DRIVE["b"]}, T)[0]

    batch = jax.vmap(run)(jnp.linspace(0.5, 2, 3))
    assert batch.populations["b"]["v"].mean(axis=1).shape == (3,)
    mean = jax.tree.map(
        lambda weights: weights.mean(axis=0), batch.projections["a_to_b"].plasticity.synapses
    )
    single = np.mean([synapses_of(run(s))["weight"] for s in np.linspace(0.5, 2, 3, dtype=F32)], 0)
    np.testing.assert_allclose(mean["weight"], single, rtol=1e-5)
    totals = jax.vmap(lambda s: jsnn.normalise_weights(net, s, "a_to_b", 1.0))(batch)
    sums = totals.projections["a_to_b"].plasticity.synapses["weight"].sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda n, s: jsnn.reset(n, s, {"c": ["v"]}), "unknown part of the network 'c'"),
        (
            lambda n, s: jsnn.reset(n, s, {"b": ["w"]}),
            r"reset of 'b': unknown variable 'w'.*known: 'refractory', 'v'",
        ),
        (
            lambda n, s: jsnn.reset(n, s, {"a_to_b": ["weight"]}),
            "reset of 'a_to_b': unknown variable 'weight' .*known: 'i_syn'",
        ),
        (
            lambda n, s: jsnn.reset(n, s, {"a_to_b": {"plasticity": ["i_syn"]}}),
            "reset of 'a_to_b', plasticity: unknown variable 'i_syn' .*'trace', 'weight'",
        ),
        (lambda n, s: jsnn.reset(n, s, {"b": "v"}), "reset of 'b': given 'v'; expected a list"),
        (lambda n, s: jsnn.reset(n, s, ["b"]), "reset, names: given list; expected a dict"),
        (lambda n, s: jsnn.reset(n, s, {"b": None}), "reset of 'b': given None; expected a list"),
        (lambda n, s: n.with_params(None), "with_params: given NoneType; expected a dict"),
        (
            lambda n, s: n.with_params({"a_to_b": {"weights": None}}),
            "with_params of 'a_to_b', weights: given NoneType None; expected a number",
        ),
        (lambda n, s: jsnn.reset(s, n, {}), "reset, network: given State; expected a Network"),
        (
            lambda n, s: jsnn.normalise_weights(n, s, "a_to_b", -1.0),
            r"'a_to_b', total: given -1\.0; expected a number >= 0",
        ),
        (
            lambda n, s: jsnn.normalise_weights(n, s, "a", 1.0),
            "'a': unknown projection 'a'",
        ),
        (
            lambda n, s: jsnn.normalise_weights(n, s, "a_to_b", np.ones(6, F32)),
            r"'a_to_b', total: given shape \(6,\); expected a scalar or \(4,\)",
        ),
        (
            lambda n, s: jsnn.normalise_weights(n, s, "a_to_b", 1.0, axis="row"),
            "unknown axis 'row'",
        ),
        (
            lambda n, s: n.with_params({"a_to_b": {"weights": np.full(20, -0.1, F32)}}),
            "20 of 20 weights outside w_min to w_max",
        ),
        (
            lambda n, s: n.with_params(
                {"a_to_b": {"weights": np.ma.masked_array(np.ones(20, F32))}}
            ),
            "with_params of 'a_to_b', weights: given a masked array",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong: Any, message: str) -> None:
    net = network("sparse")
    with pytest.raises((ValueError, TypeError), match=message):
        wrong(net, jsnn.init(net))


def test_only_plastic_weights_are_normalised() -> None:
    still = network(plasticity=None)
    with pytest.raises(ValueError, match="unknown plastic projection 'a_to_b'"):
        jsnn.normalise_weights(still, jsnn.init(still), "a_to_b", 1.0)
