"""The page of GeNN's feature tests names those that are here, and no others."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/genn_features.md"


NUMBER_OF_TESTS = 45
"""GeNN's feature tests, as of version 5.4."""


def ported() -> set[tuple[str, str]]:
    """Return (GeNN's file, GeNN's test) from the docstrings of this folder."""
    found: set[tuple[str, str]] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if text is not None and text.startswith("GeNN: "):
                pattern = r"GeNN: (test_\w+)\.py, (test_\w+(?: and test_\w+)*)"
                file, names = re.findall(pattern, text)[0]
                found |= {(file, name) for name in re.findall(r"test_\w+", names)}
    return found


def rows(text: str) -> list[tuple[str, str]]:
    """Return (GeNN's file, GeNN's test) of each row of the tables."""
    file, found = "", []
    for line in text.splitlines():
        heading, row = re.match(r"## `(\w+)\.py`", line), re.match(r"\| `(test_\w+)` \|", line)
        file = heading[1] if heading else file
        found += [(file, row[1])] if row else []
    return found


def test_the_page_has_a_row_for_each_test() -> None:
    here, _, not_here = PAGE.read_text().partition("## What is not here")
    assert set(rows(here)) == ported()
    assert len(rows(here)) >= 50
    assert len(ported()) + len(rows(not_here)) == NUMBER_OF_TESTS
