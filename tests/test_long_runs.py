"""Runs in blocks: the bits of one run, kept in files, cut off and resumed."""

import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from jsnn.long_runs.block import Blocks, run_block
from tests.networks import F32, assert_same

N, T, BLOCK = 20, 90, 20
DRAWN = jsnn.fixed_probability(jax.random.key(0), N, N, 0.3, 0.8)
NETWORK = jsnn.Network(
    [jsnn.Population("cells", N, jsnn.LIF, {"i_offset": 1.5})],
    [
        jsnn.Projection("cells", "cells", DRAWN, jsnn.EXPONENTIAL, delay=3),
        jsnn.Projection(
            *("cells", "cells", DRAWN),
            plasticity=jsnn.Plasticity(jsnn.STDP, {"a_plus": 0.1}),
            name="learning",
        ),
    ],
    [jsnn.CurrentSource("noise", "cells", jsnn.GAUSSIAN_NOISE, {"sd": 2.0})],
)
CURRENTS = np.linspace(0, 2, T, dtype=F32)
DRIVE = {"cells": jsnn.over_time(CURRENTS)}
KEY = jax.random.key(1)
SMALL = jsnn.Network([jsnn.Population("cells", 3, jsnn.IF)])


def mean_voltage(state: jsnn.State, spikes: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {"mean": state.populations["cells"]["v"].mean()}


def recordings(capacity: int | None = None) -> dict[str, Any]:
    return {
        "spikes": jsnn.Spikes("cells", neurons=[3, 1]),
        "v/mV": jsnn.Variable("cells", every=5),
        "function": mean_voltage,
        "events": jsnn.SpikeEvents("cells", capacity),
        "count": jsnn.SpikeCount("cells"),
        "first": jsnn.FirstSpike("cells"),
        "time": jsnn.FirstSpikeTime("cells"),
        "max": jsnn.MaxVariable("cells"),
        "mean": jsnn.MeanVariable("cells"),
        "rate": jsnn.Rate("cells"),
        "finite": jsnn.NonFinite(),
    }


TRACES = ("spikes", "v/mV", "function", "events")


def in_blocks(**given: Any) -> tuple[jsnn.State, dict[str, Any]]:
    arguments = {"record": recordings(), "steps_per_block": BLOCK, "key": KEY}
    return jsnn.simulate_in_blocks(NETWORK, DRIVE, T, **arguments | given)


@pytest.fixture(scope="module")
def whole() -> tuple[jsnn.State, dict[str, Any]]:
    """One run of all steps by `simulate`."""
    state, recorded = jsnn.simulate(NETWORK, DRIVE, T, record=recordings(T * N), key=KEY)
    return state, with_events_listed(recorded)


def with_events_listed(recorded: dict[str, Any]) -> dict[str, Any]:
    steps, neurons = jsnn.spike_list(recorded["events"])
    assert len(steps) > 2 * N
    return recorded | {"events": (steps, neurons)}


def assert_run(
    got: tuple[jsnn.State, dict[str, Any]], expected: tuple[jsnn.State, dict[str, Any]]
) -> None:
    assert_same(got[0], expected[0])
    assert list(got[1]) == list(expected[1])
    assert_same(with_events_listed(got[1]), expected[1])


def test_a_run_in_blocks_has_the_bits_of_one_run(whole: Any) -> None:
    state = jsnn.init(NETWORK, KEY)
    start = jax.tree.map(np.array, state.populations)
    assert_run(in_blocks(state=state, key=None), whole)
    assert_same(jax.tree.map(np.array, state.populations), start)


def test_a_plain_run_takes_whole_products() -> None:
    for scheduled in (True, False):
        assert Blocks(NETWORK, {}, scheduled).plan(3).schedule.event_driven is scheduled


def test_progress_is_shown_in_steps(capsys) -> None:
    jsnn.simulate_in_blocks(SMALL, {}, 2 * BLOCK, steps_per_block=BLOCK, progress=True)
    assert "100%" in (shown := capsys.readouterr().err)
    assert f"{2 * BLOCK}/{2 * BLOCK}" in shown
    assert "step/s" in shown


def test_all_blocks_and_runs_share_one_program(compilations) -> None:
    in_blocks()
    with compilations() as compiled:
        in_blocks()
        for num_steps in (4 * BLOCK, 2 * BLOCK):
            drive = {"cells": jsnn.over_time(CURRENTS[:num_steps])}
            jsnn.simulate_in_blocks(
                *(NETWORK, drive, num_steps),
                record=recordings(),
                steps_per_block=BLOCK,
                key=KEY,
            )
    assert compiled == []


def test_a_function_takes_the_records_of_each_block(whole: Any) -> None:
    _, expected = whole
    taken: dict[int, dict[str, Any]] = {}
    state, recorded = in_blocks(on_block=taken.__setitem__)
    assert_same(state, whole[0])
    assert_same(recorded, {name: expected[name] for name in expected if name not in TRACES})
    assert list(taken) == list(range(0, T, BLOCK))
    for name in ("spikes", "v/mV", "function"):
        rows = jax.tree.map(
            lambda *parts: np.concatenate(parts), *[b[name] for b in taken.values()]
        )
        assert_same(rows, expected[name])
    steps = np.concatenate([block["events"].steps for block in taken.values()])
    np.testing.assert_array_equal(steps, expected["events"][0])
    for first, block in taken.items():
        before_the_end = expected["events"][0] < first + BLOCK
        count = np.bincount(expected["events"][1][before_the_end], minlength=N)
        np.testing.assert_array_equal(block["count"], count)


KILLED = """
import os, signal, sys
import jsnn
from jsnn.long_runs.records import InFiles
from tests.conftest import PROGRAMS
jsnn.cache_compilations(os.environ[PROGRAMS])
from tests.test_long_runs import in_blocks
add, added = InFiles.add, []
def add_or_die(self, *block):
    add(self, *block)
    added.append(block)
    if len(added) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
InFiles.add = add_or_die
in_blocks(directory=sys.argv[1], blocks_per_save=2)
"""


def test_a_run_that_was_killed_goes_on(whole: Any, tmp_path: Path, monkeypatch) -> None:
    root = Path(__file__).parents[1]
    process = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=root, check=False)
    assert process.returncode == -signal.SIGKILL
    assert len(np.load(tmp_path / "spikes.npy")) == 2 * BLOCK  # up to the last save

    blocks = []

    def noted(*arguments: Any) -> Any:
        blocks.append(arguments)
        return run_block(*arguments)

    monkeypatch.setattr("jsnn.long_runs.in_blocks.run_block", noted)
    state, recorded = in_blocks(directory=tmp_path, blocks_per_save=2)
    assert len(blocks) == 3  # of five
    assert_run((state, recorded), whole)
    assert all(isinstance(recorded[name], np.memmap) for name in ("spikes", "v/mV"))
    assert_run(in_blocks(directory=tmp_path), whole)
    assert len(blocks) == 3
    files = {"spikes", "v%2FmV", "function['mean']", "events.steps", "events.neurons"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{n}.npy" for n in files} | {"run.npz"}


class StopError(Exception):
    """An error of the function that takes the records."""


def test_blocks_since_the_last_save_are_handed_over_again(whole: Any, tmp_path: Path) -> None:
    taken: list[int] = []

    def take(first_step: int, block: dict[str, Any]) -> None:
        taken.append(first_step)
        if len(taken) == 4:
            raise StopError

    with pytest.raises(StopError):
        in_blocks(directory=tmp_path, on_block=take, blocks_per_save=2)
    assert_same(in_blocks(directory=tmp_path, on_block=take, blocks_per_save=2)[0], whole[0])
    assert taken == [0, 20, 40, 60, 40, 60, 80]


@pytest.mark.parametrize(
    ("argument", "other"),
    [
        ("network", {"network": SMALL.with_params({"cells": {"v_thresh": 1.25}})}),
        ("drive", {"drive": {}}),
        ("state or key", {"key": jax.random.key(2)}),
        ("record", {"record": {"count": jsnn.SpikeCount("cells")}}),
        ("on_block", {"on_block": print}),
        ("num_steps", {"num_steps": BLOCK + 1}),
    ],
)
def test_a_directory_of_another_run_is_refused(
    argument: str, other: dict[str, Any], tmp_path: Path
) -> None:
    drive = {"cells": 1.0}
    usual: dict[str, Any] = {"network": SMALL, "drive": drive, "num_steps": BLOCK, "key": KEY}
    jsnn.simulate_in_blocks(**usual, directory=tmp_path)
    pattern = rf"{tmp_path}.*run with another {argument}; expected"
    with pytest.raises(ValueError, match=pattern):
        jsnn.simulate_in_blocks(**usual | other, directory=tmp_path)


def another_archive(about: str) -> bytes:
    """Return the bytes of an archive that is no run."""
    content = io.BytesIO()
    np.savez(content, about=np.array(about))
    return content.getvalue()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    record = {"spikes": jsnn.Spikes("cells")}
    jsnn.simulate_in_blocks(SMALL, {}, BLOCK, record=record, directory=tmp_path)
    rows = tmp_path / "spikes.npy"
    rows.unlink()
    for _ in range(2):
        with pytest.raises(ValueError, match=f"{rows}: holds fewer than {BLOCK} rows"):
            jsnn.simulate_in_blocks(SMALL, {}, BLOCK, record=record, directory=tmp_path)


def test_a_file_of_something_else_is_not_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "spikes.npy"
    np.save(mine, np.arange(3))
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.IF)])
    record = {"spikes": jsnn.Spikes("a")}
    with pytest.raises(ValueError, match=r"spikes\.npy: given a file that no run .* expected none"):
        jsnn.simulate_in_blocks(network, {}, 20, record=record, directory=tmp_path)
    np.testing.assert_array_equal(np.load(mine), np.arange(3))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    record = {"spikes": jsnn.Spikes("cells")}
    jsnn.simulate_in_blocks(SMALL, {}, BLOCK, record=record, directory=tmp_path)
    rows, run = tmp_path / "spikes.npy", tmp_path / "run.npz"
    for path, content in (
        (rows, rows.read_bytes()[:-1]),
        (run, run.read_bytes()[:-40]),
        (run, b""),
        (run, another_archive("{}")),
        (run, another_archive("[1]")),
    ):
        kept = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{path}: (holds fewer|cannot be read)"):
            jsnn.simulate_in_blocks(SMALL, {}, BLOCK, record=record, directory=tmp_path)
        path.write_bytes(kept)


def test_a_silent_run_in_files_has_no_events(tmp_path: Path) -> None:
    record = {"events": jsnn.SpikeEvents("cells"), "none": jsnn.Spikes("cells", neurons=[])}
    _, recorded = jsnn.simulate_in_blocks(
        SMALL, {}, BLOCK, record=record, directory=tmp_path / "deep" / "run"
    )
    assert recorded["events"].count == 0
    assert all(part.size == 0 for part in jsnn.spike_list(recorded["events"]))
    assert recorded["none"].shape == (BLOCK, 0)


def test_arrays_with_one_label_are_refused() -> None:
    record = {"e": jsnn.SpikeEvents("cells"), "e.steps": jsnn.Spikes("cells")}
    with pytest.raises(ValueError, match=r"record: given the names .*same label"):
        jsnn.simulate_in_blocks(SMALL, {}, BLOCK, record=record)
