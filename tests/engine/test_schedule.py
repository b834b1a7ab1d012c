"""Every way through a run gives what stepping everything together gives, to the last bit."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsnn
from experiments.mnist import data
from experiments.mnist.network import WEIGHTS, spiking_evaluation
from jsnn._engine import distinct_currents as tabulate
from jsnn._engine import schedule
from jsnn._engine.driven import split
from jsnn._engine.recording_plan import plan_recordings
from jsnn._kernels import dense, native
from tests.networks import F32, assert_same, random_images, random_weights, spike_trains
from tests.profiles import examples

NUM_STEPS = 12
LIF = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.5, "tau_refrac": 0.3}

needs_kernels = pytest.mark.skipif(
    not native.available(), reason="without a C++ compiler everything is stepped together"
)


def both_ways(
    network: jsnn.Network,
    drives: dict[str, Any],
    record: dict[str, Any],
    num_steps: int = NUM_STEPS,
    key: jax.Array | None = None,
    *,
    alone: bool = False,
) -> None:
    """Assert that presentations end and record the same, scheduled and plain; a batch, or one."""

    def run(drive: dict[str, Any], plain: bool) -> Any:
        return jsnn.simulate(network, drive, num_steps, record=record, key=key, scheduled=not plain)

    if alone:
        first = jax.tree.map(lambda leaf: leaf[0], drives)
        assert_same(run(first, False), run(first, True))
    else:
        batch = [jax.jit(jax.vmap(lambda drive, p=p: run(drive, p))) for p in (False, True)]
        assert_same(*(run_all(drives) for run_all in batch))


def recordings(names: list[str]) -> dict[str, Any]:
    makers = (
        jsnn.SpikeCount,
        jsnn.Rate,
        jsnn.FirstSpike,
        jsnn.FirstSpikeTime,
        jsnn.MaxVariable,
        jsnn.MeanVariable,
    )
    return {f"{make.__name__} {name}": make(name) for make in makers for name in names}


@st.composite
def graphs(draw: st.DrawFn) -> jsnn.Network:
    """Random graphs with loops, self-loops and delays; delay 0 only from left to right."""
    sizes = draw(st.lists(st.integers(1, 20), min_size=2, max_size=5))
    names = [f"p{i}" for i in range(len(sizes))]
    pairs = st.tuples(st.sampled_from(range(len(sizes))), st.sampled_from(range(len(sizes))))
    projections = []
    for k, (i, j) in enumerate(draw(st.lists(pairs, min_size=1, max_size=7))):
        weights = np.random.default_rng(k).normal(0.3, 0.5, (sizes[i], sizes[j])).astype(F32)
        delay = draw(st.integers(0 if i < j else 1, 4))
        synapse = draw(st.sampled_from([jsnn.DELTA, jsnn.EXPONENTIAL]))
        projections.append(
            jsnn.Projection(
                names[i], names[j], jsnn.Dense(weights), synapse, delay=delay, name=f"c{k}"
            )
        )
    model = draw(st.sampled_from(["IF", "LIF"]))
    params = {"v_thresh": 1.5} if model == "IF" else LIF
    neuron = jsnn.IF if model == "IF" else jsnn.LIF
    populations = [
        jsnn.Population(name, size, neuron, params, {"v": 0.0})
        for name, size in zip(names, sizes, strict=True)
    ]
    return jsnn.Network(populations, projections, dt=draw(st.sampled_from([1.0, 0.1])))


@examples(3)
@given(graphs(), st.integers(0, 2**16), st.booleans(), st.booleans())
def test_random_graphs(network: jsnn.Network, seed: int, with_traces: bool, alone: bool) -> None:
    random = np.random.default_rng(seed)
    drives = {
        name: random.choice([0.0, 0.3, 0.7, 2.0], (3, size)).astype(F32)
        for name, size in network.sizes.items()
        if random.random() < 0.8
    }
    drives = drives or {"p0": np.ones((3, network.sizes["p0"]), F32)}
    record = recordings(list(network.sizes))
    if with_traces:
        record |= {f"spikes {name}": jsnn.Spikes(name) for name in network.sizes}
        record |= {"v": jsnn.Variable("p0", every=3)}
    both_ways(network, drives, record, alone=alone)


@pytest.mark.parametrize(
    ("num_steps", "delay", "alone"),
    [(1, 1, False), (1, 1, True), (2, 3, False), (64, 0, True), (130, 3, False)],
)
def test_chains_of_any_length_and_delay(delay: int, num_steps: int, alone: bool) -> None:
    weights = random_weights(0, (30, 70, 5))
    network = jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": 1.5}, delay=delay)
    drives = {"layer0": random_images(1, 4, 30)}
    record = recordings(["layer0", "layer1", "layer2"])
    both_ways(network, drives, record, num_steps, alone=alone)


def test_more_currents_than_the_table_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabulate, "_CAPACITY", 7)
    tabulate._rows.cache_clear()
    jax.clear_caches()
    network = jsnn.feedforward(random_weights(0, (30, 8)), jsnn.IF, params={"v_thresh": 1.5})
    few = np.random.default_rng(0).choice([0.0, 0.5, 1.0], (4, 30)).astype(F32)
    many = random_images(0, 4, 30)
    assert np.unique(few).size <= 7 < np.unique(many).size
    for drives in (few, many):
        both_ways(network, {"layer0": drives}, recordings(["layer0", "layer1"]))
    tabulate._rows.cache_clear()
    jax.clear_caches()


def test_a_fan_in_that_is_summed_in_blocks() -> None:
    weights = random_weights(0, (5000, 20, 3))
    network = jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": 1.5})
    both_ways(network, {"layer0": random_images(0, 3, 5000)}, recordings(["layer1"]))


def test_sources_draw_the_same_numbers() -> None:
    weights = jsnn.Dense(random_weights(0, (6, 6))[0])
    populations = [jsnn.Population(n, 6, jsnn.IF, {"v_thresh": 1.5}) for n in "abc"]
    sources = [
        jsnn.CurrentSource(f"noise of {n}", n, jsnn.GAUSSIAN_NOISE, {"mean": 0.2, "sd": 0.5})
        for n in "abc"
    ]
    projections = [jsnn.Projection("a", "b", weights), jsnn.Projection("b", "c", weights)]
    network = jsnn.Network(populations, projections, sources)
    drives = {"a": random_images(0, 3, 6)}
    both_ways(network, drives, recordings(list("abc")), key=jax.random.key(1))


def test_parameters_that_differ_between_neurons_or_presentations() -> None:
    network = jsnn.feedforward(random_weights(0, (20, 9, 4)), jsnn.IF, params={"v_thresh": 1.5})
    of_neurons = np.linspace(0.5, 2.0, 20, dtype=F32)
    different = network.with_params({"layer0": {"v_thresh": of_neurons}})
    both_ways(different, {"layer0": random_images(0, 3, 20)}, recordings(["layer0", "layer2"]))
    image, record = random_images(0, 1, 20)[0], recordings(["layer0", "layer1", "layer2"])

    def run(v_thresh: jax.Array, plain: bool) -> Any:
        params = {name: {"v_thresh": v_thresh} for name in network.sizes}
        drive = {"layer0": image}
        return jsnn.simulate(
            network.with_params(params), drive, NUM_STEPS, record=record, scheduled=not plain
        )

    thresholds = np.array([0.7, 1.5, 3.0], F32)
    assert_same(*(jax.vmap(lambda th, p=p: run(th, p))(thresholds) for p in (False, True)))


def test_two_axes_of_batches_and_a_batch_of_networks() -> None:
    stacked = [
        np.stack(w) for w in zip(*(random_weights(s, (12, 9, 4)) for s in range(3)), strict=True)
    ]
    images = random_images(0, 6, 12).reshape(3, 2, 12)

    def counts(weights: list[jax.Array], image: jax.Array, plain: bool) -> Any:
        network = jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": 1.5})
        record = recordings(["layer0", "layer2"])
        return jsnn.simulate(
            network, {"layer0": image}, NUM_STEPS, record=record, scheduled=not plain
        )

    for in_axes in ((None, 0), (0, 0)):
        weights = stacked if in_axes[0] == 0 else [w[0] for w in stacked]
        scheduled, plain = (
            jax.vmap(jax.vmap(lambda w, x, p=p: counts(w, x, p), (None, 0)), in_axes)(
                weights, images
            )
            for p in (False, True)
        )
        assert_same(scheduled, plain)


def test_gradients_are_those_of_the_plain_run() -> None:
    weights = [jnp.asarray(w) for w in random_weights(0, (12, 9, 4))]
    image = jnp.asarray(random_images(0, 1, 12)[0])

    def loss(weights: list[jax.Array], image: jax.Array, plain: bool) -> jax.Array:
        network = jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": 1.5})
        record = {"count": jsnn.SpikeCount("layer2"), "input": jsnn.SpikeCount("layer0")}
        state, kept = jsnn.simulate(
            network, {"layer0": image}, NUM_STEPS, record=record, scheduled=not plain
        )
        return kept["count"][1] + 0.1 * kept["input"].sum() + state.populations["layer1"]["v"].sum()

    scheduled, plain = (jax.grad(loss, (0, 1))(weights, image, p) for p in (False, True))
    assert any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(plain))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), scheduled, plain)


@pytest.mark.parametrize("num_hidden", [1, 3])
def test_real_images(num_hidden: int) -> None:
    weights = jsnn.load_weights(WEIGHTS)
    if num_hidden == 3:
        weights = [
            weights[0],
            *(0.7 * w for w in random_weights(0, (128, 100, 77))),
            random_weights(1, (77, 10))[0],
        ]
    images = data.test_images()
    some = data.Images(images.pixels[:300], images.labels[:300])
    record = {name: jsnn.SpikeCount(name) for name in ("layer1", "layer2")}
    scheduled, plain = (
        spiking_evaluation(weights, some, batch_size=128, record=record, scheduled=not p)
        for p in (False, True)
    )
    assert_same(scheduled.spikes, plain.spikes)
    assert_same(scheduled.recorded, plain.recorded)
    assert_same(scheduled.predictions, plain.predictions)


@pytest.mark.parametrize("delay", [0, 2])
def test_given_spike_trains(delay: int) -> None:
    source = jsnn.Population("layer0", 30, jsnn.SPIKE_SOURCE)
    hidden = jsnn.Population("layer1", 8, jsnn.IF, {"v_thresh": 1.5})
    weights = jsnn.Dense(random_weights(0, (30, 8))[0])
    network = jsnn.Network(
        [source, hidden], [jsnn.Projection("layer0", "layer1", weights, delay=delay)]
    )
    trains = spike_trains(0, (3, NUM_STEPS, 30), 0.2)
    counts = recordings(["layer1"]) | {"in": jsnn.SpikeCount("layer0")}
    for record in (counts, counts | {"spikes": jsnn.Spikes("layer0")}):
        both_ways(network, {"layer0": jsnn.over_time(trains)}, record)
    _, recorded = jsnn.simulate(
        network, {"layer0": jsnn.over_time(trains[0])}, NUM_STEPS, record=counts
    )
    np.testing.assert_array_equal(recorded["in"], trains[0].sum(axis=0))
    as_currents, _ = jsnn.simulate(
        network, {"layer0": jsnn.over_time(trains[0].astype(F32))}, NUM_STEPS
    )
    as_spikes, _ = jsnn.simulate(network, {"layer0": jsnn.over_time(trains[0])}, NUM_STEPS)
    assert_same(as_spikes, as_currents)


def test_bool_is_a_drive_of_spike_sources_alone() -> None:
    network = jsnn.feedforward(random_weights(0, (5, 3)), jsnn.IF)
    with pytest.raises(TypeError, match=r"'layer0'.*bool"):
        jsnn.simulate(network, {"layer0": np.ones(5, bool)}, 3)


def test_loops_are_stages_in_the_order_of_their_spikes() -> None:
    def network(*edges: str) -> jsnn.Network:
        one = jsnn.Dense(np.ones((1, 1), F32))
        names = sorted({name for edge in edges for name in edge}, reverse=True)
        return jsnn.Network(
            [jsnn.Population(name, 1, jsnn.IF) for name in names],
            [jsnn.Projection(edge[0], edge[1], one) for edge in edges],
        )

    assert schedule.loops(network("ab", "bc", "ac")) == (("a",), ("b",), ("c",))
    found = schedule.loops(network("ab", "bc", "cb", "cd", "dd"))
    assert [set(stage) for stage in found] == [{"a"}, {"b", "c"}, {"d"}]


@needs_kernels
def test_what_is_tabulated_and_what_is_not() -> None:
    network = jsnn.feedforward(random_weights(0, (12, 9, 4)), jsnn.IF)

    def of(record: dict[str, Any], num_steps: int = NUM_STEPS, **drive: Any) -> Any:
        planned = plan_recordings(network, record, num_steps)
        constant, varying = split(network, drive or {"layer0": 1.0})
        return schedule.quickest_schedule(network, constant, varying, planned, num_steps)

    chain = (("layer0",), ("layer1",), ("layer2",))
    assert of({}) == schedule.Schedule(chain, ("layer0",), event_driven=True)
    assert of({"n": jsnn.SpikeCount("layer0")}).tabulated == ("layer0",)
    assert of({"n": jsnn.Spikes("layer0")}).tabulated == ()
    assert of({"n": jsnn.Spikes("layer0", every=2)}).tabulated == ()
    assert of({"n": jsnn.Spikes("layer1")}).tabulated == ("layer0",)
    assert of({"n": lambda state, spikes: spikes}).stages == (("layer0", "layer1", "layer2"),)
    assert len(of({}, num_steps=1).stages) == 1
    assert len(of({}, num_steps=10**6).stages) == 1  # would take too much memory


def test_a_run_lowers_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    network = jsnn.feedforward(random_weights(0, (12, 9, 4)), jsnn.IF)
    record = {"count": jsnn.SpikeCount("layer2")}

    def run(image: jax.Array) -> Any:
        return jsnn.simulate(network, {"layer0": image}, NUM_STEPS, record=record)

    lowered = (
        jax.jit(jax.vmap(run)).trace(random_images(0, 70, 12)).lower(lowering_platforms=("cuda",))
    )
    text = lowered.as_text()
    assert "jsnn_" not in text
    assert text.count("stablehlo.dot_general") == 2  # one for each projection, over all steps
    assert f"tensor<{70 * NUM_STEPS}x12xf32>" in text


@needs_kernels
def test_the_compiled_program_has_no_dense_product() -> None:
    network = jsnn.feedforward(random_weights(0, (784, 128, 10)), jsnn.IF)
    record = {name: jsnn.SpikeCount(name) for name in network.sizes}

    def program(plain: bool) -> Any:
        def run(image: jax.Array) -> Any:
            return jsnn.simulate(
                network, {"layer0": image}, 50, record=record, scheduled=not plain
            )[1]

        return jax.jit(jax.vmap(run)).lower(random_images(0, 64, 784)).compile()

    scheduled, plain = program(False), program(True)
    dots = [
        len(re.findall(r" dot\(|__ynn|__onednn|kind=kCustom", p.as_text()))
        for p in (scheduled, plain)
    ]
    assert dots[0] == 0
    assert (dots[1] > 0) == dense._PRODUCTS_ARE_IN_ORDER  # else plain adds neuron by neuron
    assert scheduled.as_text().count('custom_call_target="jsnn_train_product"') == 1
    # One for the hidden layer, one for input with too many distinct currents.
    assert scheduled.as_text().count('custom_call_target="jsnn_product_over_time"') == 2


def test_neurons_that_look_at_each_other_are_not_tabulated() -> None:
    lateral = jsnn.NeuronModel(
        params={"v_thresh": 3.0},
        variables={"v": 0.0},
        update=lambda p, x, current, dt: {"v": x["v"] + dt * (current - 0.3 * jnp.mean(x["v"]))},
        threshold=lambda p, x: x["v"] - p["v_thresh"],
        reset=lambda p, x: {"v": jnp.zeros_like(x["v"])},
    )
    network = jsnn.feedforward([np.full((10, 2), 0.3, F32)], lateral)
    drive = np.full(10, 0.5, F32)
    drive[:3] = 2
    _, recorded = jsnn.simulate(network, {"layer0": drive}, 25, record=recordings(["layer0"]))
    v, counts = np.zeros(10, F32), np.zeros(10)
    for _ in range(25):
        v = v + (drive - F32(0.3) * v.mean())
        counts += v >= 3
        v = np.where(v >= 3, 0, v)
    np.testing.assert_array_equal(recorded["SpikeCount layer0"], counts)


@pytest.mark.parametrize("delay", [0, 1])
def test_one_weight_of_each_neuron_rounds_the_same_in_any_run(delay: int) -> None:
    source = jsnn.Population("a", 12, jsnn.SPIKE_SOURCE)
    weights = jsnn.OneToOne(np.random.default_rng(0).normal(1, 1.5, 12).astype(F32))
    network = jsnn.Network(
        [source, jsnn.Population("b", 12, jsnn.ALIF)],
        [jsnn.Projection("a", "b", weights, jsnn.ALPHA, delay=delay)],
        dt=0.5,
    )
    trains = spike_trains(0, (60, 12), 0.15)
    drive = {"a": jsnn.over_time(trains)}
    whole, _ = jsnn.simulate(network, drive, 60)
    first, _ = jsnn.simulate(network, {"a": jsnn.over_time(trains[:23])}, 23)
    rest = {"a": jsnn.over_time(trains[23:])}
    assert_same(jsnn.simulate(network, rest, 37, state=first)[0], whole)
    assert_same(jsnn.simulate(network, drive, 60, scheduled=False)[0], whole)
