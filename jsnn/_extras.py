"""Packages that only a part of jsnn needs, and an error that says how to install them."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed_by(part: str, package: str, install: str) -> Iterator[None]:
    """Raise an error that says what to install if an import inside misses `package`.

    Args:
      part: the part of jsnn that needs the package, as a user writes it.
      package: the name of the package in an import.
      install: the name to install with pip, such as an extra of jsnn.

    Raises:
      ModuleNotFoundError: if the package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f"{part} needs {package}, which is not installed: python -m pip install {install}",
            name=package,
        ) from error
