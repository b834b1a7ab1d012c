"""The Chromium that is installed, without a window, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""Names of the program, in the order in which they are looked for."""


def find() -> str | None:
    """Return the path of the program, or None if it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the browser, and close it in the end.

    Raises:
      ModuleNotFoundError: if Playwright is not installed.
      OSError: if Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "playwright":
            raise
        raise ModuleNotFoundError(
            "the browser needs playwright, which is not installed: "
            "python -m pip install playwright",
            name="playwright",
        ) from error
    program = find()
    if program is None:
        raise OSError(
            f"none of {', '.join(PROGRAMS)} is installed: install Chromium, "
            "on Debian with apt install chromium"
        )
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program) as browser,
    ):
        yield browser


def errors_of(page: "Page") -> list[str]:
    """Return a list that grows by each exception and error that the page reports from now on."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    return errors
