"""Progress bar over the presentations of a data set."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jsnn._extras import needed_by


@contextmanager
def progress_bar(total: int, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function (number of presentations done, number of right answers) that advances a bar.

    A file, which keeps each state of the bar, gets one in ten seconds at most.

    Args:
      total: the number of presentations in all.
      shown: show the bar, which needs tqdm.
    """
    if not shown:
        yield lambda done, right: None
        return
    with needed_by("progress=True", "tqdm", "tqdm"):
        from tqdm import tqdm
    with tqdm(total=total, unit="image", mininterval=0.1 if sys.stderr.isatty() else 10) as bar:
        total_right = 0

        def advance(done: int, right: int) -> None:
            nonlocal total_right
            total_right += right
            bar.set_postfix(accuracy=f"{total_right / (bar.n + done):.2%}", refresh=False)
            bar.update(done)

        yield advance
