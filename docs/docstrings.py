"""An extension of Sphinx that reads the docstrings of jsnn, which are plain text for `help()`."""

import re
from typing import Any

SECTION = re.compile(r"(?:Args|Attributes|Parameters|Raises|Returns|Variables|Yields):$")
_PLAIN = r"[^{}\n`]"
_BRACES = rf"\{{(?:{_PLAIN}|\{{(?:{_PLAIN}|\{{{_PLAIN}*\}})*\}})*\}}"
CODE = re.compile(rf"`([^`\n]+)`|(?<![\w=])(?:{_BRACES}|\"[a-z_0-9.]*\")(?!\w)")
"""Code: between backticks, a mapping in up to three braces, a string that is a name."""

_COLON = "\ue000"


def as_restructured_text(lines: list[str]) -> list[str]:
    """Mark what is indented outside of sections as literal, and code between backticks as code.

    Args:
      lines: of a docstring, with the first level of indentation taken off.
    """
    converted: list[str] = []
    in_section, in_literal = False, False
    lines = _as_fields(lines)
    for line in lines:
        indented = line.startswith(" ")
        if line and not indented:
            in_section = SECTION.match(line) is not None or line.startswith(":returns:")
        if line and indented and not in_section and not in_literal and converted[-1:] == [""]:
            converted += ["::", ""]
        in_literal = (indented or not line) and not in_section and (in_literal or indented)
        converted.append(line if in_literal else _with_code(line))
    return converted


def _as_fields(lines: list[str]) -> list[str]:
    """Return a section of results as a field, in which Napoleon looks for no type."""
    if "Returns:" not in lines:
        return lines
    first = lines.index("Returns:") + 1
    return [*lines[: first - 1], f":returns: {lines[first].strip()}", *lines[first + 1 :]]


def _with_code(line: str) -> str:
    converted, end = "", 0
    for found in CODE.finditer(line):
        code = _role(found[1]) if found[1] else f"``{found[0]}``"
        converted, end = converted + _escaped(line[end : found.start()]) + code, found.end()
    return converted + _escaped(line[end:])


def _role(code: str) -> str:
    """Return a link to a name of jsnn, or plain code."""
    return f"`{code}`" if re.fullmatch(r"jsnn(?:\.\w+)+", code) else f"``{code}``"


def _escaped(text: str) -> str:
    text = re.sub(r"([*|])", r"\\\1", text)
    return re.sub(r"^(\s+\w+: \w)\.$", r"\1\\.", text)  # "T." begins a list


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_restructured_text(lines)
    if what in {"attribute", "data", "property"}:  # Napoleon takes text before a colon for a type
        lines[:1] = [line.replace(":", _COLON) for line in lines[:1]]


def _restore(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Register the conversion, ahead of that of Google's sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-process-docstring", _restore, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
