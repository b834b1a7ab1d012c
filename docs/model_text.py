"""An extension of Sphinx that shows a built-in model in the words that `help()` has.

```{model} LIF              the description, a table of the parameters, and the variables
```{models} NeuronModel     a table of all models of a kind, which leads to their headings
"""

import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import jsnn

AUTHOR = r"[A-ZÀ-Ž][\w-]+"
CITATION = re.compile(rf"({AUTHOR})((?:, {AUTHOR})* & {AUTHOR}| et al\.|) ((?:19|20)\d\d)\b")
COUNTERPART = re.compile(r"\b(Brian2|GeNN|NEST|NEURON|NeuroML|PyNN)'s \"(\w+)\"")
SIDES = {"variables": "Variables", "pre": "Presynaptic traces", "post": "Postsynaptic traces"}


def models_of(kind: type) -> dict[str, Any]:
    """Return {name: model} of the public models of a kind, in alphabetical order."""
    found = {name: getattr(jsnn, name) for name in jsnn.__all__}
    return {name: model for name, model in found.items() if isinstance(model, kind)}


def as_markdown(model: Any) -> str:
    """Return what `help` shows of a model, as Markdown."""
    parts = [_with_blocks(inspect.cleandoc(model.description))]
    if model.params:
        head = ["| parameter | default | unit | domain |", "|---|---|---|---|"]
        rows = [
            f"| `{name}` | {_default(x)} | {x.unit} | {_escaped(x.domain)} |"
            for name, x in model.params.items()
        ]
        parts.append("\n".join([*head, *rows]))
    for attribute, title in SIDES.items():
        if declared := getattr(model, attribute, {}):
            listed = (f"`{name}` {_default(x)} {x.unit}".strip() for name, x in declared.items())
            parts.append(f"{title}: {', '.join(listed)}.")
    return "\n\n".join(parts)


def as_rows(models: dict[str, Any]) -> str:
    """Return a table of models, in Markdown: names, first lines and sources."""
    head = ["| name | description | source, counterpart |", "|---|---|---|"]
    rows = [f"| {_link(name)} | {_first_line(m)} | {_sources(m)} |" for name, m in models.items()]
    return "\n".join([*head, *rows])


def _with_blocks(text: str) -> str:
    """Turn indented equations into blocks, and names of models into links to their headings."""
    parts = re.split(r"\n\n((?: {4}.*\n|\n(?= {4}))+)", text.strip() + "\n")
    blocks = (f"```text\n{re.sub('^ {4}', '', part, flags=re.M)}```" for part in parts[1::2])
    prose = [_linked(_escaped(part)) for part in parts[::2]]
    return "\n\n".join(
        part.strip("\n") for pair in zip(prose, [*blocks, ""], strict=True) for part in pair
    )


def _first_line(model: Any) -> str:
    return _linked(_escaped(model.__doc__.splitlines()[0].removesuffix(".")))


def _sources(model: Any) -> str:
    """Return papers and models of other programs that a description names, or a model like it."""
    text = " ".join(model.description.split())
    papers = [_short(citation) for citation in CITATION.findall(text)]
    found = {name: f"{name}'s {model}" for name, model in reversed(COUNTERPART.findall(text))}
    counterparts = list(found.values())[::-1]  # the first of each program
    named = [name for name in re.findall(r"`(\w+)`", text) if name in models_of(type(model))]
    alike = [f"as {_link(name)}" for name in named[:1]]
    return "; ".join(dict.fromkeys([*papers, *counterparts] or alike))


def _short(citation: tuple[str, str, str]) -> str:
    first, others, year = citation
    many = "," in others or "et al." in others
    return f"{first}{' et al.' if many else others} {year}"


def _default(quantity: Any) -> str:
    if quantity.ndim:
        return "table"
    return f"{quantity.default:.5g}" if quantity.kind == "f" else str(quantity.default)


def _linked(text: str) -> str:
    return re.sub(
        r"`(\w+)`", lambda m: _link(m[1]) if m[1] in jsnn.__all__ and m[1].isupper() else m[0], text
    )


def _link(name: str) -> str:
    return f"[`{name}`](#{name.lower()})"


def _escaped(text: str) -> str:
    """Escape what Markdown would read as marks, outside of code."""
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(r"([*_<>|\[\]$])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


class ModelDirective(SphinxDirective):
    """The text of one model."""

    required_arguments = 1

    def text(self) -> str:
        return as_markdown(getattr(jsnn, self.arguments[0]))

    def run(self) -> list[nodes.Node]:
        for file in Path(jsnn.models.__file__).parent.rglob("*.py"):
            self.env.note_dependency(str(file))
        container = nodes.container()
        lines = self.text().splitlines()
        self.state.nested_parse(type(self.content)(lines, "model"), self.content_offset, container)
        return container.children


class ModelsDirective(ModelDirective):
    """The table of the models of a kind."""

    def text(self) -> str:
        return as_rows(models_of(getattr(jsnn, self.arguments[0])))


def setup(app: Any) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("model", ModelDirective)
    app.add_directive("models", ModelsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
