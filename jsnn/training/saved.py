"""Checkpoint of a training: one file, written whole, from which the same bits go on."""

import dataclasses
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.whole_files import read_checked, write_checked
from jsnn.training.history import Epoch

_COURSE = "course"


@dataclasses.dataclass
class Progress:
    """Place of a training and the sums of its present epoch.

    Attributes:
      epoch: the number of epochs that are done.
      batch: the number of batches of the present epoch that are done.
      number: the number of presentations in these batches.
      loss: the sum of their losses.
      right: the number of their right answers.
      rates: {population: sum of rates in Hz} over them.
      history: the results of the epochs that are done.
      best: the number of the epoch with the least validation loss.
    """

    epoch: int = 0
    batch: int = 0
    number: int = 0
    loss: float = 0.0
    right: float = 0.0
    rates: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[Epoch] = dataclasses.field(default_factory=list)
    best: int = 0


def fingerprint(*parts: Any) -> str:
    """Return a hash of pytrees of arrays and of texts that a training depends on."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(parts):
        is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        array = np.asarray(jax.random.key_data(leaf) if is_key else leaf, order="C")
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save_training(path: Path, made_for: str, learners: Any, progress: Progress) -> None:
    """Write a checkpoint in place of the one before.

    Args:
      path: the file.
      made_for: the fingerprint of the training.
      learners: a pytree of arrays.
      progress: the place of the training.
    """
    content = io.BytesIO()
    course = json.dumps({"made_for": made_for, **dataclasses.asdict(progress)})
    arrays: dict[str, Any] = {
        str(number): np.asarray(x) for number, x in enumerate(jax.tree.leaves(learners))
    }
    arrays[_COURSE] = np.frombuffer(course.encode(), np.uint8)
    np.savez(content, **arrays)
    write_checked(path, content.getbuffer())


def load_training(path: Path, made_for: str, like: Any) -> tuple[Any, Progress]:
    """Read a checkpoint.

    Args:
      path: the file.
      made_for: the fingerprint of the training.
      like: a pytree of arrays in the form of the learners.

    Raises:
      ValueError: if the file is damaged, or is of another training.
    """
    with np.load(io.BytesIO(read_checked(path)), allow_pickle=False) as saved:
        course = json.loads(saved[_COURSE].tobytes())
        leaves, structure = jax.tree.flatten(like)
        fits = course.pop("made_for") == made_for and len(saved.files) == len(leaves) + 1
        if not fits:
            raise ValueError(
                f"checkpoint: {path} is of another training (another network, data, optimiser, "
                "seed or batch size); expected one of this training, or another path"
            )
        found = [saved[str(number)] for number in range(len(leaves))]
    history = [Epoch(**epoch) for epoch in course.pop("history")]
    return jax.tree.unflatten(structure, found), Progress(**course, history=history)
