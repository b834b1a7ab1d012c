"""Checks of a recipe: the kind and the range of each choice, and that choices go together."""

import inspect
from typing import Any

import numpy as np

from jsnn._checks import check_known, finite_number, positive_int
from jsnn.conversion.coding import Coding
from jsnn.conversion.firing import Firing
from jsnn.conversion.layers import IMAGE, Layers, depths
from jsnn.conversion.output import Output
from jsnn.conversion.recipe import Recipe


def check_recipe(recipe: Recipe) -> None:
    """Raise ValueError or TypeError that names the choice with which no network can be built."""
    _check_rule(recipe.scale, "scale", 2, "percentile(99.9)")
    if recipe.calibrate is not None:
        _check_rule(recipe.calibrate, "calibrate", 3, "light(8)")
    for name, kind, example in _KINDS:
        _check_kind(getattr(recipe, name), name, kind, example)
    check_known([recipe.output.quantity], ("spikes", "potential"), "recipe, output", "quantity")
    positive_int(recipe.output.start, "recipe, output, start", least=0)
    positive_int(recipe.delay, "recipe, delay", least=0)
    if finite_number(recipe.v_init, "recipe, v_init") >= 1:
        raise ValueError(
            f"recipe, v_init: given {recipe.v_init}; expected a number < 1, the threshold, at "
            "which neurons spike without input"
        )
    if finite_number(recipe.v_thresh, "recipe, v_thresh") <= 0:
        raise ValueError(f"recipe, v_thresh: given {recipe.v_thresh}; expected a number > 0")
    if recipe.firing.in_digits:
        _check_digits(recipe)


def check_layers(recipe: Recipe, layers: Layers) -> None:
    """Raise ValueError if a recipe has digits, and the model no layer to emit or to add them."""
    if not recipe.firing.in_digits:
        return
    if recipe.output.integrates and depths(layers)[-1] == 1:
        raise ValueError(
            "model: given one layer, whose potential is read, for firing in digits; expected a "
            "hidden layer that fires"
        )
    for layer in layers:
        if IMAGE in layer.sources and set(layer.sources) != {IMAGE}:
            raise ValueError(
                f"model, {layer.name}: given the image beside activations of other layers, for "
                "firing in digits, where a current that is held would count in every step; "
                "expected activations alone (let the image pass through a layer with an activation "
                "first, or take a recipe of rates, such as rueckauer_2017)"
            )


def check_exact(recipe: Recipe, dtype: np.dtype[Any]) -> None:
    """Raise ValueError if a recipe has more digits than numbers of `dtype` can hold."""
    digits, most = recipe.firing.digits, np.finfo(dtype).nmant + 1
    if digits is not None and digits > most:
        raise ValueError(
            f"recipe, firing: given {digits} digits; expected at most {most}, the binary digits "
            f"of a number of {dtype}"
        )


_KINDS: tuple[tuple[str, type, str], ...] = (
    ("firing", Firing, "soft_reset()"),
    ("coding", Coding, "analog()"),
    ("output", Output, "spike_counts()"),
)


def _check_kind(given: Any, name: str, kind: type, example: str) -> None:
    if not isinstance(given, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(
            f"recipe, {name}: given {_named(given)}; expected {article} {kind.__name__}"
            f"{_call_it(given, f', such as {example}')}"
        )


def _check_rule(given: Any, name: str, number: int, example: str) -> None:
    """Raise TypeError if a rule does not take `number` arguments.

    The functions that return rules take others: `percentile` is no rule, `percentile(99.9)` is.
    """
    if not callable(given):
        raise TypeError(
            f"recipe, {name}: given {_named(given)}; expected a rule, such as {example}"
        )
    try:
        inspect.signature(given).bind(*range(number))
    except TypeError:
        raise TypeError(
            f"recipe, {name}: given {_named(given)}, which cannot be called with {number} "
            f"arguments; expected a rule{_call_it(given, f', such as {example}')}"
        ) from None


def _named(given: Any) -> str:
    name = getattr(given, "__name__", None)
    return f"the function {name}" if name else f"{type(given).__name__} {given!r}"


def _call_it(given: Any, otherwise: str) -> str:
    name = getattr(given, "__name__", None)
    return f": {name}(...), called" if name else otherwise


def _check_digits(recipe: Recipe) -> None:
    """Raise ValueError if digits would meet an input that is not complete in the first step."""
    firing = "firing in digits"
    if recipe.coding.model is not None:
        raise ValueError(
            f"recipe, coding: given {recipe.coding.name} with {firing}; expected analog()"
        )
    if recipe.delay:
        raise ValueError(f"recipe, delay: given {recipe.delay} with {firing}; expected 0")
    if recipe.output.start:
        raise ValueError(
            f"recipe, output, start: given {recipe.output.start} with {firing}; expected 0"
        )
