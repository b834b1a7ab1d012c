"""Reads of learning rules: variables before and after a step, synapses, times and parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn._kernels import native

F32 = np.float32
NUM_STEPS = 24

READER = jsnn.PlasticityModel(
    params={"rate": 1.0, "tau": 8.0},
    variables={"seen": 0.0},
    pre={"slow": 0.0},
    post={"slow": 0.0},
    update_pre=lambda p, x, dt: {"slow": x["slow"] + (p["v"] - x["slow"]) * dt / p["tau"]},
    update_post=lambda p, x, dt: {"slow": x["slow"] + (p["before.v"] - x["slow"]) * dt / p["tau"]},
    spike_pre=lambda p, x: {"slow": x["slow"] + p["v"]},
    on_pre=lambda p, s, pre, post: {
        "weight": s["weight"] + p["rate"] * post["synapse.i_syn"],
        "seen": s["seen"] + pre["slow"] * post["before.synapse.i_syn"],
    },
    on_post=lambda p, s, pre, post: {
        "weight": s["weight"] + p["rate"] * jnp.minimum(pre["since_spike"], 50),
        "seen": s["seen"] + post["slow"] * post["v"] + p["t"] - jnp.minimum(post["since_spike"], 9),
    },
    reads_pre=("v", "since_spike"),
    reads_post=("v", "before.v", "synapse.i_syn", "before.synapse.i_syn", "since_spike"),
)


def by_the_book(
    w: np.ndarray, exists: np.ndarray, rate: np.ndarray, v: Any, i_syn: Any, spikes: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights and `seen` after the steps, from what the neurons did.

    Args:
      w: the weights before the first step, [pre, post].
      exists: True where there is a synapse.
      rate: of each synapse.
      v: the voltages of both sides, [T + 1, N], from before the first step on.
      i_syn: likewise for the synapse model, [T + 1, post].
      spikes: of both sides, bool [T, N].
    """
    seen, w = np.zeros_like(w), w.astype(np.float64)
    slow = [np.zeros(x.shape[1]) for x in v]
    since = [np.full(x.shape[1], np.inf) for x in v]
    for n in range(NUM_STEPS):
        (pre, post), now, before = (s[n] for s in spikes), [x[n + 1] for x in v], v[1][n]
        slow[0] = slow[0] + (now[0] - slow[0]) / 8
        slow[1] = slow[1] + (before - slow[1]) / 8
        since = [x + 1 for x in since]
        at_pre, at_post = pre[:, None] & exists, post[None] & exists
        w = np.where(at_pre, w + rate * i_syn[n + 1][None], w)
        seen = np.where(at_pre, seen + slow[0][:, None] * i_syn[n][None], seen)
        w = np.where(at_post, w + rate * np.minimum(since[0], 50)[:, None], w)
        change = slow[1] * now[1] + n - np.minimum(since[1], 9)
        seen = np.where(at_post, seen + change[None], seen)
        slow[0] = np.where(pre, slow[0] + now[0], slow[0])
        since = [np.where(s, 0, x) for s, x in zip((pre, post), since, strict=True)]
    return w, seen


def network_of(kind: str, size: int, random: np.random.Generator) -> tuple[jsnn.Network, Any]:
    shape = (4, size)
    w, rate = (0.1 * random.random(shape).astype(F32) for _ in range(2))
    exists = np.ones(shape, bool) if kind == "dense" else random.random(shape) < 0.9
    if kind == "dense":
        connectivity: Any = jsnn.Dense(w)
        own_rate = rate
    else:
        pre, post = np.nonzero(exists)
        order = random.permutation(len(pre))
        pre, post = pre[order], post[order]
        connectivity, own_rate = jsnn.Sparse(pre, post, w[pre, post], *shape), rate[pre, post]
    leaky = {"tau_refrac": 0.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
    network = jsnn.Network(
        [
            jsnn.Population("a", shape[0], jsnn.LIF, leaky, {"v": random.random(4).astype(F32)}),
            jsnn.Population("b", size, jsnn.LIF, leaky, {"v": random.random(size).astype(F32)}),
        ],
        [
            jsnn.Projection(
                *("a", "b", connectivity, jsnn.EXPONENTIAL),
                initial={"i_syn": random.random(size).astype(F32)},
                plasticity=jsnn.Plasticity(READER, {"rate": own_rate}),
            )
        ],
        [
            jsnn.CurrentSource(f"to {name}", name, jsnn.GAUSSIAN_NOISE, {"mean": 0.15, "sd": 0.3})
            for name in "ab"
        ],
    )
    return network, (w, exists, rate)


@pytest.mark.parametrize("how", ["alone", "in a batch"])
@pytest.mark.parametrize(("kind", "size"), [("dense", 5), ("sparse", 5), ("sparse", 900)])
def test_a_rule_sees_what_it_reads(kind: str, size: int, how: str) -> None:
    network, (w, exists, rate) = network_of(kind, size, np.random.default_rng(size))
    record = {
        **{f"v {name}": jsnn.Variable(name, "v") for name in "ab"},
        **{f"spikes {name}": jsnn.Spikes(name) for name in "ab"},
        "i_syn": lambda state, spikes: state.projections["a_to_b"].synapse["i_syn"],
        "w": lambda state, spikes: state.projections["a_to_b"].plasticity.synapses,
    }

    def run(key: jax.Array) -> Any:
        return jsnn.simulate(network, {}, NUM_STEPS, key=key, record=record)[1]

    keys = jax.random.split(jax.random.key(0, impl="threefry2x32"), 2)
    recorded = run(keys[0]) if how == "alone" else jax.vmap(run)(keys)
    if how == "in a batch":
        recorded = jax.tree.map(lambda x: x[0], recorded)
    starts = [network.population(name).initial["v"] for name in "ab"]
    v = [
        np.concatenate([np.asarray(start)[None], recorded[f"v {name}"]])
        for start, name in zip(starts, "ab", strict=True)
    ]
    start = np.asarray(network.projection("a_to_b").initial["i_syn"])
    i_syn = np.concatenate([start[None], recorded["i_syn"]])
    spikes = [np.asarray(recorded[f"spikes {name}"]) for name in "ab"]
    assert all(s.sum() > 4 for s in spikes)
    expected = by_the_book(w, exists, rate, v, i_syn, spikes)
    for name, wanted in zip(("weight", "seen"), expected, strict=True):
        given = np.asarray(recorded["w"][name][-1])
        if kind == "sparse":
            sparse: Any = network.projection("a_to_b").connectivity
            wanted = wanted[np.asarray(sparse.pre), np.asarray(sparse.post)]
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-4)
    assert kind == "dense" or size < 900 or not native.available() or exists.sum(1).min() > 512


def test_what_is_read_reaches_the_synapse_late() -> None:
    """With axonal 2 and back propagation 1, a rule sees "before.v" of 2 and of 1 steps ago."""
    rule = jsnn.PlasticityModel(
        params={},
        variables={"a": 0.0, "b": 0.0},
        pre={},
        post={},
        each_step=lambda p, s, pre, post, dt: (
            s
            | {
                "a": pre["before.v"] + 0 * s["a"],
                "b": post["before.synapse.i_syn"] + 0 * s["b"],
            }
        ),
        reads_pre=("before.v",),
        reads_post=("before.synapse.i_syn",),
    )
    network = jsnn.Network(
        [jsnn.Population(name, 1, jsnn.INTEGRATOR, initial={"v": -1.0}) for name in "ab"],
        [
            jsnn.Projection(
                *("a", "b", jsnn.Dense(np.ones((1, 1), F32)), jsnn.EXPONENTIAL),
                initial={"i_syn": 1.0},
                delay=3,
                axonal=2,
                back_propagation=1,
                plasticity=jsnn.Plasticity(rule),
            )
        ],
    )
    record: dict[str, Callable[..., Any]] = {
        "s": lambda state, spikes: state.projections["a_to_b"].plasticity.synapses
    }
    _, recorded = jsnn.simulate(network, {"a": 1.0}, 5, record=record)
    np.testing.assert_array_equal(recorded["s"]["a"].ravel(), [-1, -1, -1, 0, 1])
    decayed = [1, *np.exp(-np.arange(4) / 5)]
    np.testing.assert_allclose(recorded["s"]["b"].ravel(), decayed, rtol=1e-6)


def test_traces_start_at_values_of_their_own() -> None:
    dense = jsnn.Dense(np.full((2, 3), 0.5, F32))
    plasticity = jsnn.Plasticity(
        jsnn.STDP, initial_pre={"trace": [1, 2]}, initial_post={"trace": 3.0}
    )
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.SPIKE_SOURCE), jsnn.Population("b", 3, jsnn.SPIKE_SOURCE)],
        [jsnn.Projection("a", "b", dense, plasticity=plasticity)],
    )
    state, _ = jsnn.simulate(network, {}, 4)
    traces = state.projections["a_to_b"].plasticity
    assert traces is not None
    np.testing.assert_allclose(traces.pre["trace"], np.exp(-4 / 20) * np.array([1, 2]), rtol=1e-6)
    np.testing.assert_allclose(traces.post["trace"], 3 * np.exp([-4 / 20] * 3), rtol=1e-6)


def plastic(model: jsnn.PlasticityModel, **fields: Any) -> jsnn.Network:
    ends = [jsnn.Population(name, 3, jsnn.LIF) for name in "ab"]
    synapse = fields.pop("synapse", jsnn.DELTA)
    rule = jsnn.Plasticity(model, **fields)
    dense = jsnn.Dense(np.full((3, 3), 0.5, F32))
    return jsnn.Network(ends, [jsnn.Projection("a", "b", dense, synapse, plasticity=rule)])


def reader(**reads: Any) -> jsnn.PlasticityModel:
    return jsnn.PlasticityModel(params={"a": 1.0}, variables={}, pre={"x": 0.0}, post={}, **reads)


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a variable that is not there": (
        lambda: plastic(reader(reads_post=("u",))),
        r"'a_to_b', plasticity, reads_post: unknown variable 'u' .*'v', 'refractory'",
    ),
    "one of the synapse model that is not there": (
        lambda: plastic(reader(reads_post=("synapse.g",)), synapse=jsnn.EXPONENTIAL),
        r"reads_post: unknown variable of the synapse model 'g' \(known: 'i_syn'\)",
    ),
    "one of the synapse model before its neuron": (
        lambda: reader(reads_pre=("synapse.i_syn",)),
        r"reads_pre: given 'synapse.i_syn'; expected it in reads_post",
    ),
    "a name that is a trace": (
        lambda: reader(reads_pre=("x",)),
        r"reads_pre 'x': this is also a trace",
    ),
    "a name that is a parameter": (
        lambda: reader(reads_post=("a",)),
        r"reads_post 'a': this is also a parameter",
    ),
    "a parameter of each synapse on which a trace depends": (
        lambda: plastic(jsnn.STDP, params={"tau_plus": np.ones((3, 3), F32)}),
        r"'a_to_b', plasticity, parameter 'tau_plus': given one value per synapse; expected a "
        r"scalar, since the traces",
    ),
    "a parameter of another shape": (
        lambda: plastic(jsnn.STDP, params={"a_plus": np.ones(3, F32)}),
        r"parameter 'a_plus': given shape \(3,\); expected a scalar or \(3, 3\), one value per syn",
    ),
    "a bound of each synapse that a weight is beyond": (
        lambda: plastic(
            jsnn.STDP, params={"w_max": np.linspace(0.1, 1, 9, dtype=F32).reshape(3, 3)}
        ),
        r"'a_to_b': given 4 of 9 weights outside w_min to w_max of its plasticity, such as 0.5",
    ),
    "a trace that is not there": (
        lambda: plastic(jsnn.STDP, initial_pre={"y": 0.0}),
        r"plasticity STDP: unknown presynaptic trace 'y' \(known: 'trace'\)",
    ),
    "a trace of another shape": (
        lambda: plastic(jsnn.STDP, initial_post={"trace": np.ones(2)}),
        r"postsynaptic trace 'trace': given shape \(2,\); expected a scalar or \(3,\)",
    ),
    "a table in a rule": (
        lambda: jsnn.PlasticityModel(params={"t_table": [0.0]}, variables={}, pre={}, post={}),
        r"PlasticityModel, parameter 't_table': given a table; expected a number",
    ),
    "a parameter with the name of the clock": (
        lambda: jsnn.PlasticityModel(params={"t": 0.0}, variables={}, pre={}, post={}),
        r"PlasticityModel, parameter 't': this is also the clock",
    ),
    "events and numbers": (
        lambda: jsnn.SynapseModel(
            *({}, {}, lambda p, x, arriving, post, dt: (x, arriving)),
            sends=lambda p, pre: pre["v"],
            event=lambda p, pre: pre["v"],
        ),
        r"SynapseModel: given sends and event; expected one of sends, event, sends_each",
    ),
    "an event that reads what is not there": (
        lambda: plastic(
            jsnn.STDP,
            synapse=jsnn.SynapseModel(
                *({}, {}, lambda p, x, arriving, post, dt: (x, arriving)),
                event=lambda p, pre: pre["u"],
            ),
        ),
        r"'a_to_b': event fails on the variables of 'a' \(v, refractory, spike\): KeyError: 'u'",
    ),
    "an event that is a condition and no margin": (
        lambda: plastic(
            jsnn.STDP,
            synapse=jsnn.SynapseModel(
                *({}, {}, lambda p, x, arriving, post, dt: (x, arriving)),
                event=lambda p, pre: pre["v"] > 0,
            ),
        ),
        r"'a_to_b': event returns an array of bool; expected one of float32, such as the margin",
    ),
    "events with a parameter of each postsynaptic neuron": (
        lambda: jsnn.Network(
            [jsnn.Population("a", 3, jsnn.LIF)],
            [
                jsnn.Projection(
                    *("a", "a", jsnn.Dense(np.ones((3, 3), F32))),
                    jsnn.SynapseModel(
                        *({"g": 1.0}, {}, lambda p, x, arriving, post, dt: (x, arriving)),
                        event=lambda p, pre: pre["v"] - p["g"],
                    ),
                    {"g": np.ones(3, F32)},
                )
            ],
        ),
        r"'a_to_a', parameter 'g': given one value per neuron; expected a scalar, since",
    ),
    "a parameter of the rule in the place of the synapse model's": (
        lambda: jsnn.Projection(
            *("a", "b", jsnn.Dense(np.ones((3, 3), F32))),
            params={"a_plus": 0.1},
            plasticity=jsnn.Plasticity(jsnn.STDP),
        ),
        r"'a_plus' belongs to its plasticity; expected jsnn.Plasticity\(model, {'a_plus': value}\)",
    ),
    "a current source that reads what is not there": (
        lambda: jsnn.Network(
            [jsnn.Population("a", 3, jsnn.LIF)],
            sources=[
                jsnn.CurrentSource(
                    *("s", "a"),
                    jsnn.CurrentSourceModel({}, {}, lambda p, x, k, dt: (x, p["u"]), reads=("u",)),
                )
            ],
        ),
        r"current source 's', reads: unknown variable 'u' \(known: 'v', 'refractory'\)",
    ),
    "numbers of each synapse without a delay": (
        lambda: jsnn.Projection(
            *("a", "b", jsnn.Dense(np.ones((3, 3), F32)), jsnn.GAP_JUNCTION), delay=0
        ),
        r"'a_to_b', delay: given 0 with a synapse model with sends_each; expected one delay of at",
    ),
    "numbers of each synapse without synapses": (
        lambda: jsnn.Network(
            [jsnn.Population("a", 3, jsnn.LIF)],
            [jsnn.Projection("a", "a", jsnn.AllToAll(F32(1), 3, 3), jsnn.GAP_JUNCTION)],
        ),
        r"given a synapse model with sends_each and AllToAll, which does not store a weight",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_named(name: str) -> None:
    make, message = WRONG[name]
    with pytest.raises((TypeError, ValueError), match=message):
        make()
