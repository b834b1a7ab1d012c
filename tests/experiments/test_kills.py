"""Long experiments that are killed at random moments go on to the results of a whole run."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.experiments.smallest import EXPERIMENTS
from tests.profiles import CHOSEN

ROOT = Path(__file__).parents[2]
KILLS = 20 if CHOSEN == "nightly" else 1


class Runs:
    """Runs of an experiment that share a directory of results and the compiled programs."""

    def __init__(self, experiment: str, directory: Path) -> None:
        self.out, self.json = directory / "out", directory / "results.json"
        self.command = [sys.executable, "-m", "tests.experiments.smallest", experiment]
        self.command += ["--out", str(self.out), "--json", str(self.json)]
        self.environment = os.environ | {"XDG_CACHE_HOME": str(directory / "cache")}

    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in self.out.rglob("*.checkpoint"))

    def run(self, seconds: float | None = None, *, after_checkpoint: bool = False) -> float | None:
        """Run to the end, or kill the process after a time; return the time if it ended itself.

        Args:
          seconds: the time after the imports, or None for the end.
          after_checkpoint: let the time begin after the first checkpoint that the process writes.
        """
        process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()  # all packages are imported
        began, before = time.perf_counter(), self.checkpoints()
        while after_checkpoint and process.poll() is None and self.checkpoints() == before:
            time.sleep(0.001)
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
        assert process.returncode == 0, errors
        return time.perf_counter() - began

    def results(self) -> dict[str, Any]:
        """Return the results but for the times, and remove all files."""
        found = json.loads(self.json.read_text())
        shutil.rmtree(self.out)
        self.json.unlink()
        return {name: value for name, value in found.items() if "seconds" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_killed_experiment_goes_on_to_the_results_of_a_whole_run(
    experiment: str, tmp_path: Path
) -> None:
    runs, moments, killed = Runs(experiment, tmp_path), random.Random(0), 0
    longest = runs.run()
    whole = runs.results()
    while killed < KILLS:
        if killed % 2:
            ended = runs.run(moments.uniform(0, longest))
        else:
            ended = runs.run(moments.uniform(0, 0.2), after_checkpoint=True)
        if ended is None:
            killed += 1
            print(f"killed, with {runs.checkpoints()}")
        else:
            longest = ended  # without compilation
            assert runs.results() == whole
    runs.run()
    assert runs.results() == whole
