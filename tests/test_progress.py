"""Progress bars in notebooks, terminals and files."""

import io

import pytest

from jsnn._progress import progress_bar

KERNEL_WITHOUT_WIDGETS = """
import sys, types, warnings
kernel = types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["ipykernel.zmqshell"] = types.ModuleType("ipykernel.zmqshell")
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: kernel)
for package in ("IPython.display", "IPython.html", "ipywidgets"):
    sys.modules[package] = None
"""
"""A program that old and new versions of tqdm take for a kernel of Jupyter."""


def test_a_notebook_without_ipywidgets_gets_text_and_no_warning(run_python) -> None:
    bar = """
from jsnn._progress import progress_bar
with warnings.catch_warnings(record=True) as told, progress_bar(3, "step") as bar:
    print(type(bar).__module__, len(told))
"""
    assert run_python(KERNEL_WITHOUT_WIDGETS + bar) == "tqdm.asyncio 0"
    by_itself = (
        "with warnings.catch_warnings(record=True) as told: import tqdm.auto\nprint(len(told))"
    )
    assert run_python(KERNEL_WITHOUT_WIDGETS + by_itself) == "1"


class Stream(io.StringIO):
    """A stream that is a terminal, a file, or that of a notebook, which is no terminal."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal


Terminal = type("Terminal", (Stream,), {"is_terminal": True})
OfKernel = type("OfKernel", (Stream,), {"__module__": "ipykernel.iostream"})


@pytest.mark.parametrize(("stream", "pause"), [(Stream, 10), (Terminal, 0.1), (OfKernel, 0.1)])
def test_a_file_gets_fewer_states_than_a_person(stream, pause: float, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", stream())
    with progress_bar(3, "step") as bar:
        assert bar is not None
        assert bar.mininterval == pause
