"""Data sets: predictions, accuracy, batches, what happens between presentations."""

import dataclasses
import sys
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jsnn
from tests import reference
from tests.networks import F32, assert_same, random_images, random_weights
from tests.profiles import examples

SIZES = (20, 14, 5)
N, T, THETA = 11, 25, 1.5
WEIGHTS = random_weights(0, SIZES)
IMAGES = random_images(0, N, SIZES[0])
LABELS = np.random.default_rng(0).integers(0, SIZES[-1], N)
LAYERS = ("layer0", "layer1", "layer2")
COUNTS = {name: jsnn.SpikeCount(name) for name in LAYERS}
READOUT = jsnn.spike_count("layer2")


def chain(weights: list[np.ndarray] = WEIGHTS, delay: int = 1) -> jsnn.Network:
    return jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": THETA}, delay=delay)


def evaluated(network: jsnn.Network | None = None, **options: Any) -> jsnn.Evaluation:
    drives = {"layer0": options.pop("images", IMAGES)}
    labels = options.pop("labels", LABELS)
    network = network or chain()
    return jsnn.evaluate(network, drives, labels, T, options.pop("readout", READOUT), **options)


def assert_same_results(a: jsnn.Evaluation, b: jsnn.Evaluation) -> None:
    assert_same(
        (a.predictions, a.labels, a.spikes, a.recorded),
        (b.predictions, b.labels, b.spikes, b.recorded),
    )


def assert_equals_loop(evaluation: jsnn.Evaluation, runs: list[reference.Run]) -> None:
    """Every neuron of every layer, and what follows from it."""
    for name in LAYERS:
        counts = np.array([run.counts(name) for run in runs])
        assert counts.any()
        np.testing.assert_array_equal(evaluation.recorded[name], counts)
        np.testing.assert_array_equal(evaluation.spikes[name], counts.sum(axis=1))
        np.testing.assert_allclose(
            evaluation.spikes_per_presentation[name], counts.sum() / len(runs), rtol=1e-12
        )
    answers = [int(np.argmax(run.counts("layer2"))) for run in runs]
    np.testing.assert_array_equal(evaluation.predictions, answers)
    assert len(set(answers)) > 1


@pytest.mark.parametrize(("delay", "batch_size"), [(0, 4), (1, 1), (1, 4), (1, 11), (4, 4)])
def test_fresh_presentations_equal_the_loop(delay: int, batch_size: int) -> None:
    evaluation = evaluated(chain(delay=delay), record=COUNTS, batch_size=batch_size)
    runs = reference.fresh_presentations(WEIGHTS, IMAGES, T, v_thresh=THETA, delay=delay)
    assert_equals_loop(evaluation, runs)


@pytest.mark.parametrize(("delay", "batch_size"), [(0, 4), (1, 1), (1, 4), (1, 11), (4, 4)])
def test_carried_presentations_equal_the_loop(delay: int, batch_size: int) -> None:
    evaluation = evaluated(
        chain(delay=delay), record=COUNTS, batch_size=batch_size, between=jsnn.keep_in_flight
    )
    runs = reference.carried_presentations(WEIGHTS, IMAGES, T, v_thresh=THETA, delay=delay)
    assert_equals_loop(evaluation, runs)


def test_spikes_in_flight_leak_only_where_they_are_asked_to() -> None:
    fresh = evaluated(record=COUNTS)
    carried = evaluated(record=COUNTS, between=jsnn.keep_in_flight)
    np.testing.assert_array_equal(carried.spikes["layer0"], fresh.spikes["layer0"])
    assert carried.spikes["layer1"].sum() > fresh.spikes["layer1"].sum()
    np.testing.assert_array_equal(carried.recorded["layer1"][0], fresh.recorded["layer1"][0])


def keep_the_charge_of_layer1(network: jsnn.Network, state: jsnn.State) -> jsnn.State:
    fresh = jsnn.init(network, state.key)
    kept = {"layer1": state.populations["layer1"]}
    return dataclasses.replace(fresh, populations=fresh.populations | kept)


def test_what_happens_between_presentations_can_be_replaced() -> None:
    evaluation = evaluated(record=COUNTS, between=keep_the_charge_of_layer1, batch_size=3)
    sizes, links = reference.chain(WEIGHTS)
    runs, charge = [], np.zeros(SIZES[1], F32)
    for image in IMAGES:
        drive, start = {"layer0": image}, {"layer1": charge}
        runs.append(
            reference.integrate_fire(sizes, links, drive, T, v_thresh=THETA, voltages=start)
        )
        charge = runs[-1].voltages["layer1"][-1]
    assert_equals_loop(evaluation, runs)


@examples(4)
@given(
    seed=st.integers(0, 99),
    batch_size=st.sampled_from([1, 2, 3, 10, 11, 500]),
    delay=st.sampled_from([0, 1]),
)
def test_the_batch_size_does_not_change_a_bit(seed: int, batch_size: int, delay: int) -> None:
    network = chain(random_weights(seed, SIZES), delay)
    record = COUNTS | {"v": jsnn.Variable("layer2"), "m": jsnn.MaxVariable("layer1")}
    images = random_images(seed, N, SIZES[0])
    expected = evaluated(network, images=images, record=record, batch_size=N)
    assert expected.spikes["layer2"].any()
    got = evaluated(network, images=images, record=record, batch_size=batch_size)
    assert_same_results(got, expected)


@pytest.mark.parametrize("sizes", [(784, 128, 10), (300, 100, 1)], ids=str)
def test_the_batch_size_does_not_change_a_bit_of_wide_layers(sizes: tuple[int, ...]) -> None:
    """Batch sizes on both sides of every change of path in the products."""
    network = chain(random_weights(1, sizes, scale=0.3))
    images = random_images(1, 70, sizes[0], scale=0.3)
    labels = np.zeros(70, int)
    record = {name: jsnn.Variable(name, every=5) for name in network.sizes}
    expected = evaluated(network, images=images, labels=labels, record=record, batch_size=1)
    assert all(spikes.any() for spikes in expected.spikes.values())
    for batch_size in (3, 20, 70):
        got = evaluated(network, images=images, labels=labels, record=record, batch_size=batch_size)
        assert_same_results(got, expected)


def noisy() -> jsnn.Network:
    plain = chain()
    noise = jsnn.CurrentSource("noise", "layer1", jsnn.GAUSSIAN_NOISE, {"sd": 0.5})
    return jsnn.Network(plain.populations, plain.projections, [noise])


@pytest.mark.parametrize("batch_size", [1, 4, 11])
def test_presentation_i_uses_the_key_folded_with_i(batch_size: int) -> None:
    key, network = jax.random.key(3), noisy()
    evaluation = evaluated(network, key=key, record=COUNTS, batch_size=batch_size)
    for i, image in enumerate(IMAGES):
        own_key = jax.random.fold_in(key, i)
        _, alone = jsnn.simulate(network, {"layer0": image}, T, record=COUNTS, key=own_key)
        assert_same(jax.tree.map(lambda x, i=i: x[i], evaluation.recorded), to_numpy(alone))


def to_numpy(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def test_noise_goes_on_from_one_carried_presentation_to_the_next() -> None:
    key, network = jax.random.key(3), noisy()
    same_image = np.tile(IMAGES[:1], (4, 1))
    options = {"images": same_image, "labels": LABELS[:4], "key": key, "record": COUNTS}
    evaluation = evaluated(network, between=jsnn.keep_in_flight, **options)
    assert len({counts.tobytes() for counts in evaluation.recorded["layer1"]}) == 4
    again = evaluated(network, between=jsnn.keep_in_flight, batch_size=1, **options)
    assert_same_results(again, evaluation)


def test_a_key_that_no_source_needs_changes_nothing() -> None:
    for between in (jsnn.fresh, jsnn.keep_in_flight):
        with_key = evaluated(record=COUNTS, between=between, key=jax.random.key(0))
        assert_same_results(with_key, evaluated(record=COUNTS, between=between))


def test_accuracy_and_confusion_agree_with_a_count_by_hand() -> None:
    evaluation = jsnn.Evaluation(
        predictions=np.array([0, 1, 2, 2, -1, 0, 2, -1], np.int32),
        labels=np.array([0, 1, 1, 2, 2, 0, 0, 2], np.int32),
        num_classes=3,
        spikes={},
        recorded={},
        run_seconds=1.0,
        compile_seconds=1.0,
    )
    assert evaluation.accuracy == 0.5
    np.testing.assert_array_equal(
        evaluation.confusion_matrix,
        [[2, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 2]],
    )
    assert evaluation.confusion_matrix.dtype == np.int64


def test_confusion_matrix_of_an_evaluation_counts_every_presentation_once() -> None:
    evaluation = evaluated()
    expected = np.zeros((5, 6), int)
    for label, prediction in zip(LABELS, evaluation.predictions, strict=True):
        expected[label, prediction] += 1
    np.testing.assert_array_equal(evaluation.confusion_matrix, expected)
    right = sum(p == t for p, t in zip(evaluation.predictions, LABELS, strict=True))
    assert evaluation.accuracy == right / N
    assert evaluation.num_classes == 5


def test_no_answer_is_minus_one_and_wrong() -> None:
    dark = np.zeros((3, SIZES[0]), F32)
    evaluation = evaluated(
        images=dark, labels=np.array([0, 4, 4]), readout=jsnn.first_spike("layer2")
    )
    np.testing.assert_array_equal(evaluation.predictions, [-1, -1, -1])
    assert evaluation.accuracy == 0
    np.testing.assert_array_equal(evaluation.confusion_matrix[:, -1], [1, 0, 0, 0, 2])
    with pytest.warns(UserWarning, match="never spiked"):
        silent_is_zero = evaluated(images=dark, labels=np.array([0, 4, 4]))
    np.testing.assert_array_equal(silent_is_zero.predictions, [0, 0, 0])


def test_padding_is_never_counted() -> None:
    evaluation = evaluated(batch_size=4, record={"s": jsnn.Spikes("layer1")})
    assert evaluation.predictions.shape == evaluation.labels.shape == (N,)
    assert evaluation.recorded["s"].shape == (N, T, SIZES[1])
    assert all(spikes.shape == (N,) for spikes in evaluation.spikes.values())
    assert evaluation.confusion_matrix.sum() == N


def test_dtypes_are_those_that_are_promised() -> None:
    evaluation = evaluated(labels=LABELS.astype(np.uint8))
    assert evaluation.predictions.dtype == evaluation.labels.dtype == np.int32
    assert {spikes.dtype for spikes in evaluation.spikes.values()} == {np.dtype(np.int32)}
    assert isinstance(evaluation.accuracy, float)
    np.testing.assert_array_equal(evaluation.labels, LABELS)


def test_recordings_of_any_shape_come_back_per_presentation() -> None:
    record = {
        "sampled": jsnn.Variable("layer1", neurons=(1, 3), every=10),
        "tree": total_spikes,
        "first": jsnn.FirstSpike("layer2"),
    }
    evaluation = evaluated(batch_size=3, record=record)
    for i, image in enumerate(IMAGES):
        _, alone = jsnn.simulate(chain(), {"layer0": image}, T, record=record)
        assert_same(jax.tree.map(lambda x, i=i: x[i], evaluation.recorded), to_numpy(alone))


def total_spikes(state: jsnn.State, spikes: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {name: values.sum() for name, values in spikes.items()}


def test_inputs_may_change_in_time() -> None:
    constant = evaluated(record=COUNTS)
    frames = np.repeat(IMAGES[:, None], T, axis=1)
    assert_same_results(
        evaluated(images=jsnn.over_time(frames), record=COUNTS, batch_size=4), constant
    )
    frames[:, ::2] = 0
    assert (
        evaluated(images=jsnn.over_time(frames)).spikes["layer0"].sum()
        < constant.spikes["layer0"].sum()
    )


def test_jax_arrays_and_lists_of_labels_do_as_well() -> None:
    as_jax = evaluated(images=jax.numpy.asarray(IMAGES), labels=LABELS.tolist(), record=COUNTS)
    assert_same_results(as_jax, evaluated(record=COUNTS))


def test_a_source_can_be_what_differs_between_presentations() -> None:
    network = jsnn.Network(
        [jsnn.Population("out", 2, jsnn.IF)],
        sources=[
            jsnn.CurrentSource("dc", "out", jsnn.CONSTANT),
            jsnn.CurrentSource("film", "out", jsnn.PLAYBACK),
        ],
    )
    magnitudes = np.array([[0.5, 0.0], [0.0, 0.25], [0.0, 0.0]], F32)
    films = np.zeros((3, 2, 2), F32)
    films[2, 1] = [0.0, 1.0]
    evaluation = jsnn.evaluate(
        network,
        {"dc": {"magnitude": magnitudes}, "film": {"currents": films}},
        [0, 1, 1],
        8,
        jsnn.spike_count("out"),
        record={"n": jsnn.SpikeCount("out")},
        batch_size=2,
    )
    np.testing.assert_array_equal(evaluation.recorded["n"], [[4, 0], [0, 2], [0, 1]])
    assert evaluation.accuracy == 1


def test_a_network_without_a_drive_is_presented_once_for_each_label() -> None:
    network = jsnn.Network(
        [jsnn.Population("out", 2, jsnn.IF)],
        sources=[jsnn.CurrentSource("noise", "out", jsnn.GAUSSIAN_NOISE, {"mean": 0.2})],
    )
    evaluation = jsnn.evaluate(
        network,
        {},
        np.zeros(5, int),
        T,
        jsnn.spike_count("out"),
        key=jax.random.key(0),
        batch_size=2,
        record={"v": jsnn.Variable("out")},
    )
    assert len({trace.tobytes() for trace in evaluation.recorded["v"]}) == 5


@pytest.mark.parametrize("between", [jsnn.fresh, jsnn.keep_in_flight])
def test_a_whole_evaluation_is_one_program(between: Any, compilations) -> None:
    network = chain()
    jsnn.init(network)  # what it compiles is no part of an evaluation
    with compilations() as compiled:
        jsnn.evaluate(
            network,
            {"layer0": IMAGES},
            LABELS,
            T + 1,
            READOUT,
            batch_size=4,
            between=between,
            record=COUNTS,
        )
    assert len(compiled) == 1


@pytest.mark.parametrize("between", [jsnn.fresh, jsnn.keep_in_flight])
def test_new_weights_thresholds_inputs_keys_and_labels_compile_nothing(
    between: Any, compilations
) -> None:
    def run(seed: int, count: int) -> jsnn.Evaluation:
        plain = chain(random_weights(seed, SIZES)).with_params({"layer1": {"v_thresh": 1.0 + seed}})
        noise = jsnn.CurrentSource("noise", "layer1", jsnn.GAUSSIAN_NOISE, {"sd": 0.1 * (seed + 1)})
        network = jsnn.Network(plain.populations, plain.projections, [noise])
        return evaluated(
            network,
            images=random_images(seed, count, SIZES[0]),
            labels=np.zeros(count, int),
            batch_size=4,
            between=between,
            key=jax.random.key(seed),
            record={"n": jsnn.SpikeCount("layer2"), "s": jsnn.Spikes("layer1", every=2)},
        )

    run(0, 11)
    with compilations() as compiled:
        for seed, count in ((1, 11), (2, 5), (3, 4), (4, 17)):
            run(seed, count)
    assert compiled == []


def test_seconds_are_counted() -> None:
    evaluation = evaluated()
    assert evaluation.compile_seconds >= 0
    assert evaluation.run_seconds > 0


def test_progress_shows_images_per_second_and_accuracy(capsys) -> None:
    evaluation = evaluated(batch_size=4, progress=True)
    shown = capsys.readouterr().err
    assert f"{N}/{N}" in shown
    assert "image" in shown
    assert "/s" in shown
    assert f"{evaluation.accuracy:.2%}" in shown


def test_without_progress_nothing_is_printed(capfd) -> None:
    evaluated()
    assert capfd.readouterr() == ("", "")


def test_progress_in_a_file_is_not_a_line_a_batch(capsys) -> None:
    evaluated(batch_size=1, progress=True)
    assert len(capsys.readouterr().err.replace("\r", "\n").split("\n")) < N / 2


@pytest.mark.parametrize("traced", ["network", "drives", "labels", "key", "nothing"])
def test_an_evaluation_inside_jit_names_the_way_out(traced: str) -> None:
    given = {
        "network": chain(),
        "drives": {"layer0": IMAGES},
        "labels": LABELS,
        "num_steps": T,
        "readout": READOUT,
        "key": jax.random.key(0),
    }
    leaf = given.pop(traced, 0)

    def accuracy(leaf: Any) -> float:
        changed = {} if traced == "nothing" else {traced: leaf}
        return jsnn.evaluate(**given, **changed).accuracy

    with pytest.raises(TypeError, match=r"evaluate: called inside jax\.jit.*jax\.vmap of"):
        jax.jit(accuracy)(leaf)


@pytest.mark.parametrize("between", [jsnn.fresh, jsnn.keep_in_flight])
def test_a_mesh_of_the_caller_changes_nothing(between: Any) -> None:
    expected = evaluated(between=between)
    with jax.set_mesh(jax.make_mesh((1,), ("theirs",))):
        assert_same_results(evaluated(between=between), expected)


def silent(readout: jsnn.Readout) -> jsnn.Evaluation:
    return evaluated(images=np.zeros_like(IMAGES), readout=readout)


def test_an_output_that_never_spikes_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"'layer2'.* never spiked in 11 presentations"):
        assert not np.any(silent(READOUT).predictions)


@pytest.mark.parametrize(
    "readout", [jsnn.first_spike("layer2"), jsnn.max_voltage("layer2")], ids=["first", "voltage"]
)
def test_silence_is_an_answer_for_readouts_that_can_tell(readout: jsnn.Readout) -> None:
    assert len(silent(readout).predictions) == N


def test_grey_levels_in_place_of_currents_are_warned_of() -> None:
    grey = np.round(IMAGES * 255)
    with pytest.warns(UserWarning, match=r"drives of 'layer0': .*whole numbers up to 140"):
        evaluated(images=grey)
    evaluated(images=grey * F32(0.01))
    evaluated(images=np.round(IMAGES))


def test_progress_without_tqdm_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tqdm"):
        evaluated(progress=True)
