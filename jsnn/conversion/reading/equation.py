"""Equation of a jaxpr, with its place in the user's program."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax


@dataclass(frozen=True)
class Equation:
    """Equation of a jaxpr.

    Attributes:
      given: the equation, as JAX has it.
      line: the user's file and line, such as "model.py:31", or "".
    """

    given: Any
    line: str

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
    def calls_library(self) -> bool:
        """True if it calls a function of jax.nn or jax.numpy, whose own lines say nothing."""
        name = self.params.get("name")
        return isinstance(name, str) and (hasattr(jax.nn, name) or hasattr(jax.numpy, name))

    @property
    def title(self) -> str:
        """Its operation and line, such as "dot_general at model.py:12"."""
        return f"{self.name} at {self.line}" if self.line else self.name

    def __str__(self) -> str:
        shapes = " and ".join(
            f"[{', '.join(map(str, operand.aval.shape))}]" for operand in self.given.invars
        )
        return f"{self.name} of {shapes}{f' at {self.line}' if self.line else ''}"

    def refused(self, why: str, expected: str) -> ValueError:
        """Return the error that it cannot be converted."""
        return ValueError(f"model: {self} cannot be converted, since {why}; expected {expected}")

    def evaluated(self, operands: Sequence[Any]) -> list[Any]:
        """Evaluate its primitive on arrays, perhaps of other data types than it was traced with."""
        primitive = self.given.primitive
        bound = primitive.get_bind_params(self.given.params)
        functions, params = bound if isinstance(bound, tuple) else ((), bound)  # older JAX: a pair
        with jax.default_matmul_precision("highest"):
            found = primitive.bind(*functions, *map(jax.numpy.asarray, operands), **params)
        return list(found) if primitive.multiple_results else [found]


def line_of(given: Any) -> str:
    """Return the innermost line of an equation outside of installed packages, or ""."""
    traceback = given.source_info.traceback
    for frame in traceback.frames if traceback is not None else ():
        path = Path(frame.file_name)
        if not (_PACKAGES & set(path.parts)) and path.parent != Path(__file__).parent:
            return f"{path.name}:{frame.line_num}"
    return ""


_PACKAGES = {"site-packages", "dist-packages"}
