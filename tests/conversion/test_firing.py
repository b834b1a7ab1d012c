"""Neurons that fire in bursts, digits or groups against the model itself and loops in NumPy."""

import jax
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from tests.conversion.models import answer, evidence, first_activation, images, perceptron, relu
from tests.reference import signed_digits


def test_few_spikes_are_the_binary_digits_of_the_activation():
    model = perceptron(relu, (12, 30, 4))
    pixels = images()
    network, found = jsnn.convert(model, pixels, recipes.few_spike(6))
    (scale, _) = found.layers[0].scale
    state = jax.vmap(lambda drive: jsnn.simulate(network, drive, 6)[0])(found.drive(pixels))
    activation = first_activation(model, pixels)
    digits = np.clip(np.floor(activation / scale * 64 + 0.5), 0, 63)
    np.testing.assert_array_equal(state.populations["hidden1"]["total"] * 64, digits)


def test_few_spikes_in_two_hidden_layers_take_turns():
    model = perceptron(relu)
    pixels = images()
    network, found = jsnn.convert(model, pixels, recipes.few_spike(12))
    read = evidence(network, found, pixels, 24)[:, -1]
    np.testing.assert_allclose(read, answer(model, pixels), atol=2e-3)


def test_signed_digits_of_a_held_input_are_the_nearest_level():
    model = perceptron(relu, (12, 30, 4))
    pixels = images()
    _, found = jsnn.convert(model, pixels, recipes.residual(5))
    (scale, _) = found.layers[0].scale
    activation = first_activation(model, pixels)
    levels = np.clip(np.floor(activation / scale * 31 + 0.5), 0, 31)
    assert (levels == 31).any()
    np.testing.assert_allclose(found.values(pixels, 5)[0] * 31 / scale, levels, atol=1e-4)


def test_signed_digits_are_exact_for_qcfs_with_one_hidden_layer():
    model = perceptron(lambda: QCFS(7, 0.6), (12, 30, 4))
    pixels = images(100)
    spikes = []
    for eager in (True, False):
        network, found = jsnn.convert(
            model, pixels, recipes.residual(3, conversion.trained, eager=eager)
        )
        read = evidence(network, found, pixels, 3)[:, -1]
        np.testing.assert_allclose(read, answer(model, pixels), atol=1e-5)
        report = conversion.assess(network, found, pixels, np.zeros(100, int), 3)
        spikes.append(report.total_spikes[-1])
    hidden = first_activation(model, pixels)
    levels = np.rint(hidden / 0.6 * 7).astype(np.uint8)
    digits = np.unpackbits(levels).sum()  # no fewer make the level up without a negative one
    assert spikes[0] > spikes[1] == digits / 100


@pytest.mark.parametrize(("eager", "base"), [(True, 2.0), (False, 2.0), (True, 1.5)])
def test_signed_digits_of_all_layers_at_once_match_a_loop(eager, base):
    model = perceptron(relu)
    pixels = images(200)
    recipe = recipes.residual(4, conversion.percentile(90.0), base=base, eager=eager)
    network, found = jsnn.convert(model, pixels, recipe)
    first, second, last = (layer for layer in model.layers if isinstance(layer, nnx.Linear))
    scales = [place.unit for place in found.built.layers]
    once = np.zeros((4, 1, 1))
    once[0] = 1  # an image and a bias come in with the first step
    arriving = once * (pixels @ np.asarray(first.kernel) + np.asarray(first.bias))
    digits = signed_digits(arriving / scales[0], 4, eager, base)
    arriving = digits * scales[0] @ np.asarray(second.kernel) + once * np.asarray(second.bias)
    digits = signed_digits(arriving / scales[1], 4, True, base)
    assert (digits < 0).any()
    arriving = digits * scales[1] @ np.asarray(last.kernel) + once * np.asarray(last.bias)
    read = evidence(network, found, pixels, 4)
    np.testing.assert_allclose(read, arriving.cumsum(axis=0).swapaxes(0, 1), atol=1e-4)


@pytest.mark.parametrize("base", [1.0, 2.5, np.nan])
def test_the_base_of_digits_lies_above_1_and_up_to_2(base):
    with pytest.raises(ValueError, match="signed_digits, base: given"):
        recipes.residual(4, base=base)


def test_signed_spikes_keep_the_total_at_the_rounded_input():
    rng = np.random.default_rng(1)
    currents = rng.normal(0.1, 0.5, (50, 20)).astype(np.float32)
    model = conversion.signed_spikes().model
    network = jsnn.Network([jsnn.Population("n", 20, model, initial={"v": 0.5})], [])
    totals = jsnn.Variable("n", "total")
    _, recorded = jsnn.simulate(
        network, {"n": jsnn.over_time(currents)}, 50, record={"total": totals}
    )
    v, total = np.full(20, 0.5, np.float32), np.zeros(20)
    for current, given in zip(currents, recorded["total"], strict=True):
        v = v + current
        emitted = np.where(v >= 1, 1, np.where((v < 0) & (total > 0), -1, 0))
        v, total = (v - emitted).astype(np.float32), total + emitted
        np.testing.assert_array_equal(given, total)
    assert (np.diff(recorded["total"], axis=0) < 0).any()


def test_bursts_emit_one_spike_per_threshold_up_to_their_limit():
    firing = conversion.bursts(3)
    network = jsnn.Network([jsnn.Population("n", 1, firing.model, firing.params(0))], [])
    currents = np.array([0.5, 2.0, 7.0, 0.0, 0.0], np.float32)[:, None]
    record = {"emitted": jsnn.Variable("n", "emitted"), "v": jsnn.Variable("n", "v")}
    _, recorded = jsnn.simulate(network, {"n": jsnn.over_time(currents)}, 5, record=record)
    np.testing.assert_array_equal(recorded["emitted"][:, 0], [0, 2, 3, 3, 1])
    np.testing.assert_array_equal(recorded["v"][:, 0], [0.5, 0.5, 4.5, 1.5, 0.5])


def test_groups_of_neurons_have_members_times_steps_levels():
    """In two steps groups of 4 compute QCFS with 8 levels, unless a spike came too early."""
    model = perceptron(lambda: QCFS(8), (12, 16, 4))
    pixels = images()
    _, found = jsnn.convert(model, pixels, recipes.group(4, conversion.trained))
    decoded = found.values(pixels, 2)
    hidden = first_activation(model, pixels)
    np.testing.assert_allclose(decoded[0], hidden, atol=1e-6)
    assert not np.allclose(found.values(pixels, 1)[0], hidden, atol=1e-6)


def test_soft_reset_counts_the_thresholds_passed():
    network = jsnn.Network([jsnn.Population("n", 5, jsnn.IF_SOFT_RESET)], [])
    current = np.array([-0.5, 0.0, 0.25, 0.75, 1.0], np.float32)
    _, recorded = jsnn.simulate(network, {"n": current}, 8, record={"n": jsnn.SpikeCount("n")})
    np.testing.assert_array_equal(recorded["n"], [0, 0, 2, 6, 8])
