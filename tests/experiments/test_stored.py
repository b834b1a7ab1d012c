"""Stored results of other programs, beside what the pages of the site compute in jsnn."""

import json
import re
from typing import Any

import jax
import numpy as np
import pytest

from experiments.page_code import PAGES, code_of

CELL = re.compile(r"^```{code-cell}\n(?!---)(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_cells(page: str, number: int) -> dict[str, Any]:
    """Run the first cells of a page as a reader does, and return its names."""
    names: dict[str, Any] = {"__name__": page}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        for code in CELL.findall((PAGES / page).read_text())[:number]:
            exec(code, names)
    return names


def stored(name: str) -> Any:
    return json.loads((PAGES / "stored" / name).read_text())


@pytest.mark.parametrize("simulator", ["Brian2", "NEST"])
def test_the_voltages_of_a_network_are_those_of_others(simulator, voltages_of_page):
    theirs = stored("brian_nest.json")["voltages"][simulator]["network"]
    assert np.ptp(theirs, axis=1).min() > 14  # mV: both neurons reach the threshold
    np.testing.assert_allclose(voltages_of_page, theirs, atol=1e-4)


@pytest.fixture(scope="module")
def voltages_of_page():
    """[2, T], mV, in float32."""
    v = run_cells("from_brian_nest.md", 1)["v"]
    return np.hstack([v["e"], v["i"]]).T


def test_the_losses_of_a_training_are_those_of_snntorch():
    """Rounding lets a training part from another one; the first updates have little of it."""
    theirs = stored("snntorch.json")["results"]["snnTorch"]
    names = run_cells("from_snntorch.md", 3)
    ours = names["losses"]
    assert int(names["recorded"]["spk"].sum()) == theirs["spikes"]
    np.testing.assert_allclose(names["recorded"]["mem"][:, 19], theirs["membrane"], atol=1e-6)
    np.testing.assert_allclose(ours[:2], theirs["losses"][:2], rtol=1e-5)
    np.testing.assert_allclose(ours, theirs["losses"], atol=0.05)
    assert theirs["losses"][-1] < 0.1 * theirs["losses"][0]


def test_code_of_a_program_is_that_of_its_blocks_in_order():
    code = code_of("from_snntorch.md", "PyTorch", "snnTorch")
    assert code.index("class Net") < code.index("def train") < code.index("losses = train")
    assert "jsnn" not in code
    assert "norse" not in code


def test_a_program_without_code_is_named():
    with pytest.raises(ValueError, match=r"from_genn.md: .* needs Brian2 "):
        code_of("from_genn.md", "Brian2")
