"""Summaries of recipes, conversions and reports, and their pickles."""

import pickle

import numpy as np
import pytest

import jsnn
from jsnn import conversion
from jsnn.conversion import recipes
from tests.conversion.models import images, perceptron, relu

RECIPES = [
    recipes.copy(),
    recipes.diehl_2015("model"),
    recipes.calibrated(4),
    recipes.group(3),
    recipes.few_spike(3),
    recipes.residual(3, conversion.trained),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_prints_its_choices(recipe):
    text = repr(recipe)
    assert text.startswith(f"Recipe: {recipe.name}\n")
    for choice in ("scale", "firing", "coding", "output", "calibrate"):
        assert f"\n{choice}  " in text


def test_rules_are_printed_as_calls():
    text = repr(recipes.group(3, conversion.percentile(50.0)))
    assert "divided(rule=percentile(p=50.0, per_channel=False), number=3)" in text
    assert "light(num_steps=4)" in repr(recipes.calibrated(4))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_recipes_can_be_pickled(recipe):
    again = pickle.loads(pickle.dumps(recipe))
    assert repr(again) == repr(recipe)
    assert again.firing.model == recipe.firing.model


def test_a_conversion_and_a_report_are_short_tables_and_can_be_pickled():
    sizes = (12, *[6] * 30, 3)
    model, pixels = perceptron(relu, sizes), images(10)
    network, found = jsnn.convert(model, pixels, recipes.rueckauer_2017(100.0))
    report = conversion.assess(network, found, pixels, np.zeros(10, int), 2)
    for shown, title in ((found, "Conversion: "), (report, "Report: ")):
        text = repr(shown)
        assert text.startswith(f"{title}Rueckauer 2017")
        assert "hidden1 " in text
        assert text.count("\n") < 30
        assert "<table>" in shown._repr_html_()
        assert repr(pickle.loads(pickle.dumps(shown))) == text
