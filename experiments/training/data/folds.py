"""Divisions of the spoken digits: to learn, held out for choices, and for the test."""

from typing import Literal, NamedTuple

import numpy as np

from experiments.training.data.spoken import Spoken
from experiments.training.data.spoken_digits import SPEAKERS

Left = Literal["george", "jackson", "lucas", "nicolas", "theo", "yweweler", "official"]
"""Speaker who is left for the test, or "official" for indices 0 to 4 of all speakers."""


class Fold(NamedTuple):
    """Recordings of a training.

    Attributes:
      learnt: those to learn from.
      held_out: those of the same speakers on which choices are made, with indices 5 to 9.
      test: those of the test.
    """

    learnt: Spoken
    held_out: Spoken
    test: Spoken


def fold_of(recordings: Spoken, indices: np.ndarray, left: Left) -> Fold:
    """Divide recordings.

    Args:
      recordings: all of them.
      indices: [n], of each among those of its digit and speaker.
      left: what is left for the test.

    Raises:
      ValueError: if a part has no recordings.
    """
    is_test = indices < 5
    if left != "official":
        is_test = recordings.speakers == SPEAKERS.index(left)
    is_held_out = ~is_test & (indices >= 5) & (indices < 10)
    parts = [~is_test & ~is_held_out, is_held_out, is_test]
    if not all(part.any() for part in parts):
        raise ValueError(
            f"--speaker: given {left}, with {', '.join(str(part.sum()) for part in parts)} "
            "recordings to learn, held out and for the test; expected some of each, so several "
            "speakers with indices from 5 on"
        )
    return Fold(*map(recordings.only, parts))
