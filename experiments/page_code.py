"""Code of other programs in the pages of the site, which the pages show and never run."""

import re
from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs"


def code_of(page: str, program: str) -> str:
    """Return the blocks of a page that need a program, one below the other.

    Args:
      page: the name of a file in docs/.
      program: the name in the comment above a block, `<!-- not run: needs NAME -->`.

    Raises:
      ValueError: if there is no such block.
    """
    block = rf"^<!-- not run: needs {re.escape(program)} -->\n+```python\n(.*?)^```$"
    found = re.findall(block, (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"{page}: no blocks; expected `<!-- not run: needs {program} -->` above")
    return "\n".join(found)
