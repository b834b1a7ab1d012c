"""Code of other programs in the pages of the site, which the pages show and never run."""

import re
from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs"


def code_of(page: str, *programs: str) -> str:
    """Return the blocks of a page that need some programs, in the order of the page.

    Args:
      page: the name of a file in docs/.
      programs: names in the comment above a block, `<!-- not run: needs NAME -->`.

    Raises:
      ValueError: if a program has no block.
    """
    block = r"^<!-- not run: needs (\w+) -->\n+```python\n(.*?)^```$"
    found = re.findall(block, (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    for program in set(programs) - {needed for needed, _ in found}:
        raise ValueError(f"{page}: given no block below `<!-- not run: needs {program} -->`")
    return "\n".join(code for needed, code in found if needed in programs)
