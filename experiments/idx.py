"""Data sets of labelled images in IDX files, each checked by SHA-256 and kept in a cache."""

import gzip
import hashlib
import math
import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jsnn.network.whole_files import write_whole

NUM_HELD_OUT = 5_000
"""Number of training images, the last ones, that are held out: choices are made on them."""

Source = tuple[str, Callable[[str, str], bytes]]
"""A place of a file, and the function (place, name) -> content that fetches and unpacks it."""


class Images(NamedTuple):
    """Labelled images.

    Attributes:
      pixels: uint8 [n, 784], row by row from the top left.
      labels: the classes, uint8 [n].
    """

    pixels: np.ndarray
    labels: np.ndarray


def read_images(prefix: str, read: Callable[[str], bytes]) -> Images:
    """Read the images and labels of the two files that begin with `prefix`.

    Args:
      prefix: the first part of both names.
      read: name -> content of a file.
    """
    pixels, labels = (
        read_idx(read(f"{prefix}-{kind}-ubyte"), f"{prefix}-{kind}-ubyte")
        for kind in ("images-idx3", "labels-idx1")
    )
    return Images(pixels.reshape(len(pixels), -1), labels)


def read_idx(content: bytes, name: str) -> np.ndarray:
    """Return the uint8 array in an IDX file.

    The file holds the magic bytes 0 0 8 rank, the sizes (big-endian int32), then the numbers.

    Raises:
      ValueError: if the content is no such file, or is truncated; the message names the file.
    """
    rank = content[3] if len(content) >= 4 and content[:3] == b"\0\0\x08" else 0
    header = 4 + 4 * rank
    if not rank or len(content) < header:
        raise ValueError(f"{name}: not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{rank}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise ValueError(
            f"{name}: truncated: given {len(content) - header} bytes of data; expected {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def check_sha256(content: bytes, expected: str, path: Path | str) -> None:
    """Raise ValueError if `content` differs, in any bit, from the file with this SHA-256."""
    given = hashlib.sha256(content).hexdigest()
    if given != expected:
        raise ValueError(f"{path}: truncated or altered: SHA-256 is {given}; expected {expected}")


def from_cache(path: Path, sha256: str, sources: Sequence[Source]) -> bytes:
    """Return the content of `path`; fetch the file if it is not there yet."""
    if not path.exists():
        _fetch(path, sha256, sources)
    content = path.read_bytes()
    try:
        check_sha256(content, sha256, path)
    except ValueError as error:
        path.unlink()
        raise ValueError(f"{error}. It was removed; run again to fetch it anew.") from None
    return content


def _fetch(path: Path, sha256: str, sources: Sequence[Source]) -> None:
    """Write `path` from the first source that has the file whole and unaltered."""
    failures: list[str] = []
    for source, fetch in sources:
        print(f"fetching {path.name} from {source}", flush=True)
        try:
            content = fetch(source, path.name)
            check_sha256(content, sha256, source)
        except Exception as error:  # a truncated or altered file is unpacked with many of them
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            print(f"  not available there: {reason}", flush=True)
            failures.append(f"{source}: {reason}")
            continue
        write_whole(path, content)
        return
    raise OSError("\n  ".join([f"{path.name}: no source has the file:", *failures]))


def from_mirror(url: str, name: str) -> bytes:
    """Fetch the file at `url` and unpack it with gzip."""
    import pooch

    with tempfile.TemporaryDirectory() as directory:
        download = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=20)
        path = Path(directory) / name
        download(url, str(path), pooch)
        return gzip.decompress(path.read_bytes())
