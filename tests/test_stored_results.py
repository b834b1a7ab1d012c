"""Stored results that pages draw: each number stands in the table of results."""

import json
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
STORED = json.loads((DOCS / "stored/run_times.json").read_text())
RESULTS = (DOCS / "records/results.md").read_text()


@pytest.mark.parametrize("task", STORED["tasks"], ids=lambda task: task["task"])
def test_every_run_time_is_one_of_the_results(task: dict[str, Any]) -> None:
    assert task["command"] in RESULTS
    assert task["date"] in RESULTS
    seconds = [*task.get("others", {}).values(), *([task["jsnn"]] if "jsnn" in task else [])]
    ratios = [*task.get("times_as_long", {}).values()]
    ratios += [task["float64_of_brian2_cpp"]] if "float64_of_brian2_cpp" in task else []
    assert seconds or ratios
    for number in (*seconds, *ratios):
        written = {f"{number:.{digits}f}" for digits in (1, 2, 3)}
        assert any(float(text) == number and text in RESULTS for text in written), number
