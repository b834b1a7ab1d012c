"""What a report says, beside recounts in NumPy."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from jsnn.conversion.operations import multiply_accumulates
from jsnn.plot import conversion_report
from tests.test_conversion import convolutional, images, perceptron, relu


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


def test_the_fan_out_of_pooling_and_a_matrix_is_that_of_both():
    weights = np.ones((4, 3), np.float32)
    weights[0, 0] = 0
    chain = jsnn.Chain((jsnn.AveragePool2D((4, 4, 1), 2), jsnn.Dense(weights)))
    expected = np.full((4, 4), 3)
    expected[:2, :2] = 2
    np.testing.assert_array_equal(conversion.fan_out(chain), expected.ravel())


def test_multiply_accumulates_are_counted_with_and_without_zeros():
    model, pixels = perceptron(relu), images(6)
    pixels[:, :5] = 0
    _, found = jsnn.convert(model, pixels, recipes.rueckauer_2017())
    hidden = [np.asarray(nnx.Sequential(*model.layers[:i])(jnp.asarray(pixels))) for i in (2, 4)]
    macs = multiply_accumulates(found.ann, pixels, [*hidden, np.zeros((6, 4))])
    assert macs.dense == 12 * 16 + 16 * 8 + 8 * 4
    active = [np.count_nonzero(x, axis=1) for x in (pixels, *hidden)]
    expected = 16 * active[0] + 8 * active[1] + 4 * active[2]
    np.testing.assert_array_equal(macs.effective, expected)


@pytest.mark.parametrize("recipe", [recipes.copy(1.0, 1.0), recipes.rueckauer_2017(v_init=0.5)])
def test_a_report_is_a_recount_of_the_recorded_spikes(recipe):
    model, pixels = perceptron(relu), images(20)
    labels = np.asarray(model(jnp.asarray(pixels)).argmax(axis=1))
    network, found = jsnn.convert(model, pixels, recipe)
    report = conversion.assess(network, found, pixels, labels, 12)
    record = {name: jsnn.Spikes(name) for name in network.sizes}
    run = lambda drive: jsnn.simulate(network, drive, 12, record=record)[1]  # noqa: E731
    spikes = {name: np.asarray(s) for name, s in jax.vmap(run)(found.drive(pixels)).items()}
    fan_outs = {"input": 16, "hidden1": 8, "hidden2": 4, "output": 0}
    operations = sum(fan_outs[name] * np.cumsum(s.sum(axis=(0, 2))) for name, s in spikes.items())
    np.testing.assert_array_equal(report.synaptic_operations * 20, operations)
    for name, s in spikes.items():
        np.testing.assert_allclose(report.spikes[name], np.cumsum(s.sum(axis=(0, 2))) / 20)
        assert report.rates[name] == pytest.approx(s.mean())
    assert operations[-1] > 0
    assert report.ann_accuracy == 1
    same = report.predictions[:, -1] == labels
    np.testing.assert_allclose(report.agreement[-1], same.mean())
    result = jsnn.evaluate(network, found.drive(pixels), labels, 12, found.readout)
    np.testing.assert_array_equal(report.predictions[:, -1], result.predictions)
    assert report.accuracy[-1] == result.accuracy
    decoded = found.values(pixels, 12)[0]
    hidden = np.asarray(nnx.Sequential(*model.layers[:2])(jnp.asarray(pixels)))
    assert report.errors["hidden1"].bias == pytest.approx((decoded - hidden).mean(), abs=1e-6)
    assert report.errors["hidden1"].spread == pytest.approx((decoded - hidden).std(), abs=1e-6)
    analog = recipe.coding.model is None
    assert report.input_macs == (12 * 16 if analog else 0)
    pj = 4.6 * report.input_macs + 0.9 * operations[-1] / 20
    assert report.energy["snn"] == pytest.approx(pj)
    assert report.energy["ann"] == pytest.approx(4.6 * (12 * 16 + 16 * 8 + 8 * 4))


def test_several_spikes_a_step_and_negative_ones_are_counted_each():
    model, pixels = perceptron(relu), images(10)
    for recipe in (recipes.burst(3, p=30.0), recipes.signed()):
        network, found = jsnn.convert(model, pixels, recipe)
        report = conversion.assess(network, found, pixels, np.zeros(10, int), 8)
        record = {"emitted": jsnn.Variable("hidden2", "emitted")}
        run = lambda drive: jsnn.simulate(network, drive, 8, record=record)[1]  # noqa: B023, E731
        emitted = np.abs(np.asarray(jax.vmap(run)(found.drive(pixels))["emitted"]))
        assert emitted.max() == (3 if recipe.name == "bursts" else 1)
        assert report.spikes["hidden2"][-1] == pytest.approx(emitted.sum() / 10)


def test_an_early_exit_takes_the_first_clear_answer():
    model, pixels = perceptron(lambda: QCFS(4)), images(30)
    labels = np.asarray(model(jnp.asarray(pixels)).argmax(axis=1))
    network, found = jsnn.convert(model, pixels, recipes.qcfs())
    report = conversion.assess(network, found, pixels, labels, 10)
    margin = float(np.median(report.margins))
    steps, right = [], []
    for margins, predictions, label in zip(report.margins, report.predictions, labels, strict=True):
        step = next((t for t in range(10) if margins[t] >= margin), 9)
        steps.append(step + 1)
        right.append(predictions[step] == label)
    assert report.early_exit(margin) == (margin, np.mean(steps), np.mean(right))
    assert report.early_exit(0.0).mean_steps == 1
    assert report.early_exit(np.inf).mean_steps == 10


@pytest.fixture(scope="module")
def pooled():
    model, pixels = convolutional(nnx.max_pool), images(6, (8, 8, 2))
    network, found = jsnn.convert(model, pixels, recipes.few_spike(4))
    return conversion.assess(network, found, pixels, np.arange(6) % 3, 8)


def test_a_report_is_json_and_markdown_and_a_figure(pooled):
    fields = json.loads(pooled.to_json())
    assert fields["num_steps"] == 8
    assert len(fields["accuracy"]) == 8
    assert set(fields["errors"]) == {"hidden1", "pool1", "hidden2", "output"}
    table = pooled.to_markdown()
    assert f"| hidden1 | {8 * 8 * 3} | {pooled.spikes['hidden1'][-1]:.1f} |" in table
    over_time, of_layers = conversion_report(pooled).axes
    np.testing.assert_allclose(over_time.lines[0].get_ydata(), 100 * pooled.accuracy)
    assert [bar.get_width() for bar in of_layers.patches] == [
        spikes[-1] for spikes in pooled.spikes.values()
    ]


def test_bad_input_to_a_report_is_named():
    network, found = jsnn.convert(perceptron(relu), images(), recipes.rueckauer_2017())
    with pytest.raises(ValueError, match="labels: given 3 for 40 images"):
        conversion.assess(network, found, images(), np.zeros(3, int), 4)
    with pytest.raises(ValueError, match="num_steps: given 0"):
        conversion.assess(network, found, images(), np.zeros(40, int), 0)
    with pytest.raises(ValueError, match=r"images: given shape \(40, 11\); expected \[n, 12\]"):
        conversion.assess(network, found, images()[:, :11], np.zeros(40, int), 4)
