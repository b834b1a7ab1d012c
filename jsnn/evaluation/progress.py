"""Progress bar over the presentations of a data set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jsnn._progress import progress_bar


@contextmanager
def presentations_bar(total: int, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function (number of presentations done, number of right answers) that advances a bar.

    Args:
      total: the number of presentations in all.
      shown: show the bar, which needs tqdm.
    """
    total_right = 0
    with progress_bar(total, "image", shown=shown) as bar:

        def advance(done: int, right: int) -> None:
            nonlocal total_right
            if bar is not None:
                total_right += right
                bar.set_postfix(accuracy=f"{total_right / (bar.n + done):.2%}", refresh=False)
                bar.update(done)

        yield advance
