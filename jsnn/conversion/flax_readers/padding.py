"""Padding of images, by Flax's words or by numbers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax

Shape = tuple[int, ...]


def padding_word(
    given: Any, shape: Shape, window: Any, stride: Any, allowed: Sequence[str], what: str
) -> str:
    """Return the word among those allowed, "VALID" or "SAME", that is equal to a padding.

    Args:
      given: padding as Flax takes it.
      shape: of the image, (height, width, channels).
      window: (height, width).
      stride: (down, across).
      allowed: words to choose from.
      what: name of the layer, for the error message.

    Raises:
      ValueError: if the padding equals none of the words.
    """
    frame_of = partial(_frame_of, shape[:2], window, stride)
    for word in allowed:
        if frame_of(given) == frame_of(word):
            return word
    expected = ", or ".join(f"{word!r}, here equal to {frame_of(word)}" for word in allowed)
    raise ValueError(f"{what}: given padding {given!r}; expected {expected}")


def _frame_of(image: Shape, window: Any, stride: Any, given: Any) -> Any:
    """Return a padding as (before, after) of each axis; other words of Flax stay as they are."""
    if given in ("SAME", "VALID"):
        return tuple(jax.lax.padtype_to_pads(image, window, stride, given))
    if isinstance(given, int):
        return ((given, given),) * len(image)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return tuple((pad, pad) if isinstance(pad, int) else tuple(pad) for pad in given)
    return given


def check_fits(window: Any, shape: Shape, what: str) -> None:
    """Raise ValueError if a window is larger than the image."""
    if window[0] > shape[0] or window[1] > shape[1]:
        raise ValueError(
            f"{what}: given a window of {tuple(window)} on an input of shape {shape}; expected a "
            "window that fits into the input"
        )


def pair(given: Any) -> tuple[int, int]:
    """Return one number for both axes, or two numbers, as (down, across)."""
    sizes = (given, given) if isinstance(given, int) else tuple(given)
    down, across = sizes
    return int(down), int(across)
