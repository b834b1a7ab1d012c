"""Docstrings as plain text, and what Sphinx reads in their place."""

import pytest
from docstrings import as_restructured_text


@pytest.mark.parametrize(
    ("plain", "read"),
    [
        (["See `jsnn.LIF` and `v`."], ["See `jsnn.LIF` and ``v``."]),
        (['{a: {"b": {c: d}}} or "e"'], ['``{a: {"b": {c: d}}}`` or ``"e"``']),
        (["V * 2 | 3"], [r"V \* 2 \| 3"]),
        (
            ["First.", "", "    a * `b`", "", "    c", "", "Then."],
            ["First.", "", "::", "", "    a * `b`", "", "    c", "", "Then."],
        ),
        (
            ["Args:", "  x: of `y`.", "", "  z: more."],
            ["Args:", "  x: of ``y``.", "", "  z: more."],
        ),
    ],
)
def test_code_and_equations_are_marked(plain: list[str], read: list[str]) -> None:
    assert as_restructured_text(plain) == read
