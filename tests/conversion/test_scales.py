"""Scales of layers, and networks with them, against loops in NumPy and the model."""

import tracemalloc
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from tests.conversion.models import answer, first_activation, images, linear

ROBUST = recipes.rueckauer_2017(100.0, v_init=0.5)


def spoilt(layer, **changes):
    for name, value in changes.items():
        getattr(layer, name)[...] = value
    return layer


def test_no_activation_exceeds_the_largest_possible_one():
    """The bound holds for two negative weights in a row without an activation in between."""
    layers = [spoilt(linear(), kernel=-jnp.ones((12, 7))), linear(7), nnx.relu, linear(7, 3)]
    _, found = jsnn.convert(nnx.Sequential(*layers), images(), recipes.diehl_2015("model"))
    for layer in found.layers:
        assert 0 < layer.largest_activation <= layer.scale[0]


SILENT = {
    "robust": (recipes.rueckauer_2017(), nnx.relu),
    "balanced": (recipes.spike_norm(3), nnx.relu),
    "QCFS": (recipes.qcfs(), QCFS(4)),
    "data": (replace(recipes.diehl_2015(), output=conversion.potentials()), nnx.relu),
    "error": (recipes.calibrated(4), nnx.relu),
}


@pytest.mark.parametrize("name", SILENT)
def test_logits_may_all_be_negative_if_potentials_are_read(name):
    recipe, activation = SILENT[name]
    model = nnx.Sequential(linear(), activation, spoilt(linear(7, 3), bias=jnp.full(3, -50.0)))
    pixels = images()
    _, found = jsnn.convert(model, pixels, recipe)
    decoded = found.values(pixels, 100)[-1]
    np.testing.assert_allclose(decoded, answer(model, pixels), atol=1.0)


@pytest.mark.parametrize(
    ("based_on", "message"), [("data", "is silent on all of them"), ("model", "no input makes")]
)
def test_logits_that_are_all_negative_cannot_be_spikes(based_on, message):
    model = nnx.Sequential(linear(), nnx.relu, linear(7, 3))
    spoilt(model.layers[2], kernel=-jnp.ones((7, 3)), bias=-jnp.ones(3))
    with pytest.raises(ValueError, match=rf"layers\.2.* {message}"):
        jsnn.convert(model, images(), recipes.diehl_2015(based_on))


def test_the_scales_of_spike_norm_match_the_largest_inputs_of_a_loop():
    model = nnx.Sequential(linear(12, 9), nnx.relu, linear(9, 7), nnx.relu, linear(7, 3))
    pixels = images(5)
    _, found = jsnn.convert(model, pixels, recipes.spike_norm(30))
    (w1, b1), (w2, b2) = (
        (np.asarray(layer.kernel[...], float), np.asarray(layer.bias[...], float))
        for layer in (model.layers[0], model.layers[2])
    )
    current = pixels @ w1 + b1
    scale = current.max()
    v, largest = np.zeros_like(current), 0.0
    for _ in range(30):
        v = v + current / scale
        spikes = v >= 1
        v = v - spikes
        largest = max(largest, (scale * spikes @ w2 + b2).max())
    np.testing.assert_allclose(
        [layer.scale[0] for layer in found.layers[:2]], [scale, largest], 1e-5
    )


def test_spike_norm_takes_no_memory_for_time():
    model, pixels = nnx.Sequential(linear(12, 100), nnx.relu, linear(100, 3)), images(100)
    num_steps = 1000
    tracemalloc.start()
    jsnn.convert(model, pixels, recipes.spike_norm(num_steps))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * num_steps * 100 * 4 / 2


THRESHOLDS = {
    "analog": ROBUST,
    "input": replace(ROBUST, coding=conversion.constant_current()),
    "signed": recipes.signed(),
    "digits": recipes.few_spike(8),
    "spikes read": recipes.diehl_2015(),
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_the_threshold_does_not_change_decoded_values(name):
    """Values are equal to the last bit, as 4 is a power of 2; input neurons get 4 x the drive."""
    recipe = THRESHOLDS[name]
    higher = replace(recipe, v_thresh=4.0)
    if recipe.coding.model is not None:
        higher = replace(higher, coding=replace(recipe.coding, scale=4.0))
    model = nnx.Sequential(linear(12, 9), nnx.relu, linear(9, 7), nnx.relu, linear(7, 3))
    pixels = images(5)
    expected, found = (
        jsnn.convert(model, pixels, r)[1].values(pixels, 24) for r in (recipe, higher)
    )
    assert all(value.any() for value in expected[:2])
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_the_drive_of_input_neurons_is_undone_by_the_weights():
    """Pixels up to 1/4 with a drive of 4 have the rates of pixels up to 1 and weights of 1/4."""
    recipe = replace(ROBUST, coding=conversion.constant_current(4.0))
    model = nnx.Sequential(linear(12, 9), nnx.relu, linear(9, 3))
    pixels = images() / 4
    _, found = jsnn.convert(model, pixels, recipe)
    (scale, _) = found.layers[0].scale
    hidden = first_activation(model, pixels)
    assert scale == pytest.approx(hidden.max(), rel=1e-5)
    decoded = found.values(pixels, 400)[0]
    assert np.abs(decoded - hidden).max() < 0.05 * hidden.max()


@pytest.mark.parametrize("per_channel", [False, True], ids=["layer", "channel"])
def test_scales_of_least_error_match_a_search(per_channel):
    first = spoilt(linear(), kernel=linear().kernel[...].at[:, 2].set(-1.0))  # a silent channel
    model, pixels, steps = nnx.Sequential(first, nnx.relu, linear(7, 3)), images(60), 5
    rule = conversion.least_error(steps, per_channel=per_channel)
    _, found = jsnn.convert(model, pixels, replace(ROBUST, scale=rule))
    activation = np.maximum(answer(first, pixels), 0)
    assert not activation[:, 2].any()
    columns = list(activation.T) if per_channel else [activation.ravel()]

    def searched(column):
        if not column.any():
            return activation.max()
        candidates = column.max() * np.arange(1, 101) / 100
        levels = np.clip(np.floor(column * steps / candidates[:, None] + 0.5), 0, steps)
        errors = ((levels * candidates[:, None] / steps - column) ** 2).mean(axis=1)
        return candidates[errors.argmin()]

    unit = found.built.layers[0].unit
    np.testing.assert_allclose(unit, list(map(searched, columns)), rtol=1e-5)
