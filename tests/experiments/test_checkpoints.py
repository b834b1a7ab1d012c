"""Checkpoints: what is written is read again, and what is damaged is named and not used."""

import re
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import checkpoints
from experiments.checkpoints import Checkpoints, fingerprint, only_process_in
from tests.limits import files_of_at_most


class Tree(NamedTuple):
    numbers: dict[str, object]
    count: object


def tree_of(step):
    values = np.random.default_rng(step).normal(size=(30, 4)).astype(np.float32)
    return Tree({"a": jnp.asarray(values), "b": np.arange(3)}, np.int32(step))


def assert_step(found, step):
    assert found[0] == step
    expected = tree_of(step)
    np.testing.assert_array_equal(found[1].numbers["a"], expected.numbers["a"])
    np.testing.assert_array_equal(found[1].numbers["b"], expected.numbers["b"])
    assert found[1].count == step


@pytest.fixture
def kept(tmp_path):
    """Checkpoints after 9, 10 and 11 steps, of which two are left."""
    kept = Checkpoints(tmp_path, "name")
    for step in (9, 10, 11):
        kept.save(step, tree_of(step))
    return kept


def test_the_last_checkpoint_is_read_and_the_one_before_it_is_there(kept, tmp_path):
    assert kept.steps() == [11, 10]
    assert_step(kept.restore(tree_of(0)), 11)
    assert {path.name for path in tmp_path.iterdir()} == {
        "name-10.checkpoint",
        "name-11.checkpoint",
    }


def test_none_is_read_if_there_is_none(tmp_path):
    assert Checkpoints(tmp_path / "nowhere", "name").restore(tree_of(0)) is None


def test_those_of_other_computations_are_left_alone(kept, tmp_path):
    (tmp_path / "name-a-copy.checkpoint").write_bytes(b"")
    other = Checkpoints(tmp_path, "other")
    other.save(1, tree_of(1))
    kept.remove()
    assert kept.restore(tree_of(0)) is None
    assert_step(other.restore(tree_of(0)), 1)


def test_what_a_killed_process_left_half_written_is_removed(kept, tmp_path):
    (tmp_path / "name-12.checkpoint.01234567.part").write_bytes(b"half")
    kept.save(12, tree_of(12))
    assert not list(tmp_path.glob("*.part"))


def flip(content, position):
    changed = bytearray(content)
    changed[position] ^= 1
    return bytes(changed)


DAMAGES = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\0",
    "digest": lambda content: flip(content, 0),
    "first bit": lambda content: flip(content, 65),
    "a number": lambda content: flip(content, 400),
    "last bit": lambda content: flip(content, -1),
    "no array": lambda content: b"text",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_taken(how, kept, capsys):
    path = kept.path(11)
    path.write_bytes(DAMAGES[how](path.read_bytes()))
    assert_step(kept.restore(tree_of(0)), 10)
    assert f"warning: {path}: damaged" in capsys.readouterr().err
    kept.path(10).unlink()
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}: damaged.*remove it to start"):
        kept.restore(tree_of(0))


def test_any_flipped_bit_is_found(kept):
    content = kept.path(11).read_bytes()
    for position in np.random.default_rng(0).integers(0, len(content), 100):
        kept.path(11).write_bytes(flip(content, position))
        with pytest.raises(ValueError, match=r"name-11\.checkpoint: damaged"):
            kept.read(11, tree_of(0))


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (Tree({"a": np.zeros((4, 30), np.float32)}, np.int32(0)), r"float32 \(30, 4\); expected"),
        (Tree({"a": np.zeros((30, 4))}, np.int32(0)), r"expected float64 \(30, 4\)"),
        (Tree({"c": np.zeros(3)}, np.int32(0)), r"holds no .numbers\['c'\]"),
    ],
)
def test_arrays_of_another_computation_are_an_error(like, message, kept):
    with pytest.raises(ValueError, match=rf"name-11\.checkpoint: .*{message}"):
        kept.restore(like)


def test_a_full_disk_leaves_the_checkpoints_before(kept, tmp_path):
    with files_of_at_most(500), pytest.raises(OSError, match=r"name-12\.checkpoint"):
        kept.save(12, tree_of(12))
    assert_step(kept.restore(tree_of(0)), 11)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_second_process_is_told_to_wait(tmp_path):
    with only_process_in(tmp_path):
        second = only_process_in(tmp_path)
        with (
            pytest.raises(ValueError, match=r"--out: another process computes in .*; wait"),
            second,
        ):
            raise AssertionError("both are in")
        with only_process_in(tmp_path / "another"):
            pass
    with only_process_in(tmp_path):
        pass


def test_a_fingerprint_depends_on_every_part(monkeypatch):
    a = np.arange(4, dtype=np.int32)
    parts = [
        (a, 1, "x"),
        (a + 1, 1, "x"),
        (a.reshape(2, 2), 1, "x"),
        (a.astype(np.int64), 1, "x"),
        (a.view(np.float32), 1, "x"),
        (a, 2, "x"),
        (a, 1, "y"),
        (a, 1),
        ({"k": a}, 1, "x"),
    ]
    found = [fingerprint(*each) for each in parts]
    assert len(set(found)) == len(parts)
    assert fingerprint(a.copy(), 1, "x") == found[0]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "made_with", lambda: {"code": "another"})
        assert fingerprint(*parts[0]) != found[0]


def test_what_a_result_was_made_with_is_the_same_in_every_process(run_python):
    code = "from experiments.checkpoints import made_with; print(made_with())"
    assert run_python(code, HOME="/") == str(checkpoints.made_with())
