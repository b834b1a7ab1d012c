"""A browser for tests of pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from experiments import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The Chromium that is installed; tests are skipped if there is none."""
    if browser.find() is None:
        pytest.skip(f"none of {', '.join(browser.PROGRAMS)} is installed")
    with browser.chromium() as chromium:
        yield chromium
