"""Progress bar of a long computation."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jsnn._extras import needed_by

if TYPE_CHECKING:
    from tqdm import tqdm


@contextmanager
def progress_bar(
    total: int | None, unit: str, *, done: int = 0, shown: bool = True, title: str = ""
) -> "Iterator[tqdm[Any] | None]":
    """Show a progress bar of tqdm in the context; yield the bar, or None if it is not shown.

    A file, which keeps each state of the bar, gets one in ten seconds at most.

    Args:
      total: the number of units in all, or None if it is not known.
      unit: the name of a unit.
      done: the number of units that are done already.
      shown: show the bar, which needs tqdm.
      title: before the bar.
    """
    if not shown:
        yield None
        return
    with needed_by("progress=True", "tqdm", "tqdm"):
        from tqdm import tqdm
    pause = 0.1 if sys.stderr.isatty() else 10
    with tqdm(total=total, unit=unit, initial=done, mininterval=pause, desc=title or None) as bar:
        yield bar
