"""Places in the code of a user, for the messages of errors."""

import linecache
import os
from types import CodeType, TracebackType
from typing import Any

import jax
import numpy as np

_FILES = (os.path.dirname(__file__), jax.__file__, np.__file__)
_LIBRARIES = tuple(os.path.dirname(file) + os.sep for file in _FILES)
"""Folders of jsnn, JAX and NumPy."""


def user_traceback(error: BaseException) -> TracebackType | None:
    """Return the traceback of an error from the first frame of the user on; None without one."""
    traceback = error.__traceback__
    while traceback is not None and not _is_of_user(traceback.tb_frame.f_code):
        traceback = traceback.tb_next
    return traceback


def place_of_error(error: BaseException) -> list[str]:
    """Return file, line and source of the last frame of the user, or no lines without one."""
    place: list[str] = []
    traceback = user_traceback(error)
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = _place(code, traceback.tb_lineno) if _is_of_user(code) else place
        traceback = traceback.tb_next
    return place


def place_of_function(function: Any) -> list[str]:
    """Return file, line and source of the first line of a function of the user, or no lines."""
    code = getattr(function, "__code__", None)
    return _place(code, code.co_firstlineno) if code and _is_of_user(code) else []


def _place(code: CodeType, line: int) -> list[str]:
    """Return lines in the form of a traceback of Python."""
    source = linecache.getline(code.co_filename, line).strip()
    place = f'  File "{code.co_filename}", line {line}, in {code.co_name}'
    return [place, *([f"    {source}"] if source else [])]


def _is_of_user(code: CodeType) -> bool:
    return not code.co_filename.startswith(_LIBRARIES)
