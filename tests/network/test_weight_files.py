"""Weights in files: round trips, and every way in which a file can be wrong."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests.networks import F32, assert_same, random_weights


@pytest.mark.parametrize("sizes", [(3, 2), (5, 4, 3), (2,) * 13], ids=len)
def test_weights_survive_a_round_trip(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    weights = random_weights(0, sizes)
    paths = jsnn.save_weights(tmp_path / "deep" / "er", weights)
    assert [path.name for path in paths] == [
        f"weights_{i}_{i + 1}.npy" for i in range(len(weights))
    ]
    assert_same(jsnn.load_weights(tmp_path / "deep" / "er"), weights)


def test_jax_arrays_can_be_saved(tmp_path: Path) -> None:
    weights = random_weights(0, (3, 2))
    jsnn.save_weights(str(tmp_path), [jnp.asarray(w) for w in weights])
    assert_same(jsnn.load_weights(str(tmp_path)), weights)


def test_files_are_plain_npy_of_shape_pre_post(tmp_path: Path) -> None:
    (weights,) = random_weights(0, (3, 2))
    jsnn.save_weights(tmp_path, [weights])
    np.testing.assert_array_equal(np.load(tmp_path / "weights_0_1.npy"), weights)


def test_fortran_order_is_as_good(tmp_path: Path) -> None:
    (weights,) = random_weights(0, (3, 2))
    np.save(tmp_path / "weights_0_1.npy", np.asfortranarray(weights))
    np.testing.assert_array_equal(jsnn.load_weights(tmp_path)[0], weights)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, random_weights(0, (3, 2)))
    (tmp_path / "README.md").write_text("about these weights")
    (tmp_path / "weights_0_1.npy.part").write_bytes(b"")
    assert len(jsnn.load_weights(tmp_path)) == 1


def test_saving_over_weights_of_the_same_depth_replaces_them(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, random_weights(0, (5, 4, 3)))
    newer = random_weights(1, (6, 4, 3))
    jsnn.save_weights(tmp_path, newer)
    assert_same(jsnn.load_weights(tmp_path), newer)


def test_saving_fewer_layers_than_lie_there_is_an_error(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, random_weights(0, (5, 4, 3)))
    with pytest.raises(ValueError, match=r"weights_1_2\.npy"):
        jsnn.save_weights(tmp_path, random_weights(1, (5, 3)))
    assert len(jsnn.load_weights(tmp_path)) == 2


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.*no such directory.*weights_0_1\.npy"):
        jsnn.load_weights(tmp_path / "nowhere")


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="no such directory"):
        jsnn.load_weights(tmp_path / "file")


def test_a_directory_without_weights(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(FileNotFoundError, match=r"notes\.txt.*expected weights_0_1\.npy"):
        jsnn.load_weights(tmp_path)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["0_1", "2_3"], "1_2"),
        (["1_2", "2_3"], "0_1"),
        (["0_1", "1_2", "2_3", "9_10"], "3_4"),
        (["0_1", "1_3"], "1_2"),
    ],
)
def test_a_gap_names_the_missing_file(tmp_path: Path, names: list[str], missing: str) -> None:
    for name in names:
        np.save(tmp_path / f"weights_{name}.npy", np.ones((2, 2), F32))
    with pytest.raises(ValueError, match=rf"weights_{missing}\.npy is missing"):
        jsnn.load_weights(tmp_path)


def files_with_one_fault() -> dict[str, tuple[np.ndarray, str]]:
    nan, infinite = np.ones((4, 3), F32), np.ones((4, 3), F32)
    nan[2, 1], infinite[0, 0] = np.nan, -np.inf
    return {
        "float64": (np.ones((4, 3)), r"float64.*expected float32"),
        "integers": (np.ones((4, 3), np.int64), r"int64.*expected float32"),
        "strings": (np.array([["1", "2"]]), "expected float32"),
        "big-endian": (np.ones((4, 3), ">f4"), "expected float32"),
        "bool": (np.ones((4, 3), bool), r"bool.*expected float32"),
        "one axis": (np.ones(4, F32), r"\(4,\).*expected \(pre, post\)"),
        "three axes": (np.ones((4, 3, 1), F32), r"\(4, 3, 1\).*expected \(pre, post\)"),
        "a number": (np.float32(1), r"\(\).*expected \(pre, post\)"),
        "NaN": (nan, r"1 of 12.*nan at index \(2, 1\).*finite"),
        "infinity": (infinite, r"-inf at index \(0, 0\).*finite"),
    }


@pytest.mark.parametrize("fault", files_with_one_fault())
def test_a_faulty_array_is_named_with_what_was_expected(tmp_path: Path, fault: str) -> None:
    array, message = files_with_one_fault()[fault]
    np.save(tmp_path / "weights_0_1.npy", np.ones((2, 4), F32))
    np.save(tmp_path / "weights_1_2.npy", array)
    with pytest.raises(ValueError, match=rf"weights_1_2\.npy: .*{message}"):
        jsnn.load_weights(tmp_path)


@pytest.mark.parametrize("fault", [f for f in files_with_one_fault() if f != "big-endian"])
def test_a_faulty_array_is_never_written(tmp_path: Path, fault: str) -> None:
    array, _ = files_with_one_fault()[fault]
    with pytest.raises(ValueError, match=r"weights_1_2\.npy"):
        jsnn.save_weights(tmp_path / "new", [np.ones((2, 4), F32), array])
    assert not (tmp_path / "new").exists()


def spoilt(path: Path, how: str) -> None:
    """Make an .npy file unreadable."""
    np.save(path, np.ones((40, 30), F32))
    content = path.read_bytes()
    match how:
        case "half":
            path.write_bytes(content[: len(content) // 2])
        case "one byte short":
            path.write_bytes(content[:-1])
        case "header only":
            path.write_bytes(content[:40])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("0.1 0.2\n0.3 0.4\n")
        case "objects":
            np.save(path, np.array([[1.0, None]], dtype=object), allow_pickle=True)
        case "archive":
            with path.open("wb") as file:
                np.savez(file, a=np.ones((40, 30), F32))
        case "directory":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize(
    "how",
    [
        "half",
        "one byte short",
        "header only",
        "empty",
        "text",
        "objects",
        "archive",
        "directory",
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, how: str) -> None:
    spoilt(tmp_path / "weights_0_1.npy", how)
    with pytest.raises(
        ValueError, match=r"weights_0_1\.npy: (truncated|not an array|given an archive)"
    ):
        jsnn.load_weights(tmp_path)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(6, 5), (4, 3)], r"0_1 and 1_2.*\(6, 5\).*\(4, 3\)"),
        ([(6, 5), (5, 4), (3, 2)], r"1_2 and 2_3.*\(5, 4\).*\(3, 2\)"),
        ([(128, 784), (10, 128)], r"0_1 and 1_2.*\(128, 784\).*\(10, 128\).*transposed.*pre, post"),
    ],
    ids=["0_1", "1_2", "transposed"],
)
def test_matrices_that_do_not_chain(
    tmp_path: Path, shapes: list[tuple[int, int]], message: str
) -> None:
    arrays = [np.ones(shape, F32) for shape in shapes]
    for i, array in enumerate(arrays):
        np.save(tmp_path / f"weights_{i}_{i + 1}.npy", array)
    with pytest.raises(ValueError, match=rf"{tmp_path.name}.*{message}"):
        jsnn.load_weights(tmp_path)
    with pytest.raises(ValueError, match=message):
        jsnn.save_weights(tmp_path / "new", arrays)


def test_loaded_weights_make_a_network(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, random_weights(0, (5, 4, 3)))
    assert list(jsnn.feedforward(jsnn.load_weights(tmp_path), jsnn.IF).sizes.values()) == [5, 4, 3]
