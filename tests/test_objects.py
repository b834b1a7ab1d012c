"""Objects that a user holds: they explain themselves, stay as they are and can be pickled."""

import dataclasses
import pickle
import pydoc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32, assert_same, random_weights

MODELS = {
    name: getattr(jsnn, name)
    for name in jsnn.__all__
    if isinstance(
        getattr(jsnn, name),
        (jsnn.NeuronModel, jsnn.SynapseModel, jsnn.CurrentSourceModel, jsnn.PlasticityModel),
    )
}
UNITS = {"ms", "mV", "nA", "uS", "nF", "MOhm", "Hz", "1/ms", "1/mV", "mV/ms", "rad", "mM"}


def large_network(num_populations: int = 40) -> jsnn.Network:
    names = [f"p{i}" for i in range(num_populations)]
    dense = jsnn.Dense(np.full((5, 5), 0.1, F32))
    return jsnn.Network(
        [jsnn.Population(name, 5, jsnn.LIF) for name in names],
        [jsnn.Projection(a, b, dense) for a in names[:6] for b in names],
        [jsnn.CurrentSource(f"to {name}", name, jsnn.CONSTANT) for name in names],
    )


def learning_network() -> jsnn.Network:
    sparse = jsnn.fixed_probability(jax.random.key(0), 20, 10, 0.3, 0.2)
    learning = jsnn.Plasticity(jsnn.STDP, {"a_plus": 0.01})
    return jsnn.Network(
        [jsnn.Population("pre", 20, jsnn.POISSON_NEURON, {"rate": 50.0}), LAST],
        [jsnn.Projection("pre", "post", sparse, jsnn.EXPONENTIAL, plasticity=learning)],
    )


LAST = jsnn.Population("post", 10, jsnn.LIF)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_what_it_is_in_every_way_that_one_can_ask(name: str) -> None:
    model = MODELS[name]
    assert model.name == name
    title = model.description.split("\n")[0]
    assert title.endswith(".")
    for shown in (model.__doc__, repr(model), pydoc.plain(pydoc.render_doc(model))):
        assert title in shown
        for declared in (*model.params, *model.variables):
            assert declared in shown
    for quantity in (*model.params.values(), *model.variables.values()):
        assert quantity.unit in {"", *UNITS}


def test_a_time_constant_is_never_zero_or_negative() -> None:
    for model in MODELS.values():
        for name, quantity in model.params.items():
            if name.startswith("tau"):
                assert quantity.unit == "ms"
                assert (quantity.above, quantity.at_least) in ((0, None), (None, 0))


def test_a_network_of_many_parts_prints_at_most_thirty_lines() -> None:
    text = str(large_network())
    assert len(text.splitlines()) <= 30
    assert len(text) < 3000
    assert "Network of 200 neurons and 6,000 synapses: float32, dt = 1 ms" in text
    assert "... " in text


def test_a_network_prints_its_parts() -> None:
    network = learning_network()
    lines = {line.split()[0]: line.split() for line in str(network).splitlines() if line}
    synapses = str(network.projection("pre_to_post").connectivity.num_synapses)
    assert lines["post"] == ["post", "10", "LIF"]
    expected = ["pre", "post", "Sparse", synapses, "EXPONENTIAL", "1", "STDP"]
    assert lines["pre_to_post"][1:] == expected


def test_the_bytes_of_a_network_are_those_of_its_arrays() -> None:
    small = jsnn.feedforward([np.ones((3, 5), F32)], jsnn.IF)
    num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(small))
    assert str(small).splitlines()[0].endswith(f", {num_bytes} bytes")
    for network in (learning_network(), large_network()):
        num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(network))
        assert str(network).splitlines()[0].endswith(f", {num_bytes / 1e3:.3g} kB")


@pytest.mark.parametrize("make", [large_network, lambda: jsnn.init(large_network())])
def test_what_prints_as_text_prints_as_html(make: Any) -> None:
    held = make()
    html = held._repr_html_()
    assert html.count("<table>") == html.count("</table>") >= 1
    assert len(str(held).splitlines()) <= 30
    for name in ("p0", "p1"):
        assert name in html


def test_html_is_escaped() -> None:
    network = jsnn.Network([jsnn.Population("<b>", 1, jsnn.IF)])
    assert "<td>&lt;b&gt;</td>" in network._repr_html_()


def test_a_network_prints_while_it_is_traced() -> None:
    shown = []

    @jax.jit
    def traced(network: jsnn.Network) -> jax.Array:
        shown.append(str(network))
        return network.dt

    traced(learning_network())
    assert "dt = float32[]" in shown[0]


def test_an_evaluation_prints_its_accuracy_and_spikes() -> None:
    network = jsnn.feedforward(random_weights(0, (4, 3)), jsnn.IF)
    images = np.full((6, 4), 0.5, F32)
    result = jsnn.evaluate(
        network, {"layer0": images}, np.zeros(6, int), 10, jsnn.spike_count("layer1")
    )
    text = str(result)
    assert f"Evaluation of 6 presentations: accuracy {result.accuracy:.2%}" in text
    assert f"{result.spikes_per_presentation['layer0']:,.4f}" in text
    assert "layer1" in result._repr_html_()


def changes() -> dict[str, Any]:
    network = learning_network()
    projection = network.projections[0]

    def put(values: Any) -> Any:
        return lambda: values.__setitem__(next(iter(values)), 5.0)

    return {
        "default of a model": put(jsnn.LIF.params),
        "variable of a model": put(jsnn.LIF.variables),
        "trace of a rule": put(jsnn.STDP.pre),
        "parameter of a population": put(network.populations[1].params),
        "initial value of a population": put(network.populations[1].initial),
        "parameter of a projection": put(projection.params),
        "parameter of a plasticity": put(projection.plasticity.params),
        "update of parameters": lambda: network.populations[1].params.update(tau_m=1.0),
        "union in place": lambda: network.populations[1].params.__ior__({"tau_m": 1.0}),
        "removal": lambda: network.populations[1].params.pop("tau_m"),
        "field of a network": lambda: setattr(network, "dt", 2.0),
        "field of a model": lambda: setattr(jsnn.LIF, "update", None),
    }


@pytest.mark.parametrize("what", changes())
def test_nothing_is_changed_in_place(what: str) -> None:
    before = pickle.dumps(jsnn.LIF)
    with pytest.raises((TypeError, AttributeError), match=r"frozen|cannot (be changed|assign)"):
        changes()[what]()
    assert pickle.dumps(jsnn.LIF) == before


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_pickled_is_equal_and_compiles_nothing_anew(name: str) -> None:
    model = MODELS[name]
    copy = pickle.loads(pickle.dumps(model))
    assert copy == model
    assert hash(copy) == hash(model)
    assert (copy.name, copy.__doc__, copy.params) == (model.name, model.__doc__, model.params)


def test_networks_states_and_recordings_that_were_pickled_run_on_the_same() -> None:
    network = learning_network()
    record = {"v": jsnn.Variable("post"), "n": jsnn.SpikeCount("pre"), "s": jsnn.Spikes("pre")}
    middle, _ = jsnn.simulate(network, {}, 20, key=jax.random.key(0))
    expected = jsnn.simulate(network, {}, 20, record=record, state=middle)
    network, record, middle = pickle.loads(pickle.dumps((network, record, middle)))
    assert_same(jsnn.simulate(network, {}, 20, record=record, state=middle), expected)


def test_the_default_of_a_variant_is_that_of_its_model_unless_given() -> None:
    params = {**jsnn.LIF.params, "tau_m": jsnn.Quantity(50.0, "ms", above=0)}
    slow = dataclasses.replace(jsnn.LIF, params=params)
    assert slow == jsnn.LIF  # the functions and names are; defaults are traced
    assert float(jsnn.Population("a", 1, slow).params["tau_m"]) == 50.0
    with pytest.raises(ValueError, match=r"tau_m.*given 0.0; expected a number > 0, in ms"):
        jsnn.Population("a", 1, slow, {"tau_m": 0.0})


NOT_ALLOWED = {
    "above": (jsnn.Quantity(1.0, above=0), 0.0, "> 0"),
    "at_least": (jsnn.Quantity(1.0, at_least=0), -0.5, ">= 0"),
    "below": (jsnn.Quantity(0.5, below=1), 1.0, "< 1"),
    "at_most": (jsnn.Quantity(0.5, "uS", at_most=1), 1.5, "<= 1, in uS"),
}


@pytest.mark.parametrize("kind", NOT_ALLOWED)
@pytest.mark.parametrize("field", ["params", "initial"])
def test_values_outside_their_domain_are_refused(kind: str, field: str) -> None:
    quantity, value, bound = NOT_ALLOWED[kind]
    declared = {"x": quantity} if field == "params" else {}
    model = jsnn.NeuronModel(
        params=declared,
        variables={"v": 0.0} | ({} if declared else {"x": quantity}),
        update=lambda p, x, current, dt: x,
        threshold=lambda p, x: x["v"] - 1,
    )
    jsnn.Population("a", 3, model)
    message = rf"population 'a', .*'x': given {value}; expected a number {bound}"
    for given in (value, np.array([quantity.default, value, quantity.default], F32)):
        with pytest.raises(ValueError, match=message):
            jsnn.Population("a", 3, model, **{field: {"x": given}})


def test_a_bound_may_be_another_parameter() -> None:
    model = jsnn.NeuronModel(
        params={"low": jsnn.Quantity(0.0, at_most="high"), "high": 1.0},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: x,
        threshold=lambda p, x: x["v"] - 1,
    )
    jsnn.Population("a", 2, model, {"low": np.array([0.5, 2.0]), "high": np.array([0.5, 3.0])})
    with pytest.raises(ValueError, match=r"'low': given 2\.0; expected a number <= high \(high is"):
        jsnn.Population("a", 2, model, {"low": np.array([0.5, 2.0])})
    network = jsnn.Network([jsnn.Population("a", 2, model)])
    with pytest.raises(ValueError, match=r"'low': given 0\.0"):
        network.with_params({"a": {"high": -1.0}})
    with pytest.raises(ValueError, match=r"bounded by 'hihg', which is not declared"):
        jsnn.PlasticityModel(
            params={"low": jsnn.Quantity(0.0, at_most="hihg")}, variables={}, pre={}, post={}
        )


def test_parts_are_found_by_their_names() -> None:
    network = learning_network()
    assert network.population("post") is network.populations[1]
    assert network.projection("pre_to_post") is network.projections[0]
    with pytest.raises(ValueError, match=r"unknown projection 'pre_to_pots'; did you mean"):
        network.projection("pre_to_pots")
    with pytest.raises(ValueError, match=r"unknown current source 'noise'"):
        network.source("noise")


CONNECTIVITIES = {
    "Dense": jsnn.Dense(np.ones((4, 3), F32)),
    "Sparse": jsnn.Sparse([3, 0, 2, 0], [1, 2, 0, 0], np.ones(4, F32), 4, 3),
    "AllToAll": jsnn.AllToAll(F32(1), 4, 3),
    "Conv2D": jsnn.Conv2D(np.ones((2, 2, 1, 3), F32), (2, 2, 1)),
}


@pytest.mark.parametrize("kind", CONNECTIVITIES)
def test_new_weights_are_those_that_deliver(kind: str) -> None:
    connectivity = CONNECTIVITIES[kind]
    network = jsnn.Network(
        [jsnn.Population("a", 4, jsnn.IF), jsnn.Population("b", 3, jsnn.IF)],
        [jsnn.Projection("a", "b", connectivity, delay=2)],
    )
    shape = np.shape(connectivity.weights)
    weights = np.asarray(np.random.default_rng(0).random(shape), F32)
    changed = network.with_params({"a_to_b": {"weights": weights}}).projection("a_to_b")
    np.testing.assert_array_equal(changed.connectivity.weights, weights)
    assert changed.delay == 2
    expected = connectivity.with_weights(jnp.asarray(weights)).deliver(jnp.ones(4, F32))
    np.testing.assert_array_equal(changed.connectivity.deliver(jnp.ones(4, F32)), expected)
    gradient = jax.grad(
        lambda w: (
            network.with_params({"a_to_b": {"weights": w}})
            .projection("a_to_b")
            .connectivity.deliver(jnp.ones(4, F32))
            .sum()
        )
    )(weights)
    assert gradient.shape == shape
    with pytest.raises(ValueError, match=r"with_params of 'a_to_b', weights: given shape \(7,\)"):
        network.with_params({"a_to_b": {"weights": np.ones(7, F32)}})
    with pytest.raises(TypeError, match=r"given an array of float64"):
        network.with_params({"a_to_b": {"weights": np.ones(shape)}})


def test_weights_that_a_connectivity_does_not_have_are_refused() -> None:
    pool = jsnn.AveragePool2D((2, 2, 1), 2)
    network = jsnn.Network(
        [jsnn.Population("a", 4, jsnn.IF), jsnn.Population("b", 1, jsnn.IF)],
        [jsnn.Projection("a", "b", pool)],
    )
    with pytest.raises(TypeError, match="its connectivity is AveragePool2D, which has no weights"):
        network.with_params({"a_to_b": {"weights": np.ones(4, F32)}})


@pytest.mark.parametrize("delays", [None, np.array([2, 1, 3, 1, 2])])
def test_synapses_keep_the_order_in_which_they_were_given(delays: Any) -> None:
    """Weights, initial values and the state are in that order, and so is what is learnt."""
    pre, post = np.array([3, 0, 2, 0, 3]), np.array([1, 2, 0, 0, 0])
    weights = np.array([0.1, 0.2, 0.3, 0.4, 0.5], F32)
    sparse = jsnn.Sparse(pre, post, weights, 4, 3, delays)
    for field, given in (("pre", pre), ("post", post), ("weights", weights), ("delays", delays)):
        if given is not None:
            np.testing.assert_array_equal(getattr(sparse, field), given)
    rule = jsnn.PlasticityModel(
        params={},
        variables={"tag": 0.0},
        pre={},
        post={},
        on_pre=lambda p, s, pre, post: s | {"weight": s["weight"] + s["tag"]},
    )
    tags = np.arange(5, dtype=F32)
    learning = jsnn.Plasticity(rule, initial={"tag": tags})
    undelayed = jsnn.Sparse(pre, post, weights, 4, 3)
    network = jsnn.Network(
        [jsnn.Population("a", 4, jsnn.SPIKE_SOURCE), jsnn.Population("b", 3, jsnn.IF)],
        [jsnn.Projection("a", "b", undelayed, plasticity=learning)],
    )
    once = np.zeros((4, 4), bool)
    once[0, 3] = True
    state, _ = jsnn.simulate(network, {"a": jsnn.over_time(once)}, 4)
    learnt = state.projections["a_to_b"].plasticity.synapses
    np.testing.assert_array_equal(learnt["tag"], tags)
    np.testing.assert_array_equal(learnt["weight"], weights + tags * (pre == 3))


def test_an_initializer_in_the_place_of_numbers_is_refused_with_the_remedy() -> None:
    draw = jsnn.initializers.uniform(-70, -50)
    for wrong in ({"initial": {"v": draw}}, {"params": {"v_thresh": draw}}):
        with pytest.raises(TypeError, match=r"draw them: initializer\(key, shape\)"):
            jsnn.Population("a", 5, jsnn.LIF, **wrong)
    population = jsnn.Population("a", 5, jsnn.LIF, initial={"v": draw(jax.random.key(0), 5)})
    assert len(np.unique(population.initial["v"])) == 5


BUILDERS = {
    "fixed_probability": 0.5,
    "fixed_in_degree": 7,
    "fixed_out_degree": 7,
    "fixed_total": 60,
}


@pytest.mark.parametrize("builder", BUILDERS)
def test_without_autapses_no_neuron_reaches_itself_and_all_others_are_as_likely(
    builder: str,
) -> None:
    draw, number = getattr(jsnn, builder), BUILDERS[builder]
    counts = np.zeros((12, 12))
    for seed in range(60):
        sparse = draw(jax.random.key(seed), 12, 12, number, 1.0, autapses=False)
        np.add.at(counts, (np.asarray(sparse.pre), np.asarray(sparse.post)), 1)
    assert not np.diag(counts).any()
    others = counts[~np.eye(12, dtype=bool)] / 60
    expected = {"fixed_probability": 0.5, "fixed_total": 60 / 132}.get(builder, 7 / 11)
    assert abs(others.mean() - expected) < 0.02
    assert np.all(abs(others - expected) < 5 * np.sqrt(expected * (1 - expected) / 60))
    with pytest.raises(ValueError, match=f"{builder}, autapses: given False for 12 presynaptic"):
        draw(jax.random.key(0), 12, 13, number, 1.0, autapses=False)


def test_time_courses_are_marked() -> None:
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF, {"v_thresh": 100.0})],
        sources=[jsnn.CurrentSource("dc", "a", jsnn.CONSTANT)],
    )
    record = {"v": jsnn.Variable("a")}
    rows = np.arange(15, dtype=F32).reshape(5, 3)
    steps = np.arange(5, dtype=F32)

    def v(drive: Any) -> np.ndarray:
        return np.asarray(jsnn.simulate(network, drive, 5, record=record)[1]["v"])

    np.testing.assert_array_equal(v({"a": jsnn.over_time(rows)}), np.cumsum(rows, axis=0))
    for each_step in (v({"a": jsnn.over_time(steps)}), v(dc(jsnn.over_time(steps)))):
        np.testing.assert_array_equal(each_step, np.cumsum(steps)[:, None] * np.ones(3))
    np.testing.assert_array_equal(v(dc(jsnn.over_time(rows))), np.cumsum(rows, axis=0))
    for square in (np.ones((5, 3), F32), np.ones((5, 5), F32)):
        with pytest.raises(
            ValueError, match=r"jsnn\.over_time\(x\) marks a time course; .*jax.vmap"
        ):
            v({"a": square})
    with pytest.raises(ValueError, match="expected 5 values along its first axis"):
        v({"a": jsnn.over_time(rows[:4])})
    with pytest.raises(ValueError, match=r"a time course of shape \(5, 2\); expected \(5,\) or"):
        v({"a": jsnn.over_time(rows[:, :2])})
    with pytest.raises(ValueError, match=r"over_time: given 3\.0; expected an array"):
        jsnn.over_time(3.0)
    with pytest.raises(ValueError, match=r"given a time course; expected the value of this one"):
        jsnn.step(network, jsnn.init(network), {"a": jsnn.over_time(rows)})


def dc(magnitude: Any) -> dict[str, Any]:
    return {"dc": {"magnitude": magnitude}}


def test_a_time_course_of_a_parameter_stays_in_its_domain() -> None:
    learning = jsnn.Plasticity(jsnn.STDP)
    network = jsnn.Network(
        [jsnn.Population("a", 3, jsnn.IF)],
        [jsnn.Projection("a", "a", jsnn.Dense(np.zeros((3, 3), F32)), plasticity=learning)],
    )
    wrong = {"a_to_a": {"plasticity": {"tau_plus": jsnn.over_time(np.array([1, 0, 1], F32))}}}
    with pytest.raises(
        ValueError, match=r"drive of 'a_to_a'.*'tau_plus': given 0\.0; expected a nu"
    ):
        jsnn.simulate(network, wrong, 3)


def test_the_parameters_of_a_rule_and_of_a_synapse_model_may_have_the_same_names() -> None:
    rule = jsnn.PlasticityModel(
        params={"tau": jsnn.Quantity(7.0, "ms", above=0), "e_rev": 0.5},
        variables={"g": 0.0},
        pre={},
        post={},
        on_pre=lambda p, s, pre, post: {"weight": s["weight"] + p["e_rev"], "g": s["g"] + p["tau"]},
    )
    network = jsnn.Network(
        [jsnn.Population("a", 1, jsnn.SPIKE_SOURCE), jsnn.Population("b", 1, jsnn.LIF)],
        [
            jsnn.Projection(
                *("a", "b", jsnn.Dense(np.zeros((1, 1), F32)), jsnn.CONDUCTANCE, {"tau": 3.0}),
                plasticity=jsnn.Plasticity(rule, {"e_rev": 0.25}),
            )
        ],
    )
    changed = network.with_params({"a_to_b": {"tau": 4.0, "plasticity": {"tau": 8.0}}})
    once = jsnn.over_time(np.array([1, 0, 1], bool))
    state, _ = jsnn.simulate(changed, {"a": once}, 3)
    synapses = state.projections["a_to_b"].plasticity.synapses
    assert (float(synapses["weight"][0, 0]), float(synapses["g"][0, 0])) == (0.5, 16.0)
    assert float(changed.projection("a_to_b").params["tau"]) == 4.0
