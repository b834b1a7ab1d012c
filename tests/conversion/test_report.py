"""Reports against recounts in NumPy."""

import functools
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from jsnn.conversion.report import assessment
from jsnn.conversion.report.operations import multiply_accumulates
from jsnn.plot import conversion_report
from tests.conversion.models import (
    answer,
    conv,
    convolutional,
    first_activation,
    flatten,
    images,
    linear,
    perceptron,
    relu,
)


def test_the_fan_out_of_a_matrix_leaves_zeros_out():
    weights = np.array([[1.0, 0.0, -2.0], [0.0, 0.0, 0.0]], np.float32)
    np.testing.assert_array_equal(conversion.fan_out(jsnn.Dense(weights)), [2, 0])
    np.testing.assert_array_equal(conversion.fan_out(jsnn.Dense(weights), zeros=True), [3, 3])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_fan_out_of_a_convolution_ends_at_the_border(padding, stride):
    kernel = np.random.default_rng(0).random((3, 3, 2, 4)).astype(np.float32)
    kernel[1, 1, 0] = 0  # four synapses less for the first channel, wherever the centre is seen
    found = conversion.fan_out(jsnn.Conv2D(kernel, (5, 6, 2), stride=stride, padding=padding))
    pads = jax.lax.padtype_to_pads((5, 6), (3, 3), (stride, stride), padding)
    expected = np.zeros((5, 6, 2), int)
    for top in range(-pads[0][0], 5 + pads[0][1] - 2, stride):
        for left in range(-pads[1][0], 6 + pads[1][1] - 2, stride):
            for dy, dx in np.ndindex(3, 3):
                if 0 <= top + dy < 5 and 0 <= left + dx < 6:
                    expected[top + dy, left + dx] += np.count_nonzero(kernel[dy, dx], axis=1)
    np.testing.assert_array_equal(found, expected.ravel())


def test_the_fan_out_of_a_grouped_convolution_stays_in_the_group():
    grouped = jsnn.Conv2D(np.ones((1, 2, 2, 6), np.float32), (1, 5, 4), groups=2)
    of_places = np.array([1, 2, 2, 2, 1])  # windows that see a pixel of the row
    expected = 3 * np.repeat(of_places, 4)
    np.testing.assert_array_equal(conversion.fan_out(grouped), expected)
    assert multiply_accumulates((grouped,)).dense == 4 * 2 * (2 * 3 + 2 * 3)


def test_the_fan_out_of_pooling_before_a_matrix_counts_synapses_of_both():
    weights = np.ones((4, 3), np.float32)
    weights[0, 0] = 0
    chain = jsnn.Chain((jsnn.AveragePool2D((4, 4, 1), 2), jsnn.Dense(weights)))
    expected = np.full((4, 4), 3)
    expected[:2, :2] = 2
    np.testing.assert_array_equal(conversion.fan_out(chain), expected.ravel())


def test_multiply_accumulates_are_counted_with_and_without_zeros():
    model, pixels = perceptron(relu), images()
    pixels[:, :5] = 0
    _, found = jsnn.convert(model, pixels, recipes.rueckauer_2017())
    hidden = [answer(nnx.Sequential(*model.layers[:i]), pixels) for i in (2, 4)]
    for layer, entering, (pre, post) in zip(
        found.ann, (pixels, *hidden), ((12, 16), (16, 8), (8, 4)), strict=True
    ):
        macs = multiply_accumulates(layer.branches[0].parts)
        assert macs.dense == pre * post
        active = np.count_nonzero(entering, axis=1)
        np.testing.assert_array_equal(macs.effective(entering), post * active)


def test_pooled_pixels_make_the_multiply_accumulates_of_the_next_layer():
    kernel = np.random.default_rng(0).normal(size=(2, 2, 1, 3)).astype(np.float32)
    kernel[0, 0, 0, 1] = 0
    convolution = conv(1, 3, (2, 2), padding="VALID")
    convolution.kernel[...] = jnp.asarray(kernel)
    pool = functools.partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))
    model = nnx.Sequential(pool, convolution, nnx.relu, flatten, linear(27, 2))
    pixels = images(5, (8, 8, 1))
    pixels[:, :2, :6] = 0  # three pooled pixels of sixteen
    with jax.numpy_dtype_promotion("standard"):  # nnx.avg_pool needs it
        network, found = jsnn.convert(model, pixels, recipes.rueckauer_2017())
        report = conversion.assess(network, found, pixels, np.zeros(5, int), 2)
    pooled = pixels.reshape(5, 4, 2, 4, 2).mean(axis=(2, 4))
    expected = 0
    for image in pooled:
        for y, x, dy, dx in np.ndindex(3, 3, 2, 2):
            if image[y + dy, x + dx]:
                expected += np.count_nonzero(kernel[dy, dx])
    assert report.input_macs == expected / 5
    assert expected < 5 * 9 * 11


@pytest.mark.parametrize("recipe", [recipes.copy(1.0, 1.0), recipes.rueckauer_2017(v_init=0.5)])
def test_a_report_matches_a_recount_of_the_recorded_spikes(recipe):
    model, pixels = perceptron(relu), images()
    labels = answer(model, pixels).argmax(axis=1)
    network, found = jsnn.convert(model, pixels, recipe)
    report = conversion.assess(network, found, pixels, labels, 12)
    record = {name: jsnn.Spikes(name) for name in network.sizes}
    run = lambda drive: jsnn.simulate(network, drive, 12, record=record)[1]  # noqa: E731
    spikes = {name: np.asarray(s) for name, s in jax.vmap(run)(found.drive(pixels)).items()}
    fan_outs = {"input": 16, "hidden1": 8, "hidden2": 4, "output": 0}
    operations = sum(fan_outs[name] * np.cumsum(s.sum(axis=(0, 2))) for name, s in spikes.items())
    np.testing.assert_array_equal(report.synaptic_operations * 40, operations)
    for name, s in spikes.items():
        np.testing.assert_allclose(report.spikes[name], np.cumsum(s.sum(axis=(0, 2))) / 40)
        assert report.rates[name] == pytest.approx(s.mean())
    assert operations[-1] > 0
    assert report.ann_accuracy == 1
    same = report.predictions[:, -1] == labels
    np.testing.assert_allclose(report.agreement[-1], same.mean())
    result = jsnn.evaluate(network, found.drive(pixels), labels, 12, found.readout)
    np.testing.assert_array_equal(report.predictions[:, -1], result.predictions)
    assert report.accuracy[-1] == result.accuracy
    decoded = found.values(pixels, 12)[0]
    hidden = first_activation(model, pixels)
    assert report.errors["hidden1"].bias == pytest.approx((decoded - hidden).mean(), abs=1e-6)
    assert report.errors["hidden1"].spread == pytest.approx((decoded - hidden).std(), abs=1e-6)
    analog = recipe.coding.model is None
    assert report.input_macs == (12 * 16 if analog else 0)
    pj = 4.6 * report.input_macs + 0.9 * operations[-1] / 40
    assert report.energy["snn"] == pytest.approx(pj)
    assert report.energy["ann"] == pytest.approx(4.6 * (12 * 16 + 16 * 8 + 8 * 4))


def test_several_spikes_a_step_and_negative_ones_are_counted_each():
    model, pixels = perceptron(relu), images()
    for recipe in (recipes.burst(3, p=30.0), recipes.signed()):
        network, found = jsnn.convert(model, pixels, recipe)
        report = conversion.assess(network, found, pixels, np.zeros(40, int), 8)
        record = {"emitted": jsnn.Variable("hidden2", "emitted")}
        run = lambda drive: jsnn.simulate(network, drive, 8, record=record)[1]  # noqa: B023, E731
        emitted = np.abs(np.asarray(jax.vmap(run)(found.drive(pixels))["emitted"]))
        assert emitted.max() == (3 if recipe.name == "bursts" else 1)
        assert report.spikes["hidden2"][-1] == pytest.approx(emitted.sum() / 40)


def test_an_early_exit_takes_the_first_clear_answer():
    model, pixels = perceptron(lambda: QCFS(4)), images()
    labels = answer(model, pixels).argmax(axis=1)
    network, found = jsnn.convert(model, pixels, recipes.qcfs())
    report = conversion.assess(network, found, pixels, labels, 10)
    margin = float(np.median(report.margins))
    run = lambda drive: jsnn.simulate(  # noqa: E731
        network, drive, 10, record={"s": jsnn.Spikes("hidden2")}
    )[1]["s"]
    spikes = np.asarray(jax.jit(jax.vmap(run))(found.drive(pixels)))
    steps, right, heard = [], [], []
    for i in range(40):
        heard.append(next((t for t in range(10) if spikes[i, t].any()), 10))
        clear = (t for t in range(heard[i], 10) if report.margins[i, t] >= margin)
        step = next(clear, 9)
        steps.append(step + 1)
        right.append(report.predictions[i, step] == labels[i])
    np.testing.assert_array_equal(report.first_input, np.add(heard, 1))
    assert report.early_exit(margin) == (margin, np.mean(steps), np.mean(right))
    assert report.early_exit(0.0).mean_steps == np.mean(np.minimum(report.first_input, 10))
    assert report.early_exit(np.inf).mean_steps == 10


def test_no_answer_is_given_before_the_first_input_of_the_output():
    """Biases of the output alone make a margin from the first step on."""
    model, pixels = perceptron(relu, (12, 16, 8, 3)), images()
    model.layers[-1].bias[...] = jnp.asarray([0.0, 0.5, 0.0])
    labels = answer(model, pixels).argmax(axis=1)
    recipe = replace(recipes.rueckauer_2017(v_init=0.5), delay=1)
    network, found = jsnn.convert(model, pixels, recipe)
    report = conversion.assess(network, found, pixels, labels, 20)
    np.testing.assert_allclose(report.margins[:, :2], 0.5, rtol=1e-6)
    assert report.first_input.min() == 3  # one step to hidden2, one to the output
    assert report.early_exit(0.4).mean_steps >= report.first_input.mean() >= 3


def test_margins_are_over_the_steps_that_were_read():
    model, pixels = perceptron(relu, (12, 16, 4)), images()
    recipe = replace(recipes.rueckauer_2017(), output=conversion.potentials(start=3))
    network, found = jsnn.convert(model, pixels, recipe)
    report = conversion.assess(network, found, pixels, np.zeros(40, int), 8)
    run = lambda drive: jsnn.simulate(  # noqa: E731
        network, drive, 8, record={"v": jsnn.Variable("output", "v")}
    )[1]["v"]
    v = np.asarray(jax.jit(jax.vmap(run))(found.drive(pixels)))
    mean = np.sort((v[:, -1] - v[:, 2]) / 5, axis=1)
    np.testing.assert_allclose(report.margins[:, -1], mean[:, -1] - mean[:, -2], rtol=1e-4)
    assert not report.margins[:, :3].any()
    assert report.first_input.min() >= 4


EMITTING = [
    recipes.burst(5, p=30.0),
    recipes.signed(),
    recipes.few_spike(3, p=50.0),
    recipes.residual(3, conversion.percentile(50.0)),
]


@pytest.mark.parametrize("recipe", EMITTING)
def test_spikes_of_the_output_count_by_their_worth(recipe):
    """Report, readout and values agree for bursts, negative spikes and binary digits."""
    model, pixels = perceptron(relu, (12, 16, 4)), images(40) * 2 - 1
    network, found = jsnn.convert(model, pixels, replace(recipe, output=conversion.spike_counts()))
    run = lambda drive: jsnn.simulate(  # noqa: E731
        network, drive, 6, record={"e": jsnn.Variable("output", "emitted")}
    )[1]["e"]
    emitted = np.asarray(jax.jit(jax.vmap(run))(found.drive(pixels)))
    assert set(np.unique(emitted)) - {0, 1}
    total = emitted.sum(axis=1)
    assert (total.argmax(axis=1) != (emitted != 0).sum(axis=1).argmax(axis=1)).any()
    labels = total.argmax(axis=1)
    report = conversion.assess(network, found, pixels, labels, 6)
    np.testing.assert_array_equal(report.predictions, emitted.cumsum(axis=1).argmax(axis=2))
    result = jsnn.evaluate(network, found.drive(pixels), labels, 6, found.readout)
    assert result.accuracy == 1
    each = found.layers[-1].scale[0] / (6 if recipe.firing.digits is None else 1)
    np.testing.assert_allclose(found.values(pixels, 6)[-1], total * each, rtol=1e-5)
    two = np.sort(total * each, axis=1)
    np.testing.assert_allclose(report.margins[:, -1], two[:, -1] - two[:, -2], atol=1e-6)


@pytest.fixture(scope="module")
def pooling():
    pixels = images(6, (8, 8, 2))
    network, found = jsnn.convert(convolutional(nnx.max_pool), pixels, recipes.few_spike(4))
    return network, found, pixels


@pytest.fixture(scope="module")
def pooled(pooling):
    return conversion.assess(*pooling, np.arange(6) % 3, 8)


def test_spikes_into_max_pooling_make_no_synaptic_operations(pooling, pooled):
    network, found, pixels = pooling
    record = {name: jsnn.Spikes(name) for name in ("pool1", "hidden2")}
    run = lambda drive: jsnn.simulate(network, drive, 8, record=record)[1]  # noqa: E731
    spikes = jax.jit(jax.vmap(run))(found.drive(pixels))
    pool, hidden = (np.cumsum(np.asarray(spikes[name]).sum(axis=(0, 2))) for name in record)
    # Each pooled neuron is seen by one window of the convolution, for 4 channels; then 3 classes.
    np.testing.assert_allclose(pooled.synaptic_operations * 6, 4 * pool + 3 * hidden)
    assert pooled.spikes["hidden1"][-1] > 0


def test_a_report_is_written_as_json_and_markdown(pooled):
    fields = json.loads(pooled.to_json())
    assert fields["num_steps"] == 8
    assert len(fields["accuracy"]) == 8
    assert set(fields["errors"]) == {"hidden1", "pool1", "hidden2", "output"}
    table = pooled.to_markdown()
    assert f"| hidden1 | {8 * 8 * 3} | {pooled.spikes['hidden1'][-1]:.1f} |" in table
    for t in range(8):
        row = f"| {t + 1} | {pooled.accuracy[t]:.2%} | {pooled.agreement[t]:.2%} | "
        assert f"{row}{pooled.total_spikes[t]:,.1f} |" in table
    for exit_ in pooled.early_exits:
        row = f"| {exit_.margin:.3g} | {exit_.mean_steps:.2f} | {exit_.accuracy:.2%} |"
        assert row in table
    widths = {line.count("|") for line in table.splitlines()}
    assert widths == {0, 4, 5, 8}  # in every row of a table as many as in its head


def test_a_figure_of_a_report_shows_its_numbers(pooled):
    over_time, of_layers, errors, energy = conversion_report(pooled).axes
    np.testing.assert_allclose(over_time.lines[0].get_ydata(), 100 * pooled.accuracy)
    assert [bar.get_width() for bar in of_layers.patches] == [
        spikes[-1] for spikes in pooled.spikes.values()
    ]
    points = np.asarray(errors.containers[0].lines[0].get_xdata(), float)
    np.testing.assert_allclose(points, [error.bias for error in pooled.errors.values()])
    widths = [bar.get_width() for bar in energy.patches]
    np.testing.assert_allclose(np.multiply(widths[:3], 1e3), list(pooled.energy.values()))
    assert widths[3] == pytest.approx(4.6e-3 * pooled.input_macs)


def test_a_figure_shows_the_curve_of_a_conversion_that_fails(pooled):
    failed = replace(pooled, predictions=np.full((6, 8), -1), ann_predictions=pooled.labels)
    over_time = conversion_report(failed).axes[0]
    low, high = over_time.get_ylim()
    assert low < 0  # of accuracy after every step
    assert high > 100  # of the artificial network


@pytest.fixture(scope="module")
def converted():
    return jsnn.convert(perceptron(relu), images(), recipes.rueckauer_2017())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": np.zeros(3, int)}, ValueError, "labels: given 3 for 40 images"),
        ({"labels": np.zeros((40, 1), int)}, TypeError, r"labels: given int64 of shape \(40, 1\)"),
        ({"labels": np.full(40, 4)}, ValueError, "labels: given 4 at index 0; expected 0 to 3"),
        ({"num_steps": 0}, ValueError, "num_steps: given 0"),
        ({"images": images()[:, :11]}, ValueError, r"given shape \(40, 11\); expected \[n, 12\]"),
        ({"images": images()[0]}, ValueError, r"given shape \(12,\); expected \[n, 12\]"),
        ({"images": images().astype(str)}, TypeError, "images: given <U32; expected an array of"),
        ({"network": None}, TypeError, "network: given NoneType; expected a Network"),
        ({"conversion": None}, TypeError, "conversion: given NoneType; expected a Conversion"),
        ({"key": 0}, TypeError, "key: given int; expected jax.random.key"),
        ({"energy_of": 1.0}, TypeError, "energy_of: given float; expected an Energy"),
        (
            {"energy_of": conversion.Energy(4.6, -0.9)},
            ValueError,
            "energy_of, accumulate: given -0.9; expected a finite number >= 0",
        ),
        (
            {"energy_of": conversion.Energy(np.inf)},
            ValueError,
            "energy_of, multiply_accumulate: given inf",
        ),
        (
            {"network": jsnn.Network([jsnn.Population("n", 3, jsnn.IF)], [])},
            ValueError,
            "network: given populations {'n': 3}; expected those of the conversion",
        ),
    ],
)
def test_bad_input_to_a_report_is_named(converted, arguments, error, message):
    network, found = converted
    given = {"network": network, "conversion": found, "images": images(), "num_steps": 4}
    with pytest.raises(error, match=message):
        conversion.assess(**{**given, "labels": np.zeros(40, int), **arguments})


def test_a_report_needs_two_classes():
    network, found = jsnn.convert(
        perceptron(relu, (12, 6, 1)), images(), recipes.rueckauer_2017(v_init=0.5)
    )
    with pytest.raises(ValueError, match="given a model with 1 class; expected at least 2"):
        conversion.assess(network, found, images(), np.zeros(40, int), 4)


def test_random_codings_do_not_depend_on_the_parts_of_the_images(monkeypatch):
    model, pixels = perceptron(relu), images()
    recipe = replace(recipes.rueckauer_2017(), coding=conversion.poisson())
    network, found = jsnn.convert(model, pixels, recipe, key=jax.random.key(1))
    once = lambda: conversion.assess(  # noqa: E731
        network, found, pixels, np.zeros(40, int), 9, key=jax.random.key(2)
    )
    whole = once()
    monkeypatch.setattr(assessment, "_MOST_BYTES", 2000)
    in_parts = once()
    np.testing.assert_array_equal(in_parts.predictions, whole.predictions)
    np.testing.assert_array_equal(in_parts.total_spikes, whole.total_spikes)
