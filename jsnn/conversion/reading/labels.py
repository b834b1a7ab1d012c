"""Labels: names of the layers of a model, known by the arrays of their parameters."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np
from flax import linen, nnx

from jsnn.conversion.reading.equation import Equation


class Labels:
    """Names of layers by parameter, such as "layers.0" or "Dense_1".

    Args:
      model: a module, or any other callable, which has no names.
    """

    def __init__(self, model: Any) -> None:
        self._kept: list[Any] = []  # so that no other array gets the same id
        self._names: dict[int, str] = {}
        for path, leaf in parameters(model):
            self._name(leaf, ".".join(path[:-1]) or ".".join(path))

    def _name(self, array: Any, name: str) -> None:
        self._kept.append(array)
        self._names[id(array)] = name

    def of(self, array: Any) -> str | None:
        """Return the name of the layer that an array is a parameter of."""
        return self._names.get(id(array))

    def inherit(self, operands: Iterable[Any], results: Sequence[Any]) -> None:
        """Give the results of an equation the name of its operands, if they have one in common."""
        names = {name for operand in operands if (name := self.of(operand)) is not None}
        if len(names) == 1:
            (name,) = names
            for result in results:
                self._name(result, name)

    def check_finite(self, array: Any, equation: Equation) -> None:
        """Raise ValueError if a constant that an equation takes is not finite."""
        numbers = np.asarray(array)
        if numbers.dtype.kind == "f" and not np.all(np.isfinite(numbers)):
            found = "NaN" if np.any(np.isnan(numbers)) else "an infinity"
            raise ValueError(
                f"model, {self.of(array) or f'constant of {equation.title}'}: given {found}; "
                "expected finite numbers (was the model trained?)"
            )


def parameters(model: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return the arrays of a model with their paths, as far as it shows them."""
    tree: Any = ()
    if isinstance(model, nnx.Module):
        tree = nnx.to_pure_dict(nnx.state(model))
    elif isinstance(model, linen.Module):
        variables = model.variables if model.scope is not None else {}
        return [found for tree in variables.values() for found in _leaves(tree)]
    elif not jax.tree_util.all_leaves([model]):
        tree = model  # modules of Equinox and others are pytrees
    return _leaves(tree)


def _leaves(tree: Any) -> list[tuple[tuple[str, ...], Any]]:
    found = jax.tree_util.tree_leaves_with_path(tree)
    return [(tuple(map(_key, path)), leaf) for path, leaf in found if hasattr(leaf, "dtype")]


def _key(key: Any) -> str:
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)
