"""Notes about what was decided while a graph is read or written, and about what is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jsnn._summary import Table


@dataclass
class Report:
    """A list of remarks and a list of losses.

    Attributes:
      notes: remarks about repairs and decisions, which lose nothing.
      lost: things that the other side cannot say.
    """

    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a remark."""
        self.notes.append(text)

    def lose(self, text: str) -> None:
        """Add a loss."""
        self.lost.append(text)

    def check(self, what: str, strict: bool) -> None:
        """Raise ValueError, if strict, for what is lost.

        Args:
          what: the function that was called.
          strict: True if nothing may be lost.
        """
        if strict and self.lost:
            listed = "\n".join(f"  {text}" for text in self.lost)
            raise ValueError(
                f"{what}: this would be lost (strict=False goes on without):\n{listed}"
            )


def remarks(notes: Sequence[str], lost: Sequence[str]) -> list[Table]:
    """Return notes and losses as tables."""
    return [
        Table(("note",), [(text,) for text in notes]),
        Table(("lost",), [(text,) for text in lost]),
    ]
