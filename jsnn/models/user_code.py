"""Places in the code of a user, found in the traceback of an error."""

import linecache
import os
from types import TracebackType

import jax
import numpy as np

_FILES = (os.path.dirname(__file__), jax.__file__, np.__file__)
_LIBRARIES = tuple(os.path.dirname(file) + os.sep for file in _FILES)
"""Folders of jsnn, JAX and NumPy."""


def user_traceback(error: BaseException) -> TracebackType | None:
    """Return the traceback of an error from the first frame of the user on; None without one."""
    traceback = error.__traceback__
    while traceback is not None and not _is_of_user(traceback):
        traceback = traceback.tb_next
    return traceback


def last_line_of_user(error: BaseException) -> list[str]:
    """Return file, line and source of the last frame of the user, as Python prints them."""
    last, traceback = None, user_traceback(error)
    while traceback is not None:
        last = traceback if _is_of_user(traceback) else last
        traceback = traceback.tb_next
    if last is None:
        return []
    code, number = last.tb_frame.f_code, last.tb_lineno
    source = linecache.getline(code.co_filename, number).strip()
    place = f'File "{code.co_filename}", line {number}, in {code.co_name}'
    return [place, *([f"  {source}"] if source else [])]


def _is_of_user(traceback: TracebackType) -> bool:
    return not traceback.tb_frame.f_code.co_filename.startswith(_LIBRARIES)
