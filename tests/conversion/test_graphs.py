"""Graphs of layers with shortcuts and branches against the artificial network and NumPy loops."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

import jsnn
from jsnn import conversion
from jsnn.conversion import recipes
from jsnn.conversion.activation import Clipped
from jsnn.conversion.channel_scaling import rescaled
from jsnn.conversion.layers import IMAGE, activations
from jsnn.conversion.rearranged import Rearranged
from jsnn.conversion.recipe_checks import check_layers
from jsnn.network.connectivity import AveragePool2D, Dense, OneToOne
from tests.conversion.graphs import (
    FLAT,
    GRAPHS,
    Drawn,
    concatenation,
    converted,
    image_again,
    matrix,
    pooled_branch,
    residual,
)
from tests.conversion.models import images
from tests.reference import signed_digits

PLAIN = recipes.rueckauer_2017(100.0, v_init=0.5)
PER_CHANNEL = recipes.rueckauer_2017(100.0, v_init=0.5, per_channel=True)


@pytest.mark.parametrize("name", GRAPHS)
def test_decoded_values_tend_to_the_activations_of_every_layer(name):
    layers, shape = GRAPHS[name]
    pixels = images(12, shape)
    _, found = converted(layers(), pixels, PER_CHANNEL)
    expected = activations(found.ann, pixels.reshape(12, -1))
    for got, of_layer in zip(found.values(pixels, 400), expected, strict=True):
        assert np.abs(of_layer).max() > 0.1
        np.testing.assert_allclose(got, of_layer, atol=0.05 * np.abs(of_layer).max())


# -- residual networks by the book -----------------------------------------------------------------

SCALES = [np.array([s]) for s in (0.5, 1.0, 2.0, 1.0)]
"""Powers of 2, with which sums of multiples of 1/64 are exact in any order."""


def given_scales(sample, recipe):
    return SCALES


def exact_residual():
    """Return a residual block and images whose sums are exact, and the block's numbers."""
    pixels = np.float32(np.rint(images(8, FLAT) * 16) / 16)
    layers = residual(1 / 16)
    return layers, pixels, *numbers_of(layers)


def numbers_of(layers):
    """Return the weights of each branch, and the biases of each layer."""
    weights = [[np.float64(b.parts[0].weights) for b in layer.branches] for layer in layers]
    return weights, [np.float64(layer.bias) for layer in layers]


def spikes_by_the_book(pixels, weights, biases, delay, num_steps):
    """Return the spikes of three layers of integrate-and-fire neurons, bool [T, n, 8] each."""
    (scale0, scale1, scale2), n = [float(s[0]) for s in SCALES[:3]], len(pixels)
    v = [np.full((n, 8), 0.5) for _ in range(3)]
    spikes = [np.zeros((num_steps + delay, n, 8), bool) for _ in range(3)]
    (w0,), (w1,), (w2, shortcut), _ = weights
    for t in range(delay, num_steps + delay):
        arriving = t - delay  # of layers in front, once they have spiked in this step
        for i, scale in enumerate((scale0, scale1, scale2)):
            if i == 0:
                inputs = pixels @ w0
            elif i == 1:
                inputs = scale0 * spikes[0][arriving] @ w1
            else:
                inputs = scale1 * spikes[1][arriving] @ w2
                inputs = inputs + scale0 * spikes[0][arriving] * shortcut
            v[i] = v[i] + (inputs + biases[i]) / scale
            spikes[i][t] = v[i] >= 1
            v[i] = v[i] - spikes[i][t]
    return [s[delay:] for s in spikes]


@pytest.mark.parametrize("delay", [0, 1])
def test_a_residual_network_spikes_as_a_loop_in_numpy(delay):
    layers, pixels, weights, biases = exact_residual()
    recipe = replace(PLAIN, scale=given_scales, delay=delay)
    network, found = converted(layers, pixels, recipe)
    record = {f"hidden{i}": jsnn.Spikes(f"hidden{i}") for i in (1, 2, 3)}
    run = lambda drive: jsnn.simulate(network, drive, 30, record=record)[1]  # noqa: E731
    recorded = jax.jit(jax.vmap(run, out_axes=1))(found.drive(pixels))
    expected = spikes_by_the_book(pixels, weights, biases, delay, 30)
    for name, spikes in zip(record, expected, strict=True):
        assert 0.02 < spikes.mean() < 0.9
        np.testing.assert_array_equal(recorded[name], spikes)


def test_few_spikes_round_every_layer_of_a_residual_network():
    layers, pixels, weights, biases = exact_residual()
    recipe = replace(recipes.few_spike(6), scale=given_scales)
    _, found = converted(layers, pixels, recipe)
    assert found.least_steps == 3 * 6
    got = found.values(pixels, 18)

    def rounded(x, scale):
        return np.clip(np.floor(x / scale * 64 + 0.5), 0, 63) * scale / 64

    first = rounded(pixels @ weights[0][0] + biases[0], 0.5)
    second = rounded(first @ weights[1][0] + biases[1], 1.0)
    third = rounded(second @ weights[2][0] + first * weights[2][1] + biases[2], 2.0)
    for values, expected in zip(got[:3], (first, second, third), strict=True):
        assert len(np.unique(expected)) > 10
        np.testing.assert_array_equal(values, expected)


def test_signed_digits_of_a_residual_network_match_a_loop():
    layers, pixels = residual(), images(20, FLAT)
    weights, biases = numbers_of(layers)
    _, found = converted(layers, pixels, recipes.residual(4))
    scales = [layer.scale[0] for layer in found.layers]
    got = found.values(pixels, 4)

    def digits(inputs, i):
        """Return the digits of layer i, whose bias counts once."""
        inputs[0] += biases[i]
        return signed_digits(inputs / scales[i], 4) * scales[i]

    held = np.zeros((4, 20, 8))
    held[0] = pixels @ weights[0][0]  # the current of an image counts once
    first = digits(held, 0)
    second = digits(first @ weights[1][0], 1)
    third = digits(second @ weights[2][0] + first * weights[2][1], 2)
    for values, expected in zip(got[:3], (first, second, third), strict=True):
        assert (expected < 0).any()
        np.testing.assert_allclose(values, expected.sum(axis=0), atol=1e-5)


def test_digits_do_not_meet_an_image_that_is_held():
    with pytest.raises(ValueError, match=r"model, a layer: given the image beside .* in every ste"):
        check_layers(recipes.few_spike(4), image_again())
    check_layers(recipes.few_spike(4), concatenation())
    check_layers(PLAIN, image_again())


# -- the network that is built ---------------------------------------------------------------------


def test_every_branch_is_a_projection_with_a_name_of_its_own():
    drawn = Drawn(6)
    one, two, three, four = (drawn.dense(*size) for size in [(10, 6), (10, 6), (6, 5), (6, 5)])
    layers = (
        drawn.layer((6,), (IMAGE, one), (IMAGE, two)),
        drawn.layer((5,), (0, three), (0, four)),
        drawn.logits((1, drawn.dense(5, 3))),
    )
    merged = (
        drawn.layer((6,), (IMAGE, Dense(one.weights + two.weights))),
        drawn.layer((5,), (0, Dense(three.weights + four.weights))),
        layers[2],
    )
    merged = tuple(replace(to, bias=of.bias) for to, of in zip(merged, layers, strict=True))
    pixels = images(9, FLAT)
    rates = replace(PLAIN, coding=conversion.constant_current())
    network, _ = converted(layers, pixels, rates)
    assert [p.name for p in network.projections] == [
        "input_to_hidden1",
        "input_to_hidden1_2",
        "hidden1_to_hidden2",
        "hidden1_to_hidden2_2",
        "hidden2_to_output",
    ]
    values, expected = (
        converted(of, pixels, PLAIN)[1].values(pixels, 50) for of in (layers, merged)
    )
    for got, sums in zip(values, expected, strict=True):
        np.testing.assert_allclose(got, sums, atol=1e-4)


@pytest.fixture(scope="module")
def pooling():
    pixels = images(1, (6, 6, 2))
    return pixels, *converted(pooled_branch(), pixels, PLAIN)


def test_populations_are_numbered_in_the_order_of_layers(pooling):
    pixels, network, found = pooling
    assert list(network.sizes) == ["hidden1", "hidden2", "pool2", "hidden3", "output"]
    ways = {(p.pre, p.post) for p in network.projections}
    assert ways == {
        ("hidden1", "hidden2"),
        ("hidden1", "pool2"),
        ("hidden2", "hidden3"),
        ("pool2", "hidden3"),
        ("hidden3", "output"),
    }
    assert list(found.drive(pixels)) == ["hidden1"]


def test_pooling_of_an_earlier_layer_gives_the_largest_count_at_every_step(pooling):
    pixels, network, found = pooling
    record = {"hidden": jsnn.Spikes("hidden1"), "pooled": jsnn.Variable("pool2", "total")}
    _, recorded = jsnn.simulate(network, found.drive(pixels[0]), 20, record=record)
    counts = np.cumsum(recorded["hidden"], axis=0).reshape(20, 3, 2, 3, 2, 4)
    largest = counts.max(axis=(2, 4)).reshape(20, -1)
    assert largest.max() > 5
    np.testing.assert_array_equal(recorded["pooled"], largest)


@pytest.mark.parametrize("name", ["strided", "image again"])
def test_batches_and_stages_change_no_bit(name):
    layers, shape = GRAPHS[name]
    pixels = images(6, shape)
    network, found = converted(layers(), pixels, PLAIN)
    drive = found.drive(pixels)
    record = {name: jsnn.Spikes(name) for name in network.sizes} | {
        "v": jsnn.Variable("output", "v")
    }
    result = jsnn.evaluate(
        network, drive, np.zeros(6, int), 12, found.readout, record=record, batch_size=4
    )
    one_step = jax.jit(jsnn.step)
    for i in range(6):
        own = {name: current[i] for name, current in drive.items()}
        state = jsnn.init(network)
        for t in range(12):
            state, spikes = one_step(network, state, own)
            for population, fired in spikes.items():
                np.testing.assert_array_equal(result.recorded[population][i, t], fired)
            np.testing.assert_array_equal(
                result.recorded["v"][i, t], state.populations["output"]["v"]
            )
    assert result.recorded["hidden2"].any()


@pytest.mark.parametrize(("delay", "steps"), [(0, 1), (2, 7)])
def test_the_longest_way_to_the_output_counts(delay, steps):
    """The way over all three hidden layers has three projections, that over the shortcut two."""
    _, found = converted(residual(), images(5, FLAT), replace(PLAIN, delay=delay))
    assert found.least_steps == steps


# -- scales ----------------------------------------------------------------------------------------


def of_scales(recipe, layers, pixels, key=None):
    return [layer.scale[0] for layer in converted(layers, pixels, recipe, key)[1].layers]


def test_unscaled_branches_are_brought_to_the_largest_unit():
    """The shortcut of a residual block comes from further in front, with a smaller unit."""
    recipe = recipes.copy(2.0, 1.0)
    network, found = converted(residual(), images(5, FLAT), recipe)
    assert [layer.scale[0] for layer in found.layers] == [4, 8, 16, 32]
    by_name = {p.name: np.asarray(p.connectivity.weights) for p in network.projections}
    own = [[np.asarray(b.parts[0].weights) for b in layer.branches] for layer in residual()]
    np.testing.assert_array_equal(by_name["hidden2_to_hidden3"], own[2][0])
    np.testing.assert_array_equal(by_name["hidden1_to_hidden3"], own[2][1] / 2)


def test_a_bound_counts_all_branches():
    layers = residual()
    scales = of_scales(recipes.diehl_2015("model"), layers, images(5, FLAT))
    weights, biases = numbers_of(layers)
    (one,), (two,), (three, _), _ = [[np.maximum(w, 0).sum(axis=0) for w in of] for of in weights]
    biases = [np.maximum(bias, 0) for bias in biases]
    first = (one + biases[0]).max()
    second = (first * two + biases[1]).max()
    third = (second * three + first + biases[2]).max()
    np.testing.assert_allclose(scales[:3], [first, second, third], rtol=1e-5)


def test_balanced_thresholds_are_the_largest_input_that_occurs():
    """The input of a step is the change of the potential and what the reset took."""
    pixels = images(8, FLAT)
    network, found = converted(residual(), pixels, recipes.spike_norm(20))
    names = ["hidden1", "hidden2", "hidden3"]
    record = {f"v{name}": jsnn.Variable(name, "v") for name in names}
    record |= {name: jsnn.Spikes(name) for name in names}
    run = lambda drive: jsnn.simulate(network, drive, 20, record=record)[1]  # noqa: E731
    recorded = jax.tree.map(np.asarray, jax.jit(jax.vmap(run))(found.drive(pixels)))
    for name in names:
        change = np.diff(recorded[f"v{name}"], axis=1, prepend=np.zeros((8, 1, 8)))
        np.testing.assert_allclose((change + recorded[name]).max(), 1, rtol=1e-5)


def clipped_residual(highest):
    layers = residual()
    return *(replace(each, activation=Clipped(highest)) for each in layers[:3]), layers[3]


CLIPPED = {
    "percentile": PLAIN,
    "bursts": replace(recipes.burst(5, 100.0), v_init=0.0),
    "groups": recipes.group(4, conversion.percentile(100.0)),
    "bound": replace(PLAIN, scale=conversion.largest_possible),
    "largest input": recipes.spike_norm(30),
}


@pytest.mark.parametrize("name", CLIPPED)
def test_neurons_saturate_where_a_clipped_activation_does(name):
    layers, pixels = clipped_residual(0.5), images(12, FLAT)
    _, found = converted(layers, pixels, CLIPPED[name])
    expected = activations(layers, pixels)
    got = found.values(pixels, 400)
    for values, of_layer in zip(got[:3], expected, strict=False):
        assert 0.05 < (of_layer == 0.5).mean() < 0.95
        assert values.max() <= 0.5 + 1e-6
        np.testing.assert_allclose(values, of_layer, atol=0.025)


def test_a_clipped_activation_has_no_trained_threshold():
    with pytest.raises(ValueError, match="its activation is a clipped ReLU, which has no trained"):
        converted(clipped_residual(0.5), images(5, FLAT), recipes.qcfs())


PARTS = {
    "dense": lambda d: [d.dense(12, 6)],
    "one to one": lambda d: [OneToOne(d.weights(1, 12)[0])],
    "groups": lambda d: [d.conv((2, 2, 4), 6, 2, groups=2)],
    "pooling in front": lambda d: [AveragePool2D((2, 2, 4), 2), d.dense(4, 6)],
    "pooling behind": lambda d: [d.conv((2, 2, 4), 6, 1), AveragePool2D((2, 2, 6), 2)],
    "reordered": lambda d: [Rearranged((2, -1, 0, 7), 8, np.float32), d.dense(4, 6)],
    "reordered behind": lambda d: [d.dense(8, 4), Rearranged((3, 0, 1, -1, 2, 2), 4, np.float32)],
    "as another image": lambda d: [d.conv((4, 2, 2), 3, 1)],
    "pooled as another image": lambda d: [AveragePool2D((4, 2, 2), 2), d.dense(4, 6)],
}


@pytest.mark.parametrize("name", PARTS)
def test_factors_of_channels_scale_the_whole_map(name):
    parts, rng = PARTS[name](Drawn(7)), np.random.default_rng(8)
    whole = matrix(*parts)
    for channels in [(4, 1), (1, 6), (4, 2)]:
        before, after = (rng.uniform(0.5, 2, number) for number in channels)
        rows, columns = np.resize(before, len(whole)), np.resize(after, whole.shape[1])
        expected = rows[:, None] * whole / columns[None]
        np.testing.assert_allclose(matrix(*rescaled(parts, before, after)), expected, rtol=2e-6)


# -- calibration -----------------------------------------------------------------------------------


def errors_of(found, pixels, num_steps):
    expected = activations(found.ann, pixels)
    got = found.values(pixels, num_steps)
    return [g - e for g, e in zip(got, expected, strict=True)]


def test_light_calibration_takes_the_mean_error_from_the_logits():
    """The bias of logits is corrected by their whole mean error, behind calibrated layers."""
    pixels, short = images(40, FLAT), replace(PLAIN, v_init=0.0)
    before, after = (
        errors_of(converted(image_again(), pixels, recipe)[1], pixels, 8)[-1].mean(axis=0)
        for recipe in (short, replace(short, calibrate=conversion.light(8)))
    )
    assert np.abs(before).max() > 0.1
    np.testing.assert_allclose(after, 0, atol=1e-5)


@jax.numpy_dtype_promotion("standard")  # optax needs it
def test_advanced_calibration_refits_every_branch():
    pixels = images(40, FLAT)
    fits = replace(PLAIN, calibrate=conversion.advanced(4, learning_rate=1e-2))
    networks, (plain, fitted) = zip(
        *(converted(image_again(), pixels, recipe) for recipe in (PLAIN, fits)), strict=True
    )
    old, new = (network.projection("hidden1_to_hidden2").connectivity for network in networks)
    assert np.abs(new.weights - old.weights).max() > 1e-3
    (old,), (new,) = (found.built.analog_weights["hidden2"] for found in (plain, fitted))
    assert np.abs(new.weights - old.weights).max() > 1e-3
    old, new = (np.mean(errors_of(found, pixels, 4)[-1] ** 2) for found in (plain, fitted))
    assert new < 0.7 * old


# -- reports ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reported():
    """Return a residual block with a shortcut to the output too, and its report."""
    drawn, pixels = Drawn(9), images(10, FLAT)
    output = drawn.logits((2, drawn.dense(8, 3)), (0, drawn.dense(8, 3)))
    network, found = converted((*residual()[:3], output), pixels, replace(PLAIN, delay=1))
    return pixels, network, found, conversion.assess(network, found, pixels, np.arange(10) % 3, 9)


def test_operations_of_every_branch_are_counted(reported):
    pixels, network, found, report = reported
    record = {name: jsnn.SpikeCount(name) for name in ("hidden1", "hidden2", "hidden3")}
    run = lambda drive: jsnn.simulate(network, drive, 9, record=record)[1]  # noqa: E731
    counts = jax.jit(jax.vmap(run))(found.drive(pixels))
    one, two, three = (float(np.sum(counts[name])) / 10 for name in record)
    assert report.projection_operations == pytest.approx(
        {
            "hidden1_to_hidden2": 8 * one,
            "hidden2_to_hidden3": 8 * two,
            "hidden1_to_hidden3": one,
            "hidden3_to_output": 3 * three,
            "hidden1_to_output": 3 * one,
        }
    )
    assert sum(report.projection_operations.values()) == pytest.approx(
        report.synaptic_operations[-1]
    )
    assert json.loads(report.to_json())["projection_operations"] == report.projection_operations
    assert f"| hidden1_to_hidden3 | {one:,.0f} | " in report.to_markdown()
    assert "hidden1_to_hidden3" in repr(report)


def test_multiply_accumulates_count_what_enters_each_branch(reported):
    pixels, _, found, report = reported
    first, second, third, _ = (np.count_nonzero(a) / 10 for a in activations(found.ann, pixels))
    assert report.input_macs == pytest.approx(80)
    assert report.ann_macs == 80 + 64 + (64 + 8) + (24 + 24)
    effective = 80 + 8 * first + (8 * second + first) + (3 * third + 3 * first)
    assert report.ann_effective_macs == pytest.approx(effective)


def test_the_first_input_of_an_output_comes_over_the_shortest_way(reported):
    pixels, network, found, report = reported
    run = lambda drive: jsnn.simulate(network, drive, 9, record={"s": jsnn.Spikes("hidden1")})[1]  # noqa: E731
    spiked = np.asarray(jax.jit(jax.vmap(run))(found.drive(pixels))["s"]).any(axis=2)
    np.testing.assert_array_equal(report.first_input, spiked.argmax(axis=1) + 2)


def test_an_output_that_the_image_enters_has_input_from_the_first_step_on():
    pixels = images(4, FLAT)
    network, found = converted(image_again(), pixels, replace(PLAIN, delay=1))
    report = conversion.assess(network, found, pixels, np.arange(4) % 3, 5)
    np.testing.assert_array_equal(report.first_input, 1)
    assert report.input_macs == 10 * (6 + 7 + 3)
