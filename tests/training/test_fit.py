"""Training with `fit`: numbers of plain JAX and optax, order, batches, validation, history."""

import dataclasses
import re
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jsnn
from jsnn.training import Epoch
from tests.networks import F32
from tests.training.toy import (
    ADAM,
    LABELS,
    READOUT,
    SIZE,
    SPIKES,
    STEPS,
    drives,
    fitted,
    network,
    same,
    trains,
)

WEIGHTS_BEFORE = network().projection("in_to_hidden").connectivity.weights


def order(epoch: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(len(LABELS))


def by_hand(epochs: int, low: float) -> tuple[Any, list[float]]:
    """Return values and mean losses of a training in plain JAX, with weights to "hidden" >= low."""
    net = network()

    def loss(values: Any, spikes: jax.Array, labels: jax.Array) -> jax.Array:
        def one(train: jax.Array, label: jax.Array) -> jax.Array:
            record = {"v": jsnn.MaxVariable("out", "v")}
            trained = net.with_params(values)
            recorded = jsnn.simulate(trained, drives(train), STEPS, record=record)[1]
            return -jax.nn.log_softmax(recorded["v"])[label]

        return jax.vmap(one)(spikes, labels).mean()

    @jax.jit
    def update(values: Any, state: Any, spikes: Any, labels: Any) -> Any:
        now, gradient = jax.value_and_grad(loss)(values, spikes, labels)
        changes, state = ADAM.update(gradient, state, values)
        values = optax.apply_updates(values, changes)
        bounded = jnp.maximum(values["in_to_hidden"]["weights"], low)
        return values | {"in_to_hidden": {"weights": bounded}}, state, now

    with jax.numpy_dtype_promotion("standard"):
        values = jsnn.trainable(net)
        state, course = ADAM.init(values), []
        for epoch in range(epochs):
            total = 0.0
            for start in range(0, len(LABELS), SIZE):
                rows = order(epoch)[start : start + SIZE]
                values, state, now = update(values, state, SPIKES[rows], LABELS[rows])
                total += float(now) * len(rows)
            course.append(total / len(LABELS))
    return values, course


def test_it_does_the_same_as_plain_jax_and_optax_with_a_shorter_last_batch() -> None:
    low = 0.2
    values, losses = by_hand(3, low)
    train = {"in_to_hidden": {"weights": (low, None)}, "hidden_to_out": ["weights"]}
    training = fitted(epochs=3, train=train)
    np.testing.assert_allclose(training.course("loss"), losses, rtol=1e-5)
    for name in values:
        found = training.values[name]["weights"]
        np.testing.assert_allclose(found, values[name]["weights"], rtol=1e-4, atol=1e-5)
        same(training.network.projection(name).connectivity.weights, found)
    assert np.min(training.values["in_to_hidden"]["weights"]) == F32(low)


def test_it_learns_and_the_history_agrees_with_evaluate_and_recorded_spikes() -> None:
    training = fitted(epochs=20, validation=(drives(), LABELS))
    loss, accuracy = training.course("loss"), training.course("validation_accuracy")
    assert loss[-1] < 0.6 * loss[0]
    assert accuracy[-1] == 1.0 > accuracy[0]
    found = jsnn.evaluate(training.network, drives(), LABELS, STEPS, READOUT)
    assert found.accuracy == accuracy[-1]

    epoch = fitted(epochs=1, batch_size=len(LABELS), optimizer=optax.sgd(0.0)).history[0]
    before = jsnn.evaluate(network(), drives(), LABELS, STEPS, READOUT)
    hz = {  # steps of 1 ms
        name: 1000 * spikes.sum() / (len(LABELS) * STEPS * network().sizes[name])
        for name, spikes in before.spikes.items()
    }
    assert epoch.accuracy == before.accuracy
    assert hz["hidden"] > 0
    assert epoch.rates == pytest.approx(hz)
    assert re.search(r"hidden Hz", repr(training))


def test_nothing_is_compiled_for_later_batches_epochs_trainings_and_checkpoints(
    compilations, tmp_path
) -> None:
    over = {"hidden": {"v_thresh": lambda epoch: 1.0 + 0.1 * epoch}}
    given: dict[str, Any] = {"validation": (drives(), LABELS), "over_epochs": over}
    fitted(**given, epochs=1)
    with compilations() as compiled:
        fitted(**given, epochs=3, network=network(5), checkpoint=tmp_path / "a")
        fitted(**given, epochs=4, network=network(5), checkpoint=tmp_path / "a")
    assert compiled == []


def test_progress_and_validation_change_nothing(capsys) -> None:
    plain = fitted()
    other = fitted(validation=(drives(SPIKES[:3]), LABELS[:3]), progress=True)
    same(plain.values, other.values)
    assert list(plain.course("loss")) == list(other.course("loss"))
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown
    assert "hidden Hz=" in shown


def test_the_order_is_that_of_numpy_for_the_seed_and_the_epoch() -> None:
    class Shuffled:
        def __init__(self) -> None:
            self.epoch = -1

        def __iter__(self) -> Iterator[Any]:
            self.epoch += 1
            rows = order(self.epoch, seed=7)
            for start in range(0, len(rows), SIZE):
                part = rows[start : start + SIZE]
                yield drives(SPIKES[part]), LABELS[part]

    same(fitted(seed=7).values, fitted(drives=Shuffled(), targets=None).values)
    assert np.any(fitted(seed=7).course("loss") != fitted().course("loss"))


def test_memory_mapped_files_and_lists_of_labels_are_taken(tmp_path) -> None:
    np.save(tmp_path / "spikes.npy", SPIKES)
    mapped = np.load(tmp_path / "spikes.npy", mmap_mode="r")
    same(fitted(drives=drives(mapped), targets=LABELS.tolist()).values, fitted().values)


def test_patience_returns_the_network_of_the_best_epoch() -> None:
    spikes, labels = trains()
    given: dict[str, Any] = {
        "validation": (drives(spikes), 1 - labels),  # what is learnt makes this loss larger
        "over_epochs": {"hidden": {"v_thresh": lambda epoch: 1.0 + 0.1 * epoch}},
    }
    training = fitted(**given, epochs=9, patience=2)
    course = training.course("validation_loss")
    best = int(course.argmin())
    assert len(course) == best + 3 < 9
    assert all(course[best + 1 :] >= course[best])
    shorter = fitted(**given, epochs=best + 1)
    same(training.values, shorter.values)
    same(jax.tree.leaves(training.network), jax.tree.leaves(shorter.network))
    assert float(training.network.population("hidden").params["v_thresh"]) == pytest.approx(
        1.0 + 0.1 * best
    )


def test_the_width_of_learnt_delays_shrinks_and_validation_has_whole_steps(compilations) -> None:
    net = network()
    first, second = net.projections
    delays = np.linspace(1.2, 3.8, 18, dtype=F32).reshape(6, 3)
    learnt = jsnn.LearntDelays(first.connectivity.weights, delays, 4, width=2.0)
    net = jsnn.Network(net.populations, [jsnn.Projection("in", "hidden", learnt), second])
    given: dict[str, Any] = {
        "network": net,
        "train": {"in_to_hidden": ["weights", "delays"], "hidden_to_out": ["weights"]},
        "validation": (drives(), LABELS),
    }
    widths = {"in_to_hidden": {"width": lambda epoch: 2.0 / 2**epoch}}
    fitted(**given, over_epochs=widths, epochs=1)
    with compilations() as compiled:
        training = fitted(**given, over_epochs=widths, epochs=4)
    assert compiled == []
    trained = training.network.projection("in_to_hidden").connectivity
    assert float(trained.width) == 0.25
    moved = np.asarray(trained.delays)
    assert np.any(moved != delays)
    assert moved.min() >= 1
    assert moved.max() <= 4
    deployed = jsnn.deployed(training.network)
    record = {"v": READOUT.recording}
    found = jsnn.evaluate(deployed, drives(), LABELS, STEPS, READOUT, record=record)
    assert found.accuracy == training.history[-1].validation_accuracy
    v = found.recorded["v"]
    losses = [-jax.nn.log_softmax(a)[label] for a, label in zip(v, LABELS, strict=True)]
    assert training.history[-1].validation_loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_random_network_depends_on_its_key_alone() -> None:
    noise = jsnn.CurrentSource("noise", "hidden", jsnn.GAUSSIAN_NOISE, {"sd": 0.3})
    still = {"network": network(0, noise), "epochs": 3, "optimizer": optax.sgd(0.0)}
    losses = [fitted(**still, key=jax.random.key(seed)).course("loss") for seed in (1, 1, 2)]
    assert list(losses[0]) == list(losses[1])
    assert np.all(losses[0] != losses[2])
    assert len(set(losses[0])) == 3  # each epoch draws anew


def test_a_population_that_never_spikes_is_warned_of() -> None:
    net = network()
    cells = [*net.populations[:2], jsnn.Population("out", 2, jsnn.IF, {"v_thresh": 100.0})]
    silent = jsnn.Network(cells, net.projections)
    loss = jsnn.losses.cross_entropy(jsnn.max_voltage("out"))
    for readout in (jsnn.spike_count("out"), jsnn.first_spike("out")):
        with pytest.warns(UserWarning, match=r"'out'.*never spiked.*'hidden' [1-9].*'out' 0 Hz"):
            fitted(network=silent, readout=readout, loss=loss, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(epochs=1)


def test_a_surrogate_is_that_of_the_models_that_spike_by_themselves() -> None:
    arctan = jsnn.surrogates.arctan()
    inputs, hidden, out = network().populations
    changed = [
        inputs,
        *(
            dataclasses.replace(p, model=dataclasses.replace(p.model, surrogate=arctan))
            for p in (hidden, out)
        ),
    ]
    expected = jsnn.Network(changed, network().projections)
    found = jsnn.gradients.surrogate(arctan).network(network())
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    assert jax.tree.structure(found) != jax.tree.structure(network())


def test_gradients_by_spike_times_are_those_of_the_exact_network() -> None:
    net = network()
    forms = []
    for interpolated in (False, True):
        used = jsnn.gradients.exact(interpolated=interpolated).network(net)
        forms.append(jax.tree.structure(used))
        assert forms[-1] == jax.tree.structure(jsnn.exact(net, interpolated=interpolated))
    assert forms[0] != forms[1]


def test_eprop_trains_one_hidden_layer_as_a_surrogate_does() -> None:
    readout = jsnn.mean_voltage("out")
    given: dict[str, Any] = {"loss": jsnn.losses.cross_entropy(readout), "readout": readout}
    local = fitted(**given, gradient=jsnn.gradients.eprop())
    through_time = fitted(**given)
    assert np.any(local.values["in_to_hidden"]["weights"] != WEIGHTS_BEFORE)
    for name in ("in_to_hidden", "hidden_to_out"):
        a, b = (training.values[name]["weights"] for training in (local, through_time))
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert list(local.course("accuracy")) == list(through_time.course("accuracy"))
    assert local.history[0].rates == pytest.approx(through_time.history[0].rates)


def test_a_course_that_was_not_measured_is_an_error() -> None:
    training = jsnn.Training(network(), {}, (Epoch(0.5, None, {"in": 1.0}),))
    assert list(training.course("loss")) == [0.5]
    for name, message in (
        ("accuracy", "given 'accuracy', which was not measured; expected readout= of jsnn.fit"),
        ("validation_loss", "not measured; expected validation="),
        ("validation_los", "unknown number of an epoch 'validation_los'; did you mean"),
        ("rates", "unknown number of an epoch 'rates'"),
    ):
        with pytest.raises(ValueError, match=message):
            training.course(name)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (
            LABELS[:3],
            r"first axes \(10,\) of the drives and \(3,\) of the targets; expected \(B,\)",
        ),
        (LABELS[0], r"and \(\) of the targets; expected \(B,\) of both"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(targets: Any, message: str) -> None:
    loss = jsnn.losses.cross_entropy(READOUT)
    value_and_grad = jsnn.gradients.surrogate().of(loss, STEPS)
    net = network()
    with pytest.raises(ValueError, match=message):
        value_and_grad(net, jsnn.trainable(net), drives(), targets)
