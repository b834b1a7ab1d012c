"""Files of a training, to continue it and to load the trained model."""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.checkpoints import Checkpoints
from experiments.conversion.models import Architecture, without_parameters
from jsnn.network.whole_files import write_whole

ARCHITECTURE = "architecture.json"
TRAINING = "training.json"


class Progress(NamedTuple):
    """State of a training between two epochs.

    Attributes:
      parameters: parameters of the model.
      statistics: statistics of its batch normalisation.
      optimizer: state of the optimizer.
      average: moving average of parameters and statistics.
      epoch: number of finished epochs, int32 ().
    """

    parameters: Any
    statistics: Any
    optimizer: Any
    average: Any
    epoch: jax.Array


class Parts(NamedTuple):
    """Parts of a model.

    Attributes:
      structure: the graph definition.
      parameters: learnt parameters.
      statistics: all other variables, such as the statistics of batch normalisation.
    """

    structure: Any
    parameters: Any
    statistics: Any

    def whole(self) -> nnx.Sequential:
        return nnx.merge(*self)


def is_finished(directory: Path, epochs: int) -> bool:
    """Return True if `directory` holds the last checkpoint of a training of `epochs` epochs."""
    return (directory / TRAINING).exists() and checkpoints_in(directory).latest_step() == epochs


def split(model: nnx.Sequential) -> Parts:
    return Parts(*nnx.split(model, nnx.Param, ...))


def copied(progress: Progress) -> Progress:
    """Copy the arrays, with the types that an epoch returns, so that they can be donated."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, leaf.dtype, copy=True), progress)


def load(directory: Path) -> nnx.Sequential:
    """Load the model in `directory` as of its last epoch, in evaluation mode.

    Raises:
      ValueError: if `directory` holds no trained model, or if it is damaged.
    """
    model = without_parameters(load_architecture(directory))
    checkpoints = checkpoints_in(directory)
    epoch = checkpoints.latest_step()
    if epoch is None:
        raise ValueError(f"{directory}: holds no checkpoint")
    try:
        restored = checkpoints.read(epoch, {"average": split(model)[1:]})
    except ValueError as error:
        raise ValueError(
            f"{error}; remove it and train again, which goes on from the checkpoint before it"
        ) from None
    nnx.update(model, *restored["average"])
    model.eval()
    return model


def load_architecture(directory: Path) -> Architecture:
    """Load the architecture of the model in `directory`.

    Raises:
      ValueError: if `directory` holds no trained model.
    """
    path = directory / ARCHITECTURE
    if not path.exists():
        raise ValueError(f"{directory}: holds no {ARCHITECTURE}; expected a trained model")
    try:
        return Architecture(**read_json(path))
    except TypeError as error:
        raise ValueError(f"{path}: damaged: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a training.

    Raises:
      ValueError: if the file is damaged; the message names it.
    """
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: damaged: {error}") from None


def checkpoints_in(directory: Path) -> Checkpoints:
    """Return the checkpoints of the training in a directory."""
    return Checkpoints(directory / "checkpoints", "epoch")


def identity(directory: Path) -> str:
    """Return a hash of the trained model in a directory.

    Raises:
      ValueError: if `directory` holds no checkpoint.
    """
    checkpoints = checkpoints_in(directory)
    epoch = checkpoints.latest_step()
    if epoch is None:
        raise ValueError(f"{directory}: holds no checkpoint; expected a trained model")
    return checkpoints.path(epoch).read_bytes()[:16].decode("latin-1")


def save(checkpoints: Checkpoints, progress: Progress) -> None:
    checkpoints.save(int(progress.epoch), progress._asdict())


def resumed(checkpoints: Checkpoints, progress: Progress) -> Progress:
    """Restore the state of the last checkpoint, or return the given state if there is none."""
    found = checkpoints.restore(progress._asdict())
    return progress if found is None else copied(Progress(**found[1]))


def describe(directory: Path, settings: dict[str, Any], architecture: Architecture) -> None:
    """Write the architecture and the settings of a training into its directory."""
    for name, content in (
        (ARCHITECTURE, dataclasses.asdict(architecture)),
        (TRAINING, settings),
    ):
        write_whole(directory / name, json.dumps(content, indent=1).encode())
