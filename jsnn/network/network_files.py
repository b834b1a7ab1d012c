"""Files of networks and their states: one versioned, checked file each, without pickle.

A file is a line with the SHA-256 of the rest, a title with the format and the version of jsnn, and
what `np.savez` makes of the arrays. One of the arrays is JSON, the tree that `TreeWriter` makes.
"""

import io
import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from jsnn._checks import check_type, check_untraced
from jsnn.network.network import Network, check_numbers
from jsnn.network.state import State, check_state
from jsnn.network.stored_trees import TreeReader, TreeWriter
from jsnn.network.whole_files import read_checked, write_checked

FORMAT = 1
"""Number of the format; a change that older files do not survive needs the next one."""

_KIND = b"jsnn network"
_TITLE = re.compile(_KIND + rb", format ([0-9]+), jsnn (\S+)\n")
_DIGEST = 65
"""Number of bytes before the title."""
_TREES = "trees"


def save(path: str | PathLike[str], network: Network, state: State | None = None) -> None:
    """Write a network, and a state of it, to one file, whole or not at all.

        jsnn.save("trained.jsnn", network, state)
        network, state = jsnn.load("trained.jsnn")

    A run goes on from the state bit for bit. Models of jsnn are stored by their name. So are models
    of your own, and functions and dataclasses that are part of a connectivity of your own; `load`
    takes them by that name.

    Args:
      path: of the file; its directory is made if it does not exist.
      network: the network, with its weights and parameters.
      state: a state of the network, with the weights that it has learnt, or None.

    Raises:
      TypeError: if an argument is of another type or traced, or a part of the network cannot be
        stored.
      ValueError: if the network is divided over devices, the state is not one of this network, a
        model has no name, or two models have the same.
      OSError: if the file cannot be written; the message names it, and it is as it was.
    """
    check_untraced((network, state), "save", "return what is to be saved")
    check_type(network, Network, "save, network")
    if network.mesh is not None:
        raise ValueError(
            f"save: given a network that is divided over {network.mesh.size} devices; expected "
            "the whole network (save it before jsnn.divide)"
        )
    check_numbers(network)
    if state is not None:
        check_state(network, state)
    writer = TreeWriter()
    trees = [writer.tree(network, "network"), writer.tree(state, "state")]
    content = io.BytesIO()
    content.write(_KIND + f", format {FORMAT}, jsnn {_version()}\n".encode())
    text = np.frombuffer(json.dumps(trees).encode(), np.uint8)
    np.savez(content, allow_pickle=False, **{_TREES: text}, **writer.arrays)
    write_checked(path, content.getbuffer())


def load(
    path: str | PathLike[str], models: Mapping[str, Any] | None = None
) -> tuple[Network, State | None]:
    """Read a network, and a state of it, from a file that `save` wrote.

    Nothing in the file is executed.

    Args:
      path: of the file.
      models: {name: model, function or dataclass of your own}, those that the network is made of;
        others are left out.

    Returns:
      The network, and the state or None.

    Raises:
      FileNotFoundError: if there is no such file.
      TypeError: if a model of your own is of another type, or the network is of float64 while
        `jax_enable_x64` is off.
      ValueError: if the file is damaged, of another kind or of another version, or a model of your
        own is missing or has other parameters or variables; the message names the file.
    """
    models = {} if models is None else models
    check_type(models, Mapping, "load, models", " by name")
    path = Path(path)
    _check_kind(path)
    content = read_checked(path)
    title = _TITLE.match(content)
    written = title and int(title[1])
    if title is None or written != FORMAT:
        raise ValueError(
            f"{path}: of format {written}, written by jsnn {title and title[2].decode()}; expected "
            f"format {FORMAT}, which jsnn {_version()} reads (save it anew)"
        )
    with np.load(io.BytesIO(content[title.end() :]), allow_pickle=False) as saved:
        arrays = dict(saved)
    reader = TreeReader(arrays, models)
    try:
        network, state = map(reader.value, json.loads(arrays[_TREES].tobytes()))
        network = Network(network.populations, network.projections, network.sources, network.dt)
        check_numbers(network)
        if state is not None:
            check_state(network, state)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{path}, written by jsnn {title[2].decode()} and read by {_version()}: {error}"
        ) from error
    return network, state


def _check_kind(path: Path) -> None:
    """Raise ValueError if a path is not that of a file that `save` wrote, perhaps a damaged one."""
    if path.is_dir():
        raise ValueError(
            f"{path}: is a directory; expected a file that jsnn.save wrote (jsnn.load_weights "
            "reads a directory of weights)"
        )
    with path.open("rb") as file:
        beginning = file.read(_DIGEST + len(_KIND))
    if beginning[_DIGEST:] != _KIND:
        fault = "of another kind, or damaged" if beginning else "empty"
        raise ValueError(f"{path}: {fault}; expected a file that jsnn.save wrote")


def _version() -> str:
    from jsnn import __version__  # not there yet while jsnn is imported

    return __version__
