"""Networks and states as trees of JSON, with numbers in place of arrays.

Dataclasses are stored field by field, so that a field or a kind of connectivity that is new is
stored as well. Models, classes and functions stand in a tree by name alone, so that it holds no
code. Those of jsnn are found by their names; those of a user are given by name.
"""

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._pytree import FrozenDict
from jsnn.models.model import Model
from jsnn.network import initializers

_LITERALS = (type(None), bool, int, float, str)
_SEQUENCES: dict[str, Any] = {"tuple": tuple, "list": list}
_MAPPINGS: dict[str, Any] = {"dict": dict, "FrozenDict": FrozenDict}
_OF_USER = "models"


class TreeWriter:
    """A maker of trees, which numbers their arrays.

    Attributes:
      arrays: {number: array}.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._of_user: dict[str, Any] = {}

    def tree(self, value: Any, where: str) -> Any:
        """Return a value as a tree; `where` is its place, for messages.

        Raises:
          TypeError: if there is no way to store it.
          ValueError: if it has no name, or that of another one.
        """
        kind = type(value)
        if kind in _LITERALS:
            return value
        if kind in _SEQUENCES.values():
            return {kind.__name__: [self.tree(x, f"{where}[{i}]") for i, x in enumerate(value)]}
        if kind in _MAPPINGS.values() and all(type(name) is str for name in value):
            parts = {name: self.tree(x, f"{where}[{name!r}]") for name, x in value.items()}
            return {kind.__name__: parts}
        if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            return {"key": self._number(jax.random.key_data(value))}
        if isinstance(value, (jax.Array, np.ndarray)):
            return {"array": self._number(value)}
        if isinstance(value, np.generic):
            return {"scalar": self._number(value)}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, Model):
            return {"model": self._name(value, value.name, where), "declares": _declared(value)}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return {
                "object": self._name(kind, kind.__name__, where),
                "fields": {name: self.tree(x, f"{where}.{name}") for name, x in fields.items()},
            }
        if callable(value) and hasattr(value, "__name__"):
            return {"function": self._name(value, value.__name__, where)}
        raise TypeError(
            f"save: {where} is {kind.__name__}, which cannot be stored; expected arrays, numbers, "
            "text, dicts, tuples, dataclasses, or models and functions with a name"
        )

    def _number(self, array: Any) -> str:
        number = str(len(self.arrays))
        self.arrays[number] = np.asarray(array)
        return number

    def _name(self, value: Any, name: str, where: str) -> list[str]:
        """Return the package that has a model, a class or a function, and its name there."""
        for package in _packages():
            if _are_alike(_named_in(package).get(name), value):
                return [package, name]
        kind = "class" if isinstance(value, type) else type(value).__name__
        if name in ("", "<lambda>"):
            raise ValueError(
                f"save: {where} is a {kind} without a name; expected one with a name, by which "
                "jsnn.load(path, models={name: ...}) takes it"
            )
        if not _are_alike(self._of_user.setdefault(name, value), value):
            raise ValueError(
                f"save: {where} is another {kind} of the name {name!r}; expected names that "
                "differ, since jsnn.load(path, models={name: ...}) takes what is yours by its name"
            )
        return [_OF_USER, name]


@dataclasses.dataclass(frozen=True)
class TreeReader:
    """A maker of values from trees.

    Attributes:
      arrays: {number: array}.
      models: {name: model, class or function of a user}.
    """

    arrays: Mapping[str, np.ndarray]
    models: Mapping[str, Any]

    def value(self, tree: Any) -> Any:
        """Return the value that a tree stands for.

        Raises:
          TypeError: if something of the user is of another type, or an array needs x64.
          ValueError: if something is missing, or has other fields, parameters or variables.
        """
        if type(tree) in _LITERALS:
            return tree
        kind, content = next(iter(tree.items()))
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](map(self.value, content))
        if kind in _MAPPINGS:
            return _MAPPINGS[kind]({name: self.value(part) for name, part in content.items()})
        if kind == "key":
            return jax.random.wrap_key_data(jnp.asarray(self.arrays[content]), impl="threefry2x32")
        if kind == "array":
            return _on_device(self.arrays[content])
        if kind == "scalar":
            return self.arrays[content][()]
        if kind == "dtype":
            return np.dtype(content)
        if kind == "model":
            return self._model(content, tree["declares"])
        if kind == "object":
            return self._object(content, tree["fields"])
        return self._named(content, Callable)

    def _model(self, reference: list[str], expected: Mapping[str, Any]) -> Model:
        model: Model = self._named(reference, Model)
        given = _declared(model)
        if given != expected:
            raise ValueError(
                f"model {reference[1]!r}: given {_in_words(given)}; expected "
                f"{_in_words(expected)}, as in the network that was saved"
            )
        return model

    def _object(self, reference: list[str], stored: Mapping[str, Any]) -> Any:
        kind = self._named(reference, type)
        fields = [field.name for field in dataclasses.fields(kind)]
        if set(fields) != stored.keys():
            raise ValueError(
                f"{reference[1]}: given the fields {', '.join(stored)}; expected "
                f"{', '.join(fields)}"
            )
        made = object.__new__(kind)
        for name in fields:
            object.__setattr__(made, name, self.value(stored[name]))
        return made

    def _named(self, reference: list[str], kind: Any) -> Any:
        package, name = reference
        known = self.models if package == _OF_USER else _named_in(package)
        if name not in known and package == _OF_USER:
            given = ", ".join(map(repr, known)) or "none"
            raise ValueError(
                f"models: given {given}; expected {name!r} among them, since the network has it: "
                f"jsnn.load(path, models={{{name!r}: ...}})"
            )
        if name not in known:
            raise ValueError(f"given {name!r} of {package}; expected one that this version has")
        if not isinstance(known[name], kind):
            raise TypeError(
                f"models, {name!r}: given {type(known[name]).__name__}; expected a {kind.__name__}"
            )
        return known[name]


def _packages() -> list[str]:
    """Return the packages of jsnn that are imported, those of models first."""
    packages = {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("jsnn.")}
    return sorted(packages, key=lambda package: (package != "jsnn.models", package))


@cache
def _named_in(package: str) -> dict[str, Any]:
    """Return the models, dataclasses and initializers of a package of jsnn by their names."""
    if not re.fullmatch(r"jsnn\.\w+", package):
        raise ValueError(f"given {package!r}; expected a package of jsnn")
    import_module(package)
    modules = [
        module for name, module in sys.modules.items() if f"{name}.".startswith(f"{package}.")
    ]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Model)
        or (isinstance(value, type) and dataclasses.is_dataclass(value))
        or (isinstance(value, FunctionType) and value.__module__ == initializers.__name__)
    }


def _are_alike(first: Any, second: Any) -> bool:
    """Return True for one object, or models that agree in everything."""
    if first is second:
        return True
    return isinstance(first, Model) and first == second and repr(first) == repr(second)


def _declared(model: Model) -> dict[str, Any]:
    """Return the kind of a model, and the names of its parameters, variables and traces."""
    values = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    names = {name: sorted(x) for name, x in values.items() if isinstance(x, Mapping) and x}
    return {"kind": type(model).__name__, **names}


def _in_words(declared: Mapping[str, Any]) -> str:
    names = {name: ", ".join(x) for name, x in declared.items() if name != "kind"}
    return " ".join([declared["kind"], *(f"({name}: {x})" for name, x in names.items())])


def _on_device(array: np.ndarray) -> jax.Array:
    if jax.dtypes.canonicalize_dtype(array.dtype) != array.dtype:
        raise TypeError(
            f"given an array of {array.dtype} while jax_enable_x64 is off; expected it to be on "
            "(jax.config.update('jax_enable_x64', True))"
        )
    return jax.device_put(array, may_alias=False)
