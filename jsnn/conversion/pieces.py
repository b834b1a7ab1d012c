"""What is asked of the pieces of a recipe: their kinds, their ranges, that they go together."""

import inspect
from typing import Any

from jsnn._checks import check_known, finite_number, positive_int
from jsnn.conversion.ann import Layers, Weighted
from jsnn.conversion.coding import Coding
from jsnn.conversion.firing import Firing
from jsnn.conversion.read import Read
from jsnn.conversion.recipe import Recipe


def check_pieces(recipe: Recipe) -> None:
    """Raise ValueError or TypeError that names the piece which no network can be built with."""
    _check_rule(recipe.scale, "scale", 2, "percentile(99.9)")
    if recipe.calibrate is not None:
        _check_rule(recipe.calibrate, "calibrate", 3, "light(8)")
    for name, kind, example in _KINDS:
        _check_kind(getattr(recipe, name), name, kind, example)
    check_known([recipe.read.of], ("spikes", "potential"), "recipe, read", "kind of evidence")
    positive_int(recipe.read.start, "recipe, read, start", least=0)
    positive_int(recipe.delay, "recipe, delay", least=0)
    finite_number(recipe.v_init, "recipe, v_init")
    if finite_number(recipe.v_thresh, "recipe, v_thresh") <= 0:
        raise ValueError(f"recipe, v_thresh: given {recipe.v_thresh}; expected a number > 0")
    if recipe.firing.digits is not None:
        _check_digits(recipe)


def check_depth(recipe: Recipe, layers: Layers) -> None:
    """Raise ValueError where digits should be emitted and there is no layer to do so."""
    number = sum(isinstance(layer, Weighted) for layer in layers)
    if recipe.firing.digits is not None and recipe.read.of == "potential" and number == 1:
        raise ValueError(
            "model: given one layer, whose potential is read, for firing in digits; expected a "
            "hidden layer that fires"
        )


_KINDS: tuple[tuple[str, type, str], ...] = (
    ("firing", Firing, "reset_by_subtraction()"),
    ("coding", Coding, "analog()"),
    ("read", Read, "spike_counts()"),
)


def _check_kind(piece: Any, name: str, kind: type, example: str) -> None:
    if not isinstance(piece, kind):
        raise TypeError(
            f"recipe, {name}: given {_named(piece)}; expected a {kind.__name__}"
            f"{_called(piece, f', such as {example}')}"
        )


def _check_rule(piece: Any, name: str, number: int, example: str) -> None:
    """A rule takes `number` arguments; what makes a rule takes others."""
    if not callable(piece):
        raise TypeError(
            f"recipe, {name}: given {_named(piece)}; expected a rule, such as {example}"
        )
    try:
        inspect.signature(piece).bind(*range(number))
    except TypeError:
        raise TypeError(
            f"recipe, {name}: given {_named(piece)}, which cannot be called with {number} "
            f"arguments; expected a rule{_called(piece, f', such as {example}')}"
        ) from None


def _named(piece: Any) -> str:
    name = getattr(piece, "__name__", None)
    return f"the function {name}" if name else f"{type(piece).__name__} {piece!r}"


def _called(piece: Any, otherwise: str) -> str:
    name = getattr(piece, "__name__", None)
    return f": {name}(...), called" if name else otherwise


def _check_digits(recipe: Recipe) -> None:
    """Digits are of an input that is there from the first step on, the largest first."""
    firing = "firing in digits"
    if recipe.coding.model is not None:
        raise ValueError(
            f"recipe, coding: given {recipe.coding.name} with {firing}; expected analog()"
        )
    if recipe.delay:
        raise ValueError(f"recipe, delay: given {recipe.delay} with {firing}; expected 0")
    if recipe.read.start:
        raise ValueError(
            f"recipe, read, start: given {recipe.read.start} with {firing}; expected 0"
        )
