"""Place of an equation in the user's program, for messages and names."""

from pathlib import Path
from typing import Any

_LIBRARIES = ("jax", "jaxlib", "flax", "equinox", "jaxtyping", "haiku", "jsnn")


def line_of(equation: Any) -> str:
    """Return the user's file and line of an equation, such as "model.py:31", or "".

    It is the innermost line outside of JAX, Flax and other libraries of layers.
    """
    traceback = equation.source_info.traceback
    for frame in traceback.frames if traceback is not None else ():
        path = Path(frame.file_name)
        if not _is_library(path):
            return f"{path.name}:{frame.line_num}"
    return ""


def _is_library(path: Path) -> bool:
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return True
    return path.parent.name == "reading" and path.parent.parent.name == "conversion"


def described(equation: Any) -> str:
    """Return an equation with its shapes and its line, such as "exp of [1, 10] at model.py:31"."""
    shapes = " and ".join(
        f"[{', '.join(map(str, operand.aval.shape))}]" for operand in equation.invars
    )
    line = line_of(equation)
    return f"{equation.primitive.name} of {shapes}{f' at {line}' if line else ''}"


def refused(equation: Any, why: str, expected: str) -> ValueError:
    """Return the error of an equation that cannot be converted."""
    return ValueError(
        f"model: {described(equation)} cannot be converted, since {why}; expected {expected}"
    )
