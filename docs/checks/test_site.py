"""The built site: links lead somewhere, and a browser shows every page without a fault."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser

import jsnn
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


class Text(HTMLParser):
    """The text below each heading that has an anchor, without white space."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.below: dict[str, str] = {"": ""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self.below[dict(attrs).get("id") or ""] = ""

    def handle_data(self, data: str) -> None:
        anchor = next(reversed(self.below))
        self.below[anchor] += "".join(data.translate(PLAIN).split())


PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "--", "…": "..."})
NOISE = "~jsnn", "<factory>", "<function", "Alias for field", "jaxlib", "collections.abc", "\ue000"


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name == "api"], ids=name_of)
def test_the_reference_is_readable(page: Path) -> None:
    text = "".join(Text(page).below.values())
    assert [noise for noise in NOISE if noise.replace(" ", "") in text] == []


KINDS = (jsnn.NeuronModel, jsnn.SynapseModel, jsnn.CurrentSourceModel, jsnn.PlasticityModel)


def test_the_catalogue_says_what_help_says() -> None:
    below = Text(SITE / "catalogue.html").below
    models = {k: model for k, model in vars(jsnn).items() if isinstance(model, KINDS)}
    assert len(models) > 50
    for name, model in models.items():
        shown = below[name.lower().replace("_", "-")]
        for line in model.description.replace("`", "").splitlines():
            assert "".join(line.split()) in shown, f"{name}: {line}"
        for quantity, declared in model.params.items():
            assert f"{quantity}{'table' if declared.ndim else f'{declared.default:.5g}'}" in shown


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_browser_shows_the_page(page: Path, chromium: Browser) -> None:
    with chromium.new_page(viewport={"width": 390, "height": 844}) as tab:
        errors = browser.errors_of(tab)
        tab.goto(page.as_uri())
        broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        assert tab.evaluate(broken) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert errors == []
