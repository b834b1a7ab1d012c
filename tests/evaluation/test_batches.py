"""Data sets from arrays, files and iterators: any division into batches gives the same results."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from tests.networks import F32, random_images, random_weights

NUM_STEPS, NUM_IMAGES = 9, 23
NETWORK = jsnn.feedforward(random_weights(0, (12, 9, 4)), jsnn.IF, params={"v_thresh": 1.5})
IMAGES = random_images(0, NUM_IMAGES, 12)
LABELS = np.arange(NUM_IMAGES) % 4


def evaluated(drives: Any, **options: Any) -> jsnn.Evaluation:
    return jsnn.evaluate(NETWORK, drives, LABELS, NUM_STEPS, jsnn.spike_count("layer2"), **options)


def items(sizes: list[int], images: np.ndarray = IMAGES) -> Iterator[dict[str, np.ndarray]]:
    for part in np.split(images, np.cumsum(sizes)):
        if len(part):
            yield {"layer0": part}


@pytest.fixture(scope="module")
def expected() -> jsnn.Evaluation:
    return evaluated({"layer0": IMAGES}, batch_size=NUM_IMAGES)


def assert_equal(given: jsnn.Evaluation, expected: jsnn.Evaluation) -> None:
    np.testing.assert_array_equal(given.predictions, expected.predictions)
    for name, counts in expected.spikes.items():
        np.testing.assert_array_equal(given.spikes[name], counts)


@pytest.mark.parametrize("sizes", [[], [1, 1, 20], [5, 5, 5, 5], [22], [3, 17]])
@pytest.mark.parametrize("batch_size", [4, 23])
def test_an_iterator_may_hand_over_any_number_at_a_time(sizes, batch_size, expected) -> None:
    assert_equal(evaluated(items(sizes), batch_size=batch_size), expected)


def test_a_memory_mapped_file(tmp_path: Path, expected) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert_equal(evaluated({"layer0": mapped}, batch_size=5), expected)


def test_a_memory_mapped_file_with_a_nan_names_where(tmp_path: Path) -> None:
    spoilt = IMAGES.copy()
    spoilt[13, 2] = np.nan
    np.save(tmp_path / "images.npy", spoilt)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    with pytest.raises(jsnn.IncompleteError, match=r"presentations from 10.*\(3, 2\)") as caught:
        evaluated({"layer0": mapped}, batch_size=5)
    assert len(caught.value.evaluation.predictions) == 10


def test_an_iterator_that_ends_early_keeps_the_results_so_far(expected) -> None:
    short = items([7, 7], IMAGES[:20])
    with pytest.raises(
        jsnn.IncompleteError, match="ended after 20 presentations; expected 23"
    ) as e:
        evaluated(short, batch_size=4)
    np.testing.assert_array_equal(e.value.evaluation.predictions, expected.predictions[:20])


def test_an_iterator_that_goes_on_for_too_long(expected) -> None:
    more = items([10, 10, 3], np.concatenate([IMAGES, IMAGES[:1]]))
    with pytest.raises(jsnn.IncompleteError, match="batch 3: given presentation 24") as caught:
        evaluated(more, batch_size=4)
    assert_equal(caught.value.evaluation, expected)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"layer0": IMAGES[10:, :11]}, r"batch 2: drive of 'layer0': given shape \(11,\)"),
        ({"layer0": IMAGES[10:].astype(np.float64)}, "batch 2.*float64"),
        ({"layer0": np.full((3, 12), np.inf, F32)}, "batch 2.*NaN or infinite"),
        ({"layer9": IMAGES[10:]}, "batch 2.*'layer9'"),
        ({"layer0": IMAGES[:0]}, r"batch 2.*given shape \(0, 12\)"),
        (IMAGES[10:], "batch 2: given ndarray; expected a dict"),
    ],
)
def test_an_item_that_does_not_fit_names_its_batch(item, message) -> None:
    data = [*items([5, 5], IMAGES[:10]), item]
    with pytest.raises(jsnn.IncompleteError, match=message) as caught:
        evaluated(iter(data), batch_size=4)
    assert len(caught.value.evaluation.predictions) == 8


def test_an_iterator_of_nothing() -> None:
    with pytest.raises(ValueError, match="given no batches"):
        evaluated(iter([]))


def test_results_do_not_depend_on_the_bytes(expected) -> None:
    drives = {"layer0": IMAGES}
    with pytest.raises(ValueError, match="expected at least") as caught:
        evaluated(drives, max_bytes=100)
    least = int(re.search(r"at least ([\d,]+),", str(caught.value))[1].replace(",", ""))
    for max_bytes in (least, 3 * least, 2**30):
        assert_equal(evaluated(drives, max_bytes=max_bytes), expected)


def test_bytes_and_a_batch_size_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="given together with batch_size"):
        evaluated({"layer0": IMAGES}, max_bytes=10**6, batch_size=4)


def test_a_program_takes_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["jsnn.evaluation.presentation"]
    used: list[int] = []
    measure = module._bytes_used
    monkeypatch.setattr(module, "_bytes_used", lambda p: used.append(measure(p)) or used[-1])
    evaluated({"layer0": IMAGES}, max_bytes=20_000)
    assert used[-1] <= 20_000
    assert used[-1] > 20_000 / 4


def test_drives_that_change_over_time_are_divided_too() -> None:
    rows = random_images(0, NUM_IMAGES * NUM_STEPS, 12).reshape(NUM_IMAGES, NUM_STEPS, 12)
    whole = evaluated({"layer0": jsnn.over_time(rows)}, batch_size=NUM_IMAGES)
    halves = ({"layer0": jsnn.over_time(part)} for part in (rows[:9], rows[9:]))
    assert_equal(evaluated(halves, batch_size=4), whole)
    assert np.any(whole.spikes["layer2"])
    assert rows.dtype == F32
    assert jax.tree.leaves(whole.recorded) == []
