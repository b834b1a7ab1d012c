"""Summaries: short tables of what an object holds, as text and as HTML."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import jax

_MOST_ROWS = 20
"""Most rows that a summary shows, all tables together."""


@dataclass(frozen=True)
class Table:
    """A table with named columns.

    Attributes:
      columns: the names of the columns.
      rows: the cells of each row; numbers are set with thousands separators.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Summary:
    """A title and tables.

    Attributes:
      title: one line.
      tables: the tables; a table without rows is not shown.
    """

    title: str
    tables: Sequence[Table] = ()

    def text(self) -> str:
        """Return the summary as at most 30 lines of plain text."""
        lines = [self.title]
        for table, shown in self._shown():
            cells = [[_cell(value) for value in row] for row in table.rows[:shown]]
            widths = [max(map(len, column)) for column in zip(table.columns, *cells, strict=True)]
            lines += ["", _line(table.columns, widths), *(_line(row, widths) for row in cells)]
            if shown < len(table.rows):
                lines.append(f"... {len(table.rows) - shown:,} more")
        return "\n".join(lines)

    def html(self) -> str:
        """Return the summary as HTML tables, for notebooks."""
        parts = [f"<p><b>{escape(self.title)}</b></p>"]
        for table, shown in self._shown():
            head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>"
                for row in table.rows[:shown]
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
            if shown < len(table.rows):
                parts.append(f"<p>... {len(table.rows) - shown:,} more</p>")
        return "".join(parts)

    def _shown(self) -> Iterator[tuple[Table, int]]:
        """Yield the tables that have rows, each with the number of rows to show."""
        room = _MOST_ROWS
        filled = sorted((table for table in self.tables if table.rows), key=lambda t: len(t.rows))
        shown = {}
        for i, table in enumerate(filled):  # short tables leave their room to longer ones
            shown[id(table)] = min(len(table.rows), room // (len(filled) - i))
            room -= shown[id(table)]
        yield from ((table, shown[id(table)]) for table in self.tables if table.rows)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def bytes_in(tree: Any) -> str:
    """Return the bytes of all arrays of a pytree in words."""
    arrays = (leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype"))
    return size_of(sum(leaf.size * leaf.dtype.itemsize for leaf in arrays))


def size_of(num_bytes: int) -> str:
    """Return a number of bytes in words, such as "2.6 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.3g} {unit}"
    return f"{num_bytes} bytes"


def bytes_of_memory() -> int:
    """Return the bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # a system that does not tell
        return sys.maxsize
