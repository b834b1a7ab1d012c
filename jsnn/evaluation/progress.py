"""Progress bar over the presentations of a data set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jsnn._extras import needed_by


@contextmanager
def progress_bar(total: int, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function (number of presentations done, number of right answers) that advances a bar.

    Args:
      total: the number of presentations in all.
      shown: show the bar, which needs tqdm.
    """
    if not shown:
        yield lambda done, right: None
        return
    with needed_by("progress=True", "tqdm", "tqdm"):
        from tqdm import tqdm
    with tqdm(total=total, unit="image") as bar:
        total_right = 0

        def advance(done: int, right: int) -> None:
            nonlocal total_right
            total_right += right
            bar.update(done)
            bar.set_postfix(accuracy=f"{total_right / bar.n:.2%}")

        yield advance
