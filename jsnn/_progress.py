"""Progress bar of a long computation."""

import sys
import warnings
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

    A notebook shows a widget if ipywidgets is installed, or else text. A file, which keeps each
    state of the bar, gets one in ten seconds at most.

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
    bar_kind = _bar_kind()
    pause = 10 if _writes_to_file() else 0.1
    with bar_kind(
        total=total, unit=unit, initial=done, mininterval=pause, desc=title or None
    ) as bar:
        yield bar


def _bar_kind() -> "type[tqdm[Any]]":
    """Return the bar for a notebook or for text, without a warning that ipywidgets is missing."""
    with needed_by("progress=True", "tqdm", "tqdm"), warnings.catch_warnings():
        from tqdm import TqdmWarning

        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    return tqdm


def _writes_to_file() -> bool:
    """Return True if the standard error stream is neither a terminal nor a notebook."""
    in_notebook = type(sys.stderr).__module__.startswith("ipykernel")
    return not in_notebook and not sys.stderr.isatty()
