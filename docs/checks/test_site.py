"""The built site: links lead somewhere, and a browser shows every page without a fault."""

import shutil
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parents[1] / "_build/html"
PAGES = sorted(page for page in SITE.rglob("*.html") if "_static" not in page.parts)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


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
def browser() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_browser_shows_the_page(page: Path, browser: Any) -> None:
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    faults: list[str] = []
    tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.route("https://**", lambda route: route.abort())  # MathJax; nothing else is elsewhere
    tab.goto(page.as_uri())
    broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert tab.evaluate(broken) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert [fault for fault in faults if "ERR_FAILED" not in fault] == []
    tab.close()
