"""The README and the pages: code runs, and names, files, links, flags and sessions exist."""

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import jsnn

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts),
]

KINDS = (jsnn.NeuronModel, jsnn.SynapseModel, jsnn.CurrentSourceModel, jsnn.PlasticityModel)

LANGUAGES = {
    *("python", "sh", "text"),
    *("{code-cell}", "{eval-rst}", "{model}", "{models}", "{toctree}", "{glue:figure}"),
}
"""Blocks of Python run here; those of code cells run when the site is built."""

BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n+)?"
    r"^```(?P<language>\w+|{[\w:-]+})[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = re.compile(r"python -m (experiments[\w.]*)((?: [^\s`|#]+)*)")
SESSION = re.compile(r"nox -s ([\w-]+)((?: \w[\w-]*)*)(?: -- ([^\n`|#]+))?")
FILE = re.compile(r"`((?:jsnn|experiments|tests|docs)/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
NAME = re.compile(r"`(jsnn(?:\.\w+)+)")


class Block(NamedTuple):
    language: str
    code: str
    line: int
    runs: bool
    start: int
    end: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            match["language"],
            match["code"],
            text.count("\n", 0, match.start("code")),
            match["skip"] is None,
            match.start(),
            match.end(),
        )
        for match in BLOCK.finditer(text)
    ]


def outputs(page: Path) -> Iterator[tuple[Block, str | None]]:
    """The blocks of Python, each with the output that the page shows right below it."""
    text, found = page.read_text(), blocks(page)
    for block, below in zip(found, [*found[1:], None], strict=True):
        if block.language == "python":
            follows = below is not None and not text[block.end : below.start].strip()
            shown = follows and below is not None and below.language == "text"
            yield block, below.code if shown and below is not None else None


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


with_code = [page for page in PAGES if any(b.language == "python" for b in blocks(page))]


@pytest.mark.usefixtures("as_users_have_it")
@pytest.mark.parametrize("page", with_code, ids=name_of)
def test_the_code_of_a_page_runs(page: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": name_of(page)}
    for block, shown in outputs(page):
        if not block.runs:
            continue
        lines = "\n" * block.line + block.code  # errors have the line of the page
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(lines, name_of(page), "exec"), namespace)
        if shown is not None:
            assert printed.getvalue().strip() == shown.strip()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_names_its_language(page: Path) -> None:
    fences = page.read_text().count("```")
    assert fences == 2 * len(blocks(page))
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert not re.search(r"^    \S", BLOCK.sub("", page.read_text()), re.MULTILINE)


@pytest.mark.parametrize("page", with_code, ids=name_of)
def test_code_that_is_not_run_can_at_least_be_parsed(page: Path) -> None:
    for block, _ in outputs(page):
        ast.parse(block.code)
        assert all(len(line) <= 100 for line in block.code.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_experiments_and_their_flags_exist(page: Path) -> None:
    for module, arguments in RUN.findall(page.read_text()):
        given = {word for word in arguments.split() if word.startswith("--")}
        assert given <= flags(module), f"python -m {module}{arguments}"


def flags(module: str) -> set[str]:
    """Read the flags from the source, as some experiments import what is not installed here."""
    tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
    configs = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Config"]
    imported = [
        str(n.module)
        for n in tree.body
        if isinstance(n, ast.ImportFrom) and "Config" in {alias.name for alias in n.names}
    ]
    if not configs and not imported:
        return set()  # a script to be copied, without flags
    if not configs:
        return flags(imported[0])
    fields = {
        node.target.id
        for node in configs[0].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {f"--{name.replace('_', '-')}" for name in (*fields, "seed", "json")}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sessions_of_nox_exist(page: Path) -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    sessions = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.args.args and node.decorator_list
    }
    assert "tests" in sessions
    for first, others, arguments in SESSION.findall(page.read_text()):
        assert {first, *others.split()} <= sessions
        for argument in arguments.split():
            assert not argument.startswith("tests/") or (ROOT / argument).exists(), argument


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_and_links_exist(page: Path) -> None:
    text = page.read_text()
    for path in FILE.findall(text):
        assert (ROOT / path).exists() or path.startswith("docs/_build"), path
    for link in LINK.findall(text):
        assert "://" not in link, f"{link}: not checked, so not linked to"
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_of_the_library_exist(page: Path) -> None:
    for name in NAME.findall(page.read_text()):
        found: object = jsnn
        for part in name.split(".")[1:]:
            assert hasattr(found, part), name
            found = getattr(found, part)


def test_the_site_documents_every_public_name() -> None:
    pages = (ROOT / "docs/api").glob("*.md")
    text = "".join(page.read_text() for page in pages)
    found = re.findall(r"^\.\. auto\w+:: jsnn([\w.]*)::(\w+)$", text, re.MULTILINE)
    entries = [f"{module}.{name}".removeprefix(".") for module, name in found]
    assert len(entries) == len(set(entries))
    models = {name for name in jsnn.__all__ if isinstance(getattr(jsnn, name), KINDS)}
    assert set(jsnn.__all__) - models <= {name.split(".")[0] for name in entries}
    for module in (jsnn.conversion, jsnn.nir):
        prefix = module.__name__.removeprefix("jsnn.")
        documented = {name.removeprefix(f"{prefix}.").split(".")[0] for name in entries}
        assert set(module.__all__) <= documented


def test_the_catalogue_has_every_model_under_its_kind() -> None:
    sections = re.split(r"^## ", (ROOT / "docs/catalogue.md").read_text(), flags=re.MULTILINE)
    for kind, section in zip(KINDS, sections[1:], strict=False):
        models = [name for name in jsnn.__all__ if isinstance(getattr(jsnn, name), kind)]
        assert f"```{{models}} {kind.__name__}\n" in section
        assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == models
        assert re.findall(r"^```{model} (\w+)$", section, re.MULTILINE) == models


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 650
