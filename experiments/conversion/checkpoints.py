"""Checkpoints of a training, to continue it and to load the trained model."""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from flax import nnx

from experiments import cli
from experiments.conversion.models import Architecture, without_parameters

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
    if not (directory / TRAINING).exists():
        return False
    with checkpoints_in(directory) as manager:
        return manager.latest_step() == epochs


def split(model: nnx.Sequential) -> Parts:
    return Parts(*nnx.split(model, nnx.Param, ...))


def copied(progress: Progress) -> Progress:
    """Copy the arrays, with the types that an epoch returns, so that they can be donated."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, leaf.dtype, copy=True), progress)


def load(directory: Path) -> nnx.Sequential:
    """Load the model in `directory` as of its last epoch, in evaluation mode.

    Raises:
      ValueError: if `directory` holds no trained model.
    """
    model = without_parameters(load_architecture(directory))
    with checkpoints_in(directory) as manager:
        if manager.latest_step() is None:
            raise ValueError(f"{directory}: holds no checkpoint")
        kept = split(model)[1:]
        restored = manager.restore(
            manager.latest_step(), args=ocp.args.Composite(model=ocp.args.StandardRestore(kept))
        )
    nnx.update(model, *restored["model"])
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
    return Architecture(**json.loads(path.read_text()))


def checkpoints_in(directory: Path) -> ocp.CheckpointManager:
    options = ocp.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
    return ocp.CheckpointManager(directory.absolute() / "checkpoints", options=options)


def save(manager: ocp.CheckpointManager, progress: Progress) -> None:
    rest = progress._replace(average=None)
    manager.save(
        int(progress.epoch),
        args=ocp.args.Composite(
            model=ocp.args.StandardSave(progress.average), training=ocp.args.StandardSave(rest)
        ),
    )


def resumed(manager: ocp.CheckpointManager, progress: Progress) -> Progress:
    """Restore the state of the last checkpoint, or return the given state if there is none."""
    if manager.latest_step() is None:
        return progress
    restored = manager.restore(
        manager.latest_step(),
        args=ocp.args.Composite(
            model=ocp.args.StandardRestore(progress.average),
            training=ocp.args.StandardRestore(progress._replace(average=None)),
        ),
    )
    return copied(restored["training"]._replace(average=restored["model"]))


def describe(directory: Path, settings: dict[str, Any], architecture: Architecture) -> None:
    """Write the architecture and the settings of a training into its directory."""
    for name, content in (
        (ARCHITECTURE, dataclasses.asdict(architecture)),
        (TRAINING, settings),
    ):
        cli.write_atomically(directory / name, json.dumps(content, indent=1).encode())
