"""Settings of Sphinx for the site; `nox -s docs` builds it."""

import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # docstrings.py
sys.path.insert(0, str(HERE.parent))  # experiments/

import jsnn  # noqa: E402

project = "jsnn"
author = copyright = "The jsnn authors"
version = release = jsnn.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docstrings",
    "signatures",
    "mathml",
    "model_text",
]
exclude_patterns = ["_build", "demo"]

# Pages are notebooks in Markdown. Each runs in a kernel of its own; an error or a warning fails.
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 240
nb_execution_show_tb = True
nb_output_stderr = "error"
nb_merge_streams = True
nb_mime_priority_overrides = [("*", "image/gif", 0)]  # animations

# The reference is made of docstrings.
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False
default_role = "py:obj"
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_math_renderer = "mathml"
html_theme = "furo"
html_title = "jsnn"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app: Any) -> None:
    """Copy the page of the demo as it is."""
    app.connect("build-finished", lambda app, error: _copy_demo(Path(app.outdir)))


def _copy_demo(site: Path) -> None:
    shutil.copytree(HERE / "demo", site / "demo", dirs_exist_ok=True)
