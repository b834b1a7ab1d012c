"""Graphs of NIR as they are given, in a file or as objects of the package `nir`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import jax.numpy as jnp
import nir
import numpy as np

from jsnn._checks import check_finite, host_array

Edge = tuple[str, str]

FIELDS: dict[str, tuple[str, ...]] = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": ("weight", "bias", "input_shape", "stride", "padding", "dilation", "groups"),
    "Conv2d": ("weight", "bias", "input_shape", "stride", "padding", "dilation", "groups"),
    "Delay": ("delay",),
    "Flatten": ("input_type", "start_dim", "end_dim"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "Threshold": ("threshold",),
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
}
"""The fields of each kind of node."""

NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")
SPIKING = ("IF", "LIF", "CubaLIF", "Threshold")
TIMES = ("tau", "tau_syn", "tau_mem", "delay")
"""Fields in seconds."""

_SHAPES = ("shape", "input_shape", "input_type")
_MAY_BE_ABSENT = (*_SHAPES, "v_reset", "w_in")


@dataclass(frozen=True)
class Node:
    """A node with its fields.

    Attributes:
      kind: its type in NIR, such as "LIF".
      fields: the fields that are given, numbers as arrays of NumPy.
      extra: names of other things that are given.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    def get(self, name: str) -> Any:
        """Return a field, or None if it is not given."""
        return self.fields.get(name)


@dataclass(frozen=True)
class Graph:
    """Nodes by name, graphs among them, and edges from name to name."""

    nodes: dict[str, Node | Graph]
    edges: list[Edge]


def load(source: Any) -> Graph:
    """Return the graph of a file or of an object of the package `nir`.

    Raises:
      FileNotFoundError: if there is no such file.
      TypeError: if `source` is neither.
      ValueError: if the file is not one of NIR, or a node is of an unknown kind or incomplete.
    """
    if isinstance(source, nir.NIRNode):
        return _whole(_from_object(source, ""))
    if not isinstance(source, (str, PathLike)):
        raise TypeError(
            f"jsnn.nir.read: given {type(source).__name__}; expected the path of a NIR file or a "
            "nir.NIRGraph"
        )
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"jsnn.nir.read: given {path}; expected a file that exists")
    what = f"jsnn.nir.read, file {path}"
    if path.is_dir() or not h5py.is_hdf5(path):
        raise ValueError(f"{what}: not HDF5; expected a NIR file, as nir.write makes")
    try:
        with h5py.File(path) as file:
            if not isinstance(file.get("node"), h5py.Group):
                held = ", ".join(map(repr, file)) or "nothing"
                raise ValueError(f"{what}: holds {held}; expected a group 'node', as in a NIR file")
            return _whole(_from_file(file["node"], ""))
    except (OSError, KeyError, RuntimeError, UnicodeDecodeError) as error:  # those of h5py
        raise ValueError(f"{what}: damaged ({error}); expected a whole NIR file") from error


def _whole(given: Node | Graph) -> Graph:
    """Return a graph; a node alone as the graph that has no other."""
    return given if isinstance(given, Graph) else Graph({"node": given}, [])


def _from_object(given: Any, name: str) -> Node | Graph:
    if not isinstance(given, nir.NIRNode):
        raise ValueError(f"node {name!r}: given {type(given).__name__}; expected a node of `nir`")
    if isinstance(given, nir.NIRGraph):
        inside = {str(k): _from_object(node, _path(name, k)) for k, node in given.nodes.items()}
        return Graph(inside, _edges(given.edges, name))
    kind = type(given).__name__
    fields = {item.name: getattr(given, item.name, None) for item in dataclasses.fields(given)}
    shapes = (fields.pop("input_type", None), fields.pop("output_type", None))
    fields.pop("metadata", None)
    if kind in ("Input", "Output", "Flatten"):
        of_side = shapes[1] if kind == "Output" else shapes[0]
        values = list(of_side.values()) if isinstance(of_side, Mapping) else [of_side]
        fields["input_type" if kind == "Flatten" else "shape"] = values[0] if values else None
    return _node(kind, fields, name)


def _from_file(group: Any, name: str) -> Node | Graph:
    kind = _value(group.get("type")) if isinstance(group, h5py.Group) else None
    if not isinstance(kind, str):
        what = f"node {name!r}" if name else "graph"
        raise ValueError(f"{what}: given no type; expected one of {', '.join(FIELDS)}")
    if kind != "NIRGraph":
        given = {key: item for key, item in group.items() if key not in ("type", "metadata")}
        return _node(kind, {key: _value(item) for key, item in given.items()}, name)
    for part, form in (("nodes", h5py.Group), ("edges", h5py.Dataset)):
        if not isinstance(group.get(part), form):
            what = f"graph {name!r}" if name else "graph"
            raise ValueError(f"{what}: given no {part}; expected them, as in a NIR file")
    inside = {key: _from_file(item, _path(name, key)) for key, item in group["nodes"].items()}
    return Graph(inside, _edges(group["edges"][()], name))


def _path(outer: str, inner: Any) -> str:
    return f"{outer}.{inner}" if outer else str(inner)


def _value(item: Any) -> Any:
    """Return what a data set of a file holds; anything else as it is."""
    return _text(item[()]) if isinstance(item, h5py.Dataset) else item


def _text(value: Any) -> Any:
    return value.decode("utf8") if isinstance(value, bytes) else value


def _edges(pairs: Any, name: str) -> list[Edge]:
    edges = []
    for pair in pairs:
        if not isinstance(pair, (tuple, list, np.ndarray)) or len(pair) != 2:
            what = f"graph {name!r}, edges" if name else "graph, edges"
            raise ValueError(f"{what}: given {pair!r}; expected pairs of names")
        edges.append((str(_text(pair[0])), str(_text(pair[1]))))
    return edges


def _node(kind: str, given: Mapping[str, Any], name: str) -> Node:
    """Return a node whose fields are arrays of finite numbers, or texts.

    Raises:
      ValueError: if the kind is unknown, a field is missing, or a number is not one that a network
        can hold.
    """
    if kind not in FIELDS:
        raise ValueError(f"node {name!r}: of type {kind!r}; expected one of {', '.join(FIELDS)}")
    missing = [key for key in FIELDS[kind] if given.get(key) is None and key not in _MAY_BE_ABSENT]
    if missing:
        raise ValueError(
            f"node {name!r}, field {missing[0]!r}: not given; expected all of "
            f"{', '.join(FIELDS[kind])}"
        )
    fields = {
        key: _checked(given[key], kind, key, f"node {name!r}, field {key!r}")
        for key in FIELDS[kind]
        if given.get(key) is not None
    }
    extra = tuple(sorted(key for key in given if key not in FIELDS[kind]))
    return Node(kind, fields, extra)


def _checked(value: Any, kind: str, key: str, what: str) -> Any:
    """Return a field as an array of numbers; a padding may be a text."""
    if isinstance(value, str):
        if key == "padding" and kind in ("Conv1d", "Conv2d"):
            return value
        raise ValueError(f"{what}: given {value!r}; expected numbers")
    array = host_array(value, what)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{what}: given {array.dtype}; expected numbers")
    if key in _SHAPES:
        if np.any((array < 1) | (array != np.round(array))):
            raise ValueError(f"{what}: given {array.tolist()}; expected whole numbers >= 1")
        return array
    if array.size == 0:
        raise ValueError(f"{what}: given shape {array.shape}; expected at least one number")
    check_finite(array, what)
    limit = jnp.finfo(jnp.result_type(float))
    if np.abs(array).max() > limit.max:
        raise ValueError(
            f"{what}: given {np.abs(array).max():g}; expected numbers within {limit.dtype}"
        )
    return array
