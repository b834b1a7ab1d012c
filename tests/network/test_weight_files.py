"""Weights in files: round trips, interruptions, and every way in which a file can be wrong."""

import os
import pickle
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.network.whole_files import write_whole
from tests.limits import files_of_at_most
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


def npy_of_shape(shape: str, numbers: bytes = bytes(8)) -> bytes:
    """Make an .npy file of two numbers whose header speaks of others."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + numbers


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
        case "pipe":
            path.unlink()
            os.mkfifo(path)
        case "pickle":
            path.write_bytes(pickle.dumps(np.ones((4, 3), F32)))
        case "one byte more":
            path.write_bytes(content + b"x")
        case "10^12 numbers":
            path.write_bytes(npy_of_shape("(1000000, 1000000)"))
        case "10^60 numbers":
            path.write_bytes(npy_of_shape(f"({10**30}, {10**30})"))
        case "negative":
            path.write_bytes(npy_of_shape("(-1, 2)"))
        case "negative twice":
            path.write_bytes(npy_of_shape("(-1, -2)"))
        case "no neurons":
            path.write_bytes(npy_of_shape("(0, 2)", b""))
        case "brackets":
            path.write_bytes(npy_of_shape("(" * 3000))


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
        "pipe",
        "pickle",
        "one byte more",
        "10^12 numbers",
        "10^60 numbers",
        "negative",
        "negative twice",
        "no neurons",
        "brackets",
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


def test_flipped_bits_of_a_header_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "weights_0_1.npy"
    (weights,) = random_weights(0, (4, 3))
    np.save(path, weights)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for position in random.integers(0, 128, 200):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(
                jsnn.load_weights(tmp_path)[0].ravel("K"), weights.ravel()
            )
        except ValueError as error:
            assert "weights_0_1.npy" in str(error)  # noqa: PT017 - some flips change nothing


def test_two_files_for_the_same_layers_are_named(tmp_path: Path) -> None:
    for name in ("weights_0_1.npy", "weights_00_1.npy"):
        np.save(tmp_path / name, np.ones((2, 2), F32))
    with pytest.raises(
        ValueError, match=r"weights_00_1\.npy and weights_0_1\.npy are for the same"
    ):
        jsnn.load_weights(tmp_path)


def test_no_weights_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="given no matrix; expected at least one"):
        jsnn.save_weights(tmp_path / "new", [])
    assert not (tmp_path / "new").exists()


OLD, NEW = random_weights(0, (40, 30, 20)), random_weights(1, (40, 30, 20))


def test_the_list_of_checksums_is_that_of_sha256sum(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, OLD)
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("sha256sum is not installed")
    checked = subprocess.run(
        [program, "--check", "--strict", "weights.sha256"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert checked.stdout.splitlines() == ["weights_0_1.npy: OK", "weights_1_2.npy: OK"]


def replace_one(directory: Path) -> None:
    np.save(directory / "weights_1_2.npy", NEW[1])


def flip_a_bit(directory: Path) -> None:
    path = directory / "weights_1_2.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replace_one, r"weights_1_2\.npy: altered, or not saved with the other files"),
        (flip_a_bit, r"weights_1_2\.npy: altered, or not saved with the other files"),
        (lambda d: (d / "weights_1_2.npy").unlink(), r"weights_1_2\.npy is missing"),
        (lambda d: np.save(d / "weights_2_3.npy", np.ones((20, 2), F32)), r"weights_2_3\.npy: not"),
        (lambda d: (d / "weights.sha256").write_text(""), r"weights\.sha256: damaged"),
        (lambda d: (d / "weights.sha256").write_text("one word"), r"weights\.sha256: damaged"),
        (lambda d: (d / "weights.sha256").write_bytes(b"\xff" * 70), r"weights\.sha256: damaged"),
    ],
)
def test_files_that_do_not_belong_together_are_an_error(
    tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    jsnn.save_weights(tmp_path, OLD)
    change(tmp_path)
    with pytest.raises(ValueError, match=message):
        jsnn.load_weights(tmp_path)


def test_without_the_list_files_are_loaded_as_they_are(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, OLD)
    replace_one(tmp_path)
    (tmp_path / "weights.sha256").unlink()
    assert_same(jsnn.load_weights(tmp_path), [OLD[0], NEW[1]])


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import jsnn

directory = Path({directory!r})
old, new = (jsnn.load_weights(directory / name) for name in ("old", "new"))


def save_and_die(number, target):
    left = number

    def die(event, arguments):
        nonlocal left
        if event in ("open", "os.rename", "os.remove"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die)
    jsnn.save_weights(target, new)


def found(target):
    loaded = jsnn.load_weights(target)
    return [all((a == b).all() for a, b in zip(loaded, known)) for known in (old, new)]


killed = True
number = 0
while killed:
    target = directory / f"killed{{number}}"
    shutil.copytree(directory / "old", target)
    child = os.fork()
    if not child:
        save_and_die(number, target)
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    is_old, is_new = found(target)
    jsnn.save_weights(target, old)
    assert found(target) == [True, False]
    print("old" if is_old else "new" if is_new else "mixed")
    number += 1
"""


def test_a_kill_at_any_moment_leaves_the_old_weights_or_the_new_ones(
    tmp_path: Path, run_python: Callable[..., str]
) -> None:
    jsnn.save_weights(tmp_path / "old", OLD)
    jsnn.save_weights(tmp_path / "new", NEW)
    found = run_python(KILLED.format(directory=str(tmp_path))).split()
    assert set(found) == {"old", "new"}
    assert found == sorted(found, reverse=True)  # once the new ones are there they stay
    assert len(found) > 10


def test_a_full_disk_leaves_the_old_weights(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path, OLD)
    names = sorted(path.name for path in tmp_path.iterdir())
    for limit in (0, 1000, 4000):  # the second matrix has 2,528 bytes, the first 4,928
        with files_of_at_most(limit), pytest.raises(OSError, match=r"weights_0_1\.npy"):
            jsnn.save_weights(tmp_path, NEW)
        assert_same(jsnn.load_weights(tmp_path), OLD)
        assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_symbolic_links_stay(tmp_path: Path) -> None:
    jsnn.save_weights(tmp_path / "real", OLD)
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    elsewhere = tmp_path / "elsewhere.npy"
    (tmp_path / "real" / "weights_0_1.npy").rename(elsewhere)
    (tmp_path / "real" / "weights_0_1.npy").symlink_to(elsewhere)
    jsnn.save_weights(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "weights_0_1.npy").is_symlink()
    np.testing.assert_array_equal(np.load(elsewhere), NEW[0])
    assert_same(jsnn.load_weights(tmp_path / "real"), NEW)


def test_a_file_written_whole_keeps_its_mode_and_a_new_one_gets_the_usual_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "new", b"1")
    (tmp_path / "private").touch(mode=0o600)
    write_whole(tmp_path / "private", b"2")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"usual": modes["usual"], "new": modes["usual"], "private": 0o600}
    assert (tmp_path / "private").read_bytes() == b"2"


def test_a_device_is_written_and_not_replaced() -> None:
    write_whole("/dev/null", b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("before", [b"old", None])
def test_a_link_to_a_file_stays_a_link(tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "file").write_bytes(before)
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
