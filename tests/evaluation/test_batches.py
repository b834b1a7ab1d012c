"""Data sets from arrays, files and iterators: any division into batches gives the same results."""

import re
import sys
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import jsnn
from jsnn.evaluation.batches import batches, check_drives
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


def steps_and_images(images: np.ndarray) -> dict[str, Any]:
    return {"layer0": jsnn.over_time(np.repeat(images[:, None], NUM_STEPS, axis=1))}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"layer0": IMAGES[10:, 0]},
            r"batch 2: .*'layer0'\] float32\[\]; expected .*float32\[12\]",
        ),
        ({"layer0": IMAGES[10:], "layer1": IMAGES[10:, 0]}, r"batch 2: .*'layer1'\] float32"),
        (steps_and_images(IMAGES[10:]), r"batch 2: .*float32\[9, 12\]; expected .*float32\[12\]"),
        ({}, r"batch 2: given presentations of nothing; expected \['layer0'\]"),
    ],
)
def test_an_item_of_another_form_names_its_batch(item, message) -> None:
    data = [*items([5, 5], IMAGES[:10]), item]
    with pytest.raises(jsnn.IncompleteError, match=message):
        evaluated(iter(data), batch_size=4)


@pytest.mark.parametrize("batch_size", [4, 23])
def test_an_iterator_may_use_its_memory_again(batch_size, expected) -> None:
    def one_buffer() -> Iterator[dict[str, np.ndarray]]:
        buffer = np.empty((5, 12), F32)
        for start in range(0, NUM_IMAGES, 5):
            part = IMAGES[start : start + 5]
            buffer[: len(part)] = part
            yield {"layer0": buffer[: len(part)]}
            buffer[:] = 0.0

    assert_equal(evaluated(one_buffer(), batch_size=batch_size), expected)


def test_a_batch_copies_no_more_than_itself_of_a_large_item() -> None:
    images = np.repeat(IMAGES[:1], 20_000, axis=0)
    rows = batches(NETWORK, [{"layer0": images}], len(images), NUM_STEPS, 5)
    next(rows)  # checks the item as a whole
    tracemalloc.start()
    try:
        for _ in range(10):
            assert next(rows)["layer0"].shape == (5, 12)
        assert tracemalloc.get_traced_memory()[1] < 0.1 * images.nbytes
    finally:
        tracemalloc.stop()


def learning() -> jsnn.Network:
    plastic = jsnn.Projection(
        "a", "a", jsnn.Dense(np.ones((2, 2), F32)), plasticity=jsnn.Plasticity(jsnn.STDP)
    )
    return jsnn.Network([jsnn.Population("a", 2, jsnn.IF)], [plastic])


@pytest.mark.parametrize("lower", [[0.0, 0.5], [0.5, 1.5]])
def test_bounds_are_compared_in_each_presentation(lower: list[float]) -> None:
    bounds = {"w_min": np.asarray(lower, F32), "w_max": np.asarray([0.2, 1.2], F32)}
    check = partial(check_drives, learning(), num_presentations=2, num_steps=3)
    if lower[1] < 1:
        assert check({"a_to_a": {"plasticity": bounds}})[0] == 2
    else:
        bounds["w_max"][0] = 0.5
        with pytest.raises(ValueError, match=r"presentation 1: .*'w_min': given 1\.5.*<= w_max"):
            check({"a_to_a": {"plasticity": bounds}})


def test_a_number_that_is_not_allowed_is_found_in_a_mapped_file(tmp_path: Path) -> None:
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.SPIKE_SOURCE)])
    spikes = np.ones((7, 2), F32)
    spikes[4, 1] = 0.5
    np.save(tmp_path / "spikes.npy", spikes)
    drives = {"a": np.load(tmp_path / "spikes.npy", mmap_mode="r")}
    rows = batches(network, drives, 7, 3, 2)
    assert next(rows)["a"].shape == (2, 2)
    next(rows)
    with pytest.raises(ValueError, match=r"drives, presentation 4: drive of 'a': given 0\.5"):
        next(rows)


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
