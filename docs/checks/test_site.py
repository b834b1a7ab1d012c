"""The built site: links lead somewhere, and a browser shows every page without a fault."""

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser

from experiments import browser

SITE = Path(__file__).parents[1] / "_build/html"
PAGES = sorted(page for page in SITE.rglob("*.html") if "_static" not in page.parts)


class Page(HTMLParser):
    """The targets of a page, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name, tag) in {("href", "a"), ("href", "link"), ("src", tag)}:
                self.targets.add(value)
            if value and name in {"id", "name"}:
                self.anchors.add(value)


parsed = cache(Page)


def name_of(page: Path) -> str:
    return str(page.relative_to(SITE))


def test_there_are_pages() -> None:
    assert {"index.html", "catalogue.html", "api/running.html"} <= {name_of(p) for p in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_images_exist(page: Path) -> None:
    for target in parsed(page).targets:
        parts = urlsplit(target)
        if parts.scheme in {"https", "data"}:
            continue
        linked = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert linked.exists(), target
        if linked.suffix == ".html" and "search.html" not in parts.path:
            assert unquote(parts.fragment) in parsed(linked).anchors, target


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if browser.find() is None:
        pytest.skip(f"none of {', '.join(browser.PROGRAMS)} is installed")
    with browser.chromium() as chromium:
        yield chromium


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_browser_shows_the_page(page: Path, chromium: Browser) -> None:
    with chromium.new_page(viewport={"width": 390, "height": 844}) as tab:
        errors = browser.errors_of(tab)
        tab.route("https://**", lambda route: route.abort())  # MathJax; nothing else is elsewhere
        tab.goto(page.as_uri())
        broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        assert tab.evaluate(broken) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert [error for error in errors if "ERR_FAILED" not in error] == []
