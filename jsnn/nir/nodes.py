"""Graphs of NIR as they are given, in a file or as objects of the package `nir`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
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
    with h5py.File(path) as file:
        if not isinstance(file.get("node"), h5py.Group):
            held = ", ".join(map(repr, file)) or "nothing"
            raise ValueError(f"{what}: holds {held}; expected a group 'node', as in a NIR file")
        return _whole(_from_file(file["node"], ""))


def _whole(given: Node | Graph) -> Graph:
    """Return a graph; a node alone as the graph that has no other."""
    return given if isinstance(given, Graph) else Graph({"node": given}, [])


def _from_object(given: Any, name: str) -> Node | Graph:
    if isinstance(given, nir.NIRGraph):
        inside = {str(k): _from_object(node, _path(name, k)) for k, node in given.nodes.items()}
        return Graph(inside, [(str(pre), str(post)) for pre, post in given.edges])
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
    if not isinstance(group, h5py.Group) or "type" not in group:
        raise ValueError(f"node {name!r}: given no type; expected one of {', '.join(FIELDS)}")
    kind = _text(group["type"][()])
    if kind != "NIRGraph":
        given = {key: item for key, item in group.items() if key not in ("type", "metadata")}
        fields = {
            key: _text(item[()]) if isinstance(item, h5py.Dataset) else item
            for key, item in given.items()
        }
        return _node(kind, fields, name)
    for part in ("nodes", "edges"):
        if part not in group:
            raise ValueError(f"graph {name!r}: given no {part}; expected them, as in a NIR file")
    inside = {key: _from_file(item, _path(name, key)) for key, item in group["nodes"].items()}
    edges = np.reshape(group["edges"][()], (-1, 2))
    return Graph(inside, [(_text(pre), _text(post)) for pre, post in edges])


def _path(outer: str, inner: Any) -> str:
    return f"{outer}.{inner}" if outer else str(inner)


def _text(value: Any) -> Any:
    return value.decode("utf8") if isinstance(value, bytes) else value


def _node(kind: str, given: Mapping[str, Any], name: str) -> Node:
    """Return a node whose fields are arrays of finite numbers, or texts.

    Raises:
      ValueError: if the kind is unknown, a field is missing, or a number is NaN or infinite.
    """
    if kind not in FIELDS:
        raise ValueError(f"node {name!r}: of type {kind!r}; expected one of {', '.join(FIELDS)}")
    missing = [key for key in FIELDS[kind] if given.get(key) is None and key not in _MAY_BE_ABSENT]
    if missing:
        raise ValueError(
            f"node {name!r}, field {missing[0]!r}: not given; a {kind} has "
            f"{', '.join(FIELDS[kind])}"
        )
    fields = {
        key: _number(given[key], f"node {name!r}, field {key!r}")
        for key in FIELDS[kind]
        if given.get(key) is not None
    }
    extra = tuple(sorted(key for key in given if key not in FIELDS[kind]))
    return Node(kind, fields, extra)


def _number(value: Any, what: str) -> Any:
    if isinstance(value, str):
        return value
    array = host_array(value, what)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{what}: given {array.dtype}; expected numbers")
    check_finite(array, what)
    return array
