"""Checks of recipes, the length of presentations and the scale of images."""

from dataclasses import replace

import numpy as np
import pytest

import jsnn
from jsnn import conversion
from jsnn.conversion import QCFS, recipes
from tests.conversion.models import images, perceptron, relu

DELAYED = {"delay": 1}
FEW = {"firing": conversion.few_spikes(4)}


@pytest.mark.parametrize(
    ("pieces", "error", "message"),
    [
        (
            {"scale": conversion.percentile},
            TypeError,
            r"scale: given the function percentile, .* expected a rule: percentile\(...\), called",
        ),
        ({"scale": conversion.least_error}, TypeError, r"scale: .*: least_error\(...\), called"),
        ({"scale": [1.0]}, TypeError, "scale: given list .*; expected a rule, such as percentile"),
        ({"calibrate": conversion.light}, TypeError, r"calibrate: .*: light\(...\), called"),
        (
            {"coding": conversion.poisson},
            TypeError,
            r"coding: given the function poisson; expected a Coding: poisson\(...\), called",
        ),
        ({"firing": conversion.bursts}, TypeError, r"firing: .* a Firing: bursts\(...\), called"),
        (
            {"output": "spikes"},
            TypeError,
            r"output: given str 'spikes'; expected an Output, such as spike",
        ),
        ({"output": conversion.Output("spike")}, ValueError, "output: unknown quantity 'spike'"),
        ({"output": conversion.Output("spikes", -1)}, ValueError, "output, start: given -1"),
        ({"output": conversion.Output("spikes", 1.5)}, TypeError, "output, start: given 1.5"),
        ({"v_thresh": 0.0}, ValueError, "v_thresh: given 0.0; expected a number > 0"),
        ({"v_thresh": -1.0}, ValueError, "v_thresh: given -1.0; expected a number > 0"),
        ({"v_thresh": np.inf}, ValueError, "v_thresh: given inf; expected a finite number"),
        ({"v_init": np.nan}, ValueError, "v_init: given nan"),
        ({"v_init": 5.0}, ValueError, r"v_init: given 5\.0; expected a number < 1"),
        ({"delay": -1}, ValueError, "delay: given -1"),
        (
            FEW | {"coding": conversion.constant_current()},
            ValueError,
            r"coding: given constant current with firing in digits.*; expected analog\(\)",
        ),
        (FEW | DELAYED, ValueError, "delay: given 1 with firing in digits.*; expected 0"),
        (
            FEW | {"output": conversion.potentials(2)},
            ValueError,
            "output, start: given 2 with firing in digits.*; expected 0",
        ),
    ],
)
def test_a_choice_of_a_recipe_that_does_not_fit_is_named(pieces, error, message):
    recipe = replace(recipes.rueckauer_2017(), **pieces)
    with pytest.raises(error, match=f"^recipe, {message}"):
        jsnn.convert(perceptron(relu), images(), recipe)


def test_a_rule_of_your_own_is_any_function_of_two_arguments():
    halves = lambda sample, recipe: [np.full(1, 0.5) for _ in sample.layers]  # noqa: E731
    recipe = replace(recipes.rueckauer_2017(), scale=halves)
    _, found = jsnn.convert(perceptron(relu), images(), recipe)
    assert found.layers[0].scale == (0.5, 0.5)


@pytest.mark.parametrize("recipe", [recipes.few_spike(4), recipes.residual(4)])
def test_digits_need_a_layer_that_fires(recipe):
    with pytest.raises(ValueError, match=r"given one layer, .* a hidden layer that fires"):
        jsnn.convert(perceptron(relu, (12, 4)), images(), recipe)


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        ({"scale": conversion.largest_input(4)}, "scale: given largest_input for firing in digits"),
        ({"calibrate": conversion.advanced(4)}, "calibrate: given advanced for firing in digits"),
    ],
)
def test_rules_for_rates_do_not_go_with_digits(piece, message):
    with pytest.raises(ValueError, match=message):
        jsnn.convert(perceptron(relu), images(), replace(recipes.residual(4), **piece))


def test_a_latency_shorter_than_the_way_to_the_output_is_refused():
    recipe = replace(recipes.rueckauer_2017(delay=1), coding=conversion.latency(2))
    with pytest.raises(ValueError, match="coding: given latency of 2 steps; expected at least 4"):
        jsnn.convert(perceptron(relu), images(), recipe)


LEAST = {
    "one": (recipes.rueckauer_2017(), 1, "step 0"),
    "delays": (recipes.diehl_2015(), 4, "the way to the output"),
    "potential": (recipes.few_spike(4), 8, "4 steps of each of 2 layers in turn"),
    "spikes": (
        replace(recipes.few_spike(4), output=conversion.spike_counts()),
        12,
        "4 steps of each of 3 layers in turn",
    ),
    "digits": (recipes.residual(4), 4, "4 digits, one a step"),
    "late": (
        replace(recipes.rueckauer_2017(), output=conversion.potentials(5)),
        6,
        "an answer read from step 5 on",
    ),
    "latency": (
        replace(recipes.rueckauer_2017(), coding=conversion.latency(7)),
        7,
        "latency coding",
    ),
}


@pytest.mark.parametrize("name", LEAST)
def test_a_presentation_takes_at_least_the_steps_that_its_recipe_needs(name):
    recipe, least, what = LEAST[name]
    pixels = images()
    network, found = jsnn.convert(perceptron(relu), pixels, recipe)
    assert found.least_steps == least
    assert f"T >= {least}" in str(found)
    if least > 1:
        for few in (
            lambda steps: conversion.assess(network, found, pixels, np.zeros(40, int), steps),
            lambda steps: found.values(pixels, steps),
        ):
            with pytest.raises(
                ValueError, match=f"given {least - 1}; .*at least {least} for {what}"
            ):
                few(least - 1)
        with pytest.raises(ValueError, match=f"given {least - 1}; .*at least {least}, which the"):
            jsnn.evaluate(network, found.drive(pixels), np.zeros(40, int), least - 1, found.readout)


def test_latency_coding_is_made_for_its_number_of_steps():
    recipe = replace(recipes.rueckauer_2017(), coding=conversion.latency(7))
    network, found = jsnn.convert(perceptron(relu), images(), recipe)
    with pytest.raises(ValueError, match="given 8; expected 7, since latency coding is made for 7"):
        found.values(images(), 8)
    with pytest.raises(ValueError, match="num_steps: given 8; expected at most 7"):
        jsnn.evaluate(network, found.drive(images()), np.zeros(40, int), 8, found.readout)


@pytest.mark.parametrize("recipe", [recipes.few_spike, recipes.residual])
def test_digits_are_no_more_than_a_number_holds(recipe):
    with pytest.raises(ValueError, match=r"^recipe, firing: given 25 digits; .* at most 24, .*32"):
        jsnn.convert(perceptron(relu), images(), recipe(25))
    _, found = jsnn.convert(perceptron(relu), images(), recipe(24))
    assert found.recipe.firing.digits == 24


def test_a_calibration_is_as_long_as_a_presentation():
    recipe = replace(recipes.few_spike(4), calibrate=conversion.light(4))
    with pytest.raises(ValueError, match="num_steps: given 4; expected at least 8"):
        jsnn.convert(perceptron(relu), images(), recipe)


@pytest.fixture(scope="module")
def found():
    return jsnn.convert(perceptron(lambda: QCFS(4)), images() - 0.5, recipes.qcfs())[1]


@pytest.mark.parametrize("factor", [0.2, 3.0, 255.0])
def test_images_on_another_scale_than_the_calibration_images_give_a_warning(found, factor):
    pixels = factor * (images() - 0.5)
    own = f"images: given pixels from {pixels.min():g} to {pixels.max():g}"
    low, high = images().min() - np.float32(0.5), images().max() - np.float32(0.5)
    with pytest.warns(UserWarning, match=f"{own}, and .* had {low:g} to {high:g}; expected"):
        found.drive(pixels)


@pytest.mark.parametrize("pixels", [0.01 * images()[0], 0.01 * images()[:9], 1.5 * images() - 0.75])
def test_a_dim_image_gives_no_warning(found, pixels):
    found.drive(pixels)


@pytest.mark.parametrize("shape", [(7, 20), (12,), (5, 3, 4), (0, 12)])
def test_values_need_images_of_the_shape_of_the_model(found, shape):
    with pytest.raises(ValueError, match=rf"images: given shape \({shape[0]},.*expected \[n, 12\]"):
        found.values(np.zeros(shape, np.float32), 4)


def test_values_take_a_key(found):
    with pytest.raises(TypeError, match="key: given int"):
        found.values(images(), 4, key=0)


def test_a_fraction_in_place_of_a_percentile_gives_a_warning():
    with pytest.warns(UserWarning, match=r"percentile: given 0.999, .* 99.9 if a fraction was"):
        recipes.rueckauer_2017(p=0.999)
