"""An extension of Sphinx that reads the docstrings of jsnn, which are plain text for `help()`."""

import re
from typing import Any

SECTION = re.compile(r"(?:Args|Attributes|Parameters|Raises|Returns|Variables|Yields):$")
CODE = re.compile(r"`([^`\n]+)`")


def as_restructured_text(lines: list[str]) -> list[str]:
    """Mark what is indented outside of sections as literal, and code between backticks as code.

    Args:
      lines: of a docstring, with the first level of indentation taken off.
    """
    converted: list[str] = []
    in_section, in_literal = False, False
    for line in lines:
        indented = line.startswith(" ")
        if line and not indented:
            in_section = SECTION.match(line) is not None
        if line and indented and not in_section and not in_literal and converted[-1:] == [""]:
            converted += ["::", ""]
        in_literal = (indented or not line) and not in_section and (in_literal or indented)
        converted.append(line if in_literal else _with_code(line))
    return converted


def _with_code(line: str) -> str:
    parts = CODE.split(line)
    return "".join(_role(part) if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _role(code: str) -> str:
    """Return a link to a name of jsnn, or plain code."""
    return f"`{code}`" if re.fullmatch(r"jsnn(?:\.\w+)+", code) else f"``{code}``"


def _escaped(text: str) -> str:
    return re.sub(r"([*|])", r"\\\1", text)


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_restructured_text(lines)


def setup(app: Any) -> dict[str, bool]:
    """Register the conversion, ahead of that of Google's sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
