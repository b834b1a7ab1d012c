"""Converted networks against the model itself, published equations and loops in NumPy."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from jsnn.conversion.layers import activations
from tests.conversion.models import (
    answer,
    convolutional,
    evidence,
    first_activation,
    images,
    logits_of,
    perceptron,
    relu,
)

BURSTS = conversion.bursts(3)


@pytest.mark.parametrize("pool", [nnx.avg_pool, nnx.max_pool])
@jax.numpy_dtype_promotion("standard")  # nnx.avg_pool needs it
def test_layers_compute_the_logits_of_the_model(pool):
    model = convolutional(pool)
    pixels = images(10, (8, 8, 2))
    _, found = jsnn.convert(model, pixels, recipes.rueckauer_2017())
    model.eval()
    np.testing.assert_allclose(logits_of(found.ann, pixels), answer(model, pixels), atol=1e-5)


@pytest.mark.parametrize("pool", [nnx.avg_pool, nnx.max_pool])
@jax.numpy_dtype_promotion("standard")
def test_a_convolutional_network_tends_to_its_model(pool):
    model = convolutional(pool)
    pixels = images(20, (8, 8, 2))
    network, found = jsnn.convert(model, pixels, recipes.rueckauer_2017(100.0, v_init=0.5))
    model.eval()
    logits = answer(model, pixels)
    read = evidence(network, found, pixels, 300)[:, -1] / 300
    assert np.abs(read - logits).max() < 0.03 * np.abs(logits).max()


def test_max_pooling_gives_the_largest_count_of_each_window_at_every_step():
    model = convolutional(nnx.max_pool)
    pixels = images(1, (8, 8, 2))
    network, found = jsnn.convert(model, pixels, recipes.rueckauer_2017(60.0))
    record = {
        "hidden": jsnn.Spikes("hidden1"),
        "pooled": jsnn.Variable("pool1", "total"),
        "spikes": jsnn.Spikes("pool1"),
    }
    _, recorded = jsnn.simulate(network, found.drive(pixels[0]), 20, record=record)
    counts = np.cumsum(recorded["hidden"], axis=0).reshape(20, 4, 2, 4, 2, 3)
    largest = counts.max(axis=(2, 4)).reshape(20, -1)
    assert largest.max() > 5
    np.testing.assert_array_equal(recorded["pooled"], largest)
    np.testing.assert_array_equal(np.cumsum(recorded["spikes"], axis=0), largest)


def test_qcfs_with_one_hidden_layer_is_exact_after_as_many_steps_as_levels():
    model = perceptron(lambda: QCFS(4, 0.7), (12, 30, 4))
    pixels = images(200)
    network, found = jsnn.convert(model, pixels, recipes.qcfs())
    counts = jax.vmap(
        lambda drive: jsnn.simulate(network, drive, 4, record={"n": jsnn.SpikeCount("hidden1")})[1]
    )(found.drive(pixels))["n"]
    hidden = first_activation(model, pixels)
    np.testing.assert_allclose(counts * np.float32(0.7 / 4), hidden, atol=1e-6)
    read = evidence(network, found, pixels, 4)[:, -1]
    np.testing.assert_allclose(read / 4, answer(model, pixels), atol=1e-5)
    result = jsnn.evaluate(network, found.drive(pixels), np.zeros(200, int), 4, found.readout)
    np.testing.assert_array_equal(result.predictions, answer(model, pixels).argmax(axis=1))


def test_binary_activations_are_exact_in_one_step_at_any_depth():
    model = perceptron(lambda: QCFS(1, 0.4))
    pixels = images(100)
    network, found = jsnn.convert(model, pixels, recipes.qcfs())
    read = evidence(network, found, pixels, 1)[:, 0]
    np.testing.assert_allclose(read, answer(model, pixels), atol=1e-5)


def test_copied_weights_make_the_network_of_the_tutorial():
    rng = np.random.default_rng(0)
    shapes = {(784, 12): (0.02, 0.1), (12, 10): (0.1, 0.3)}
    kernels = [rng.normal(*of, shape).astype(np.float32) for shape, of in shapes.items()]
    first, second = map(jnp.asarray, kernels)
    grey = rng.integers(0, 256, (3, 784))
    network, found = jsnn.convert(
        lambda x: jax.nn.relu(x @ first) @ second, grey / 255, recipes.copy()
    )
    plain = jsnn.feedforward(kernels, jsnn.IF, params={"v_thresh": 5.0})
    pixels = (grey * 0.01).astype(np.float32)
    spikes = lambda names: {k: jsnn.Spikes(name) for k, name in zip("ab", names, strict=True)}  # noqa: E731
    for i in range(3):
        _, converted = jsnn.simulate(
            network,
            jax.tree.map(lambda x, i=i: x[i], found.drive(grey / 255)),
            60,
            record=spikes(["hidden1", "output"]),
        )
        _, expected = jsnn.simulate(
            plain, {"layer0": pixels[i]}, 60, record=spikes(["layer1", "layer2"])
        )
        assert expected["b"].any()
        jax.tree.map(np.testing.assert_array_equal, converted, expected)


@pytest.mark.parametrize("based_on", ["data", "model"])
def test_a_normalised_network_follows_the_equations(based_on):
    model, pixels = perceptron(relu, (12, 16, 4)), images()
    network, found = jsnn.convert(model, pixels, recipes.diehl_2015(based_on))
    scales = [1.0, *(layer.scale[0] for layer in found.layers)]
    record = {"hidden": jsnn.Spikes("hidden1"), "output": jsnn.Spikes("output")}
    drive = {"input": found.drive(pixels)["input"][0]}
    _, recorded = jsnn.simulate(network, drive, 80, record=record)
    v = [np.zeros(size) for size in (12, 16, 4)]
    spikes = [np.zeros(size) for size in (12, 16, 4)]
    for step in range(80):
        inputs = [pixels[0].astype(float)]
        for i, layer in enumerate(model.layers[::2]):
            kernel, bias = (np.asarray(p[...], float) for p in (layer.kernel, layer.bias))
            inputs.append((spikes[i] @ kernel * scales[i] + bias) / scales[i + 1])
        v = [a + b for a, b in zip(v, inputs, strict=True)]
        spikes = [(a >= 1).astype(float) for a in v]
        v = [np.where(s, 0, a) for a, s in zip(v, spikes, strict=True)]
        np.testing.assert_array_equal(recorded["hidden"][step], spikes[1])
        np.testing.assert_array_equal(recorded["output"][step], spikes[2])
    assert recorded["output"].any()


CONVERGING = {
    "robust": (recipes.rueckauer_2017(100.0), 200, 0.05),
    "channels": (recipes.rueckauer_2017(100.0, per_channel=True, v_init=0.5), 200, 0.02),
    "balanced": (recipes.spike_norm(30), 300, 0.05),
    "light": (recipes.calibrated(16), 16, 0.15),
    "advanced": (recipes.calibrated(16, how="advanced"), 16, 0.15),
    "signed": (recipes.signed(p=100.0), 100, 0.03),
    "bursts": (recipes.burst(p=100.0), 100, 0.03),
    "groups": (recipes.group(5, conversion.percentile(100.0)), 20, 0.03),
    "poisson": (replace(recipes.rueckauer_2017(100.0), coding=conversion.poisson()), 2000, 0.1),
    "latency": (replace(recipes.rueckauer_2017(100.0), coding=conversion.latency(400)), 400, 0.1),
    "input": (
        replace(recipes.rueckauer_2017(100.0), coding=conversion.constant_current(), delay=1),
        400,
        0.05,
    ),
}


@pytest.mark.parametrize("name", CONVERGING)
@jax.numpy_dtype_promotion("standard")  # optax needs it
def test_decoded_values_tend_to_the_activations(name):
    recipe, num_steps, tolerance = CONVERGING[name]
    model = perceptron(relu, (12, 16, 4))
    pixels = images()
    key = jax.random.key(0)
    _, found = jsnn.convert(model, pixels, recipe, key=key)
    decoded = found.values(pixels, num_steps, key=key)
    hidden = first_activation(model, pixels)
    error = np.abs(decoded[0] - hidden).mean() / np.abs(hidden).mean()
    assert error < tolerance
    if recipe.output.quantity == "potential":
        logits = answer(model, pixels)
        assert np.abs(decoded[-1] - logits).mean() < 2 * tolerance * np.abs(logits).mean()


def test_scales_follow_the_equations():
    model = perceptron(relu, (12, 16, 4))
    pixels = images()
    hidden = first_activation(model, pixels)
    kernel, bias = (np.asarray(p[...]) for p in (model.layers[0].kernel, model.layers[0].bias))

    def scale(recipe):
        return jsnn.convert(model, pixels, recipe)[1].layers[0].scale

    robust = np.percentile(hidden[hidden > 0], 90)
    np.testing.assert_allclose(scale(recipes.rueckauer_2017(90.0)), robust, rtol=1e-5)
    most = max(hidden.max(), kernel.max())
    np.testing.assert_allclose(scale(recipes.diehl_2015()), most, rtol=1e-5)
    possible = (np.maximum(kernel, 0).sum(axis=0) + np.maximum(bias, 0)).max()
    np.testing.assert_allclose(scale(recipes.diehl_2015("model")), possible, rtol=1e-5)
    np.testing.assert_allclose(scale(recipes.spike_norm(1)), hidden.max(), rtol=1e-5)


def test_the_report_of_the_layers_is_a_table():
    _, found = jsnn.convert(perceptron(relu), images(), recipes.rueckauer_2017())
    rows = str(found).splitlines()
    assert [layer.population for layer in found.layers] == ["hidden1", "hidden2", "output"]
    assert [layer.num_neurons for layer in found.layers] == [16, 8, 4]
    assert len(rows) == 7
    assert "| layers.2 | hidden2 | 8 |" in rows[5]


@pytest.mark.parametrize(("firing", "most"), [(conversion.signed_spikes(), 1), (BURSTS, 3)])
def test_activations_beyond_spikes_in_every_step_are_saturated(firing, most):
    model, pixels = perceptron(relu), images()
    recipe = replace(recipes.rueckauer_2017(30.0), firing=firing)
    _, found = jsnn.convert(model, pixels, recipe)
    activation = first_activation(model, pixels)
    positive = activation[activation > 0]
    expected = np.mean(positive > most * np.percentile(positive, 30))
    assert found.layers[0].saturated == expected > 0
    assert found.layers[-1].saturated == 0  # its potential is read


def test_max_pooling_of_bursts_saturates_as_bursts_do():
    pixels = images(6, (8, 8, 2))
    _, found = jsnn.convert(convolutional(nnx.max_pool), pixels, recipes.burst(3, p=50.0))
    pooled = activations(found.ann, found.rows(pixels))[1]
    (scale, _) = found.layers[1].scale
    assert found.layers[1].saturated == np.mean(pooled[pooled > 0] > 3 * scale) > 0


def test_a_delayed_start_counts_the_later_steps_alone():
    spikes = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    late = conversion.spike_counts(start=2)
    np.testing.assert_array_equal(
        late.evidence(jnp.asarray(spikes)), [[0, 0], [0, 0], [0, 1], [0, 2]]
    )
    v = np.array([[3.0, 0.0], [4.0, 0.0], [4.5, 1.0]], np.float32)
    late = conversion.potentials(start=2)
    np.testing.assert_array_equal(late.evidence(jnp.asarray(v)), [[0, 0], [0, 0], [0.5, 1.0]])


def test_a_chain_of_linear_maps_is_one_map():
    rng = np.random.default_rng(0)
    first, second = rng.random((5, 4)).astype(np.float32), rng.random((4, 3)).astype(np.float32)
    chain = jsnn.Chain((jsnn.Dense(first), jsnn.Dense(second)))
    assert (chain.num_pre, chain.num_post) == (5, 3)
    x = rng.random(5).astype(np.float32)
    np.testing.assert_allclose(chain.deliver(jnp.asarray(x)), x @ first @ second, rtol=1e-5)
    with pytest.raises(ValueError, match="parts 0 and 1: given 4 neurons after"):
        jsnn.Chain((jsnn.Dense(first), jsnn.Dense(first)))
    with pytest.raises(ValueError, match="given none"):
        jsnn.Chain(())


class Rounding(nnx.Module):
    """Model of one pixel and one QCFS with a border at 0.5, where a last bit decides."""

    def __init__(self, factor):
        self.first, self.second = (nnx.Linear(1, 1, rngs=nnx.Rngs(0)) for _ in range(2))
        for layer in (self.first, self.second):
            layer.kernel[...] = jnp.ones((1, 1))
        self.quantise = QCFS(1, 1.0)
        self.factor = factor

    def __call__(self, x):
        factor = 1.0 if len(x) == 1 else self.factor  # one image is read
        return self.second(self.quantise(self.first(x) * factor))


def test_logits_may_differ_if_a_qcfs_rounds_the_other_way_on_its_border():
    def converted(factor):
        model = Rounding(factor)
        return jsnn.convert(model, pixels[:, None], recipes.qcfs())

    pixels = np.linspace(0, 0.9, 40, dtype=np.float32)
    pixels[:2] = 0.5
    converted(1 - 1e-6)
    pixels[:2] = 0.501
    with pytest.raises(ValueError, match="its logits are not those of its layers"):
        converted(1 - 3e-3)


def spoilt(change):
    model = perceptron(relu, (12, 16, 4))
    change(model)
    return model


def not_a_number(model):
    model.layers[0].kernel[...] = jnp.full((12, 16), jnp.nan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": spoilt(not_a_number)}, r"layers\.0: given NaN; .* trained"),
        ({"calibration_images": np.zeros((5, 12))}, "all pixels are 0"),
        (
            {"calibration_images": images().T},
            r"the model takes neither a batch of shape \[1, 40\] nor one image of",
        ),
        (
            {"calibration_images": images()[0]},
            r"expected \[n, \.\.\.\], images as the model takes them",
        ),
        ({"calibration_images": images() * np.nan}, "calibration_images: .* NaN"),
        ({"recipe": recipes.qcfs()}, r"model, layers\.0: its activation is a ReLU"),
        (
            {
                "recipe": replace(recipes.qcfs(), coding=conversion.poisson()),
                "calibration_images": images() * 3,
            },
            "the range of Poisson coding",
        ),
    ],
)
def test_bad_input_is_named(arguments, message):
    given = {"model": perceptron(relu), "calibration_images": images()}
    with pytest.raises(ValueError, match=message):
        jsnn.convert(**{**given, "recipe": recipes.rueckauer_2017(), **arguments})


def test_grey_levels_in_calibration_images_give_a_warning():
    grey = (images() * 255).astype(np.uint8)
    with pytest.warns(UserWarning, match=r"given uint8 from 0 to 25\d; .* \[0, 1\]"):
        jsnn.convert(perceptron(relu), grey, recipes.rueckauer_2017())


@pytest.mark.parametrize("p", [0, -1, 100.5, np.nan])
def test_a_percentile_lies_above_0_and_up_to_100(p):
    with pytest.raises(ValueError, match="percentile"):
        recipes.rueckauer_2017(p)


def divided(number):
    return conversion.divided(conversion.trained, number)


STEPS = [recipes.few_spike, recipes.calibrated, recipes.spike_norm, recipes.group, divided]


@pytest.mark.parametrize("make", STEPS)
def test_a_number_of_steps_or_neurons_is_at_least_1(make):
    with pytest.raises(ValueError, match=r"given 0; expected an integer >= 1"):
        make(0)
