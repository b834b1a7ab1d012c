"""Equation of a jaxpr, with its place in the user's program."""

import sysconfig
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jsnn.conversion.reading.advice import advice_in_place_of


@dataclass(frozen=True)
class Equation:
    """Equation of a jaxpr.

    Attributes:
      given: the equation, as JAX has it.
      line: the user's file and line, such as "model.py:31", or "".
      function: name of the library's function that the user calls there, such as "softmax", or "".
    """

    given: Any
    line: str
    function: str = ""

    @property
    def name(self) -> str:
        """Name of its primitive."""
        return str(self.given.primitive.name)

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of its primitive."""
        return dict(self.given.params)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its first result."""
        return tuple(self.given.outvars[0].aval.shape)

    @property
    def dtype(self) -> Any:
        """Data type of its first result."""
        return self.given.outvars[0].aval.dtype

    @property
    def called(self) -> str:
        """Name of the function of jax.nn or jax.numpy that it calls, or ""."""
        name = self.params.get("name")
        known = isinstance(name, str) and (hasattr(jax.nn, name) or hasattr(jax.numpy, name))
        return str(name) if known else ""

    @property
    def title(self) -> str:
        """Its operation and line, such as "dot_general at model.py:12"."""
        return f"{self.name} at {self.line}" if self.line else self.name

    def __str__(self) -> str:
        shapes = " and ".join(
            f"[{', '.join(map(str, operand.aval.shape))}]" for operand in self.given.invars
        )
        inside = f" in {self.function}" if self.function else ""
        return f"{self.name} of {shapes}{inside}{f' at {self.line}' if self.line else ''}"

    def refused(self, why: str, expected: str) -> ValueError:
        """Return the error that it cannot be converted.

        Args:
          why: the reason.
          expected: advice, unless there is better one about the library's function.
        """
        if hasattr(jax.nn, self.function):
            expected = advice_in_place_of(self.function)
        return ValueError(f"model: {self} cannot be converted, since {why}; expected {expected}")

    def evaluated(self, operands: Sequence[Any], **changed: Any) -> list[Any]:
        """Evaluate its primitive on arrays, perhaps of other data types than it was traced with.

        Args:
          operands: the arrays.
          changed: parameters in place of its own.
        """
        primitive = self.given.primitive
        bound = primitive.get_bind_params({**self.given.params, **changed})
        functions, params = bound if isinstance(bound, tuple) else ((), bound)  # older JAX: a pair
        with jax.default_matmul_precision("highest"):
            found = primitive.bind(*functions, *map(jax.numpy.asarray, operands), **params)
        return list(found) if primitive.multiple_results else [found]


def place_of(given: Any) -> tuple[str, str]:
    """Return the line of the user's program that an equation is of, and the function called there.

    The line is the innermost one, or "". The function is one of jax.nn, or "".
    """
    found, function = given.source_info.traceback, ""
    for frame in found.frames if found is not None else ():
        path = Path(frame.file_name)
        if _is_of_user(path):
            return f"{path.name}:{frame.line_num}", function
        if "jax" in path.parts and hasattr(jax.nn, frame.function_name):
            function = frame.function_name
    return "", function


def line_of_error(error: Exception) -> str:
    """Return the innermost line of an error in the user's program, or ""."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if _is_of_user(path):
            return f"{path.name}:{frame.lineno}"
    return ""


def _is_of_user(path: Path) -> bool:
    return not (_PACKAGES & set(path.parts) or _LIBRARIES & set(path.parents))


_PACKAGES = {"site-packages", "dist-packages"}
_LIBRARIES = {Path(__file__).parents[2], Path(sysconfig.get_path("stdlib"))}
