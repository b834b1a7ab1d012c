"""Checkpoint of a training: one file, written whole, from which the same bits go on."""

import dataclasses
import hashlib
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.network.whole_files import read_checked, write_checked
from jsnn.training.course import Course, from_dict

_COURSE = "course"
_SECONDS_BETWEEN = 60


class Checkpoint:
    """A file that holds a training, or none at all if the path is None.

    Args:
      path: the file.
      made_for: the fingerprint of the training.
    """

    def __init__(self, path: Path | None, made_for: str) -> None:
        self.path, self.made_for, self.saved = path, made_for, time.perf_counter()

    def __str__(self) -> str:
        is_there = self.path is not None and self.path.exists()
        return f"the last checkpoint is {self.path}" if is_there else "there is no checkpoint"

    def read(self, learners: Any) -> tuple[Any, Course]:
        """Return the learners and the course in the file, or those of a training that begins.

        Args:
          learners: a pytree of arrays before training.

        Raises:
          ValueError: if the file is damaged, or is of another training.
        """
        if self.path is None or not self.path.exists():
            return learners, Course()
        with np.load(io.BytesIO(read_checked(self.path)), allow_pickle=False) as saved:
            course = json.loads(saved[_COURSE].tobytes())
            leaves, structure = jax.tree.flatten(learners)
            fits = course.pop("made_for") == self.made_for and len(saved.files) == len(leaves) + 1
            if not fits:
                raise ValueError(
                    f"fit, checkpoint: {self.path} is of another training (another network, data, "
                    "loss, gradient, optimiser, seed, batch size or number of shards); expected "
                    "one of this training, or another path"
                )
            found = [saved[str(number)] for number in range(len(leaves))]
        return jax.tree.unflatten(structure, found), from_dict(course)

    def write(self, learners: Any, course: Course) -> None:
        """Write the learners and the course in place of those before; one process writes."""
        if self.path is None:
            return
        self.saved = time.perf_counter()
        if jax.process_index():
            return
        content = io.BytesIO()
        text = json.dumps({"made_for": self.made_for, **dataclasses.asdict(course)})
        arrays: dict[str, Any] = {
            str(number): np.asarray(x) for number, x in enumerate(jax.tree.leaves(learners))
        }
        arrays[_COURSE] = np.frombuffer(text.encode(), np.uint8)
        np.savez(content, **arrays)
        write_checked(self.path, content.getbuffer())

    def write_now_and_then(self, learners: Any, course: Course) -> None:
        """Write the checkpoint if the last one is a minute old."""
        if time.perf_counter() - self.saved > _SECONDS_BETWEEN:
            self.write(learners, course)


def fingerprint(*parts: Any) -> str:
    """Return a hash of pytrees of arrays, and of texts and values by the way they print."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(parts):
        digest.update(f"{jax.tree_util.keystr(path)} ".encode())
        if not hasattr(leaf, "dtype"):
            digest.update(re.sub(r" at 0x\w+", "", repr(leaf)).encode())
            continue
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        array = np.asarray(jax.random.key_data(leaf) if is_key else leaf, order="C")
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
