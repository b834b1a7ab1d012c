"""Images for the networks that are converted: digits of MNIST, or clothes of Fashion-MNIST.

The files of Fashion-MNIST are fetched once into the user's cache, from a public mirror or, if none
answers, from a Debian package.
"""

import gzip
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments import cli
from experiments.idx import NUM_HELD_OUT, Images, from_cache, from_mirror, read_images
from experiments.mnist import data as mnist

DataSet = Literal["mnist", "fashion"]
"""mnist: handwritten digits. fashion: Fashion-MNIST, ten kinds of clothes, of the same sizes."""

Part = Literal["training", "held_out", "test"]
"""training: 55,000 images. held_out: the 5,000 after them, on which every choice is made. test:
10,000, for the last measurement only."""

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
DEBIAN_PACKAGE = "dataset-fashion-mnist"
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Checksums of the unpacked files."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Fetch Fashion-MNIST into the cache, and check its files."""


def images(dataset: DataSet, part: Part) -> Images:
    """Load a part of a data set: pixels, uint8 [n, 784], and labels, [n]; fetch it if needed."""
    if dataset == "mnist":
        return {
            "training": mnist.training_images,
            "held_out": mnist.held_out_images,
            "test": mnist.test_images,
        }[part]()
    if part == "test":
        return read_images("t10k", _from_cache)
    pixels, labels = read_images("train", _from_cache)
    kept = slice(-NUM_HELD_OUT) if part == "training" else slice(-NUM_HELD_OUT, None)
    return Images(pixels[kept], labels[kept])


def as_square(pixels: np.ndarray) -> np.ndarray:
    """Scale pixels, uint8 [n, 784], to float32 in [0, 1], [n, 28, 28, 1]."""
    return as_flat(pixels).reshape(-1, 28, 28, 1)


def as_flat(pixels: np.ndarray) -> np.ndarray:
    """Scale pixels, uint8 [n, 784], to float32 in [0, 1], [n, 784]."""
    return pixels.astype(np.float32) / np.float32(255)


def cache_directory() -> Path:
    """Return the folder of the files of Fashion-MNIST."""
    import pooch

    return Path(pooch.os_cache("jsnn")) / "fashion_mnist"


def _from_cache(name: str) -> bytes:
    mirrors = [(f"{mirror}{name}.gz", from_mirror) for mirror in MIRRORS]
    sources = [*mirrors, (f"Debian package {DEBIAN_PACKAGE}", _from_debian)]
    return from_cache(cache_directory() / name, SHA256[name], sources)


def _from_debian(source: str, name: str) -> bytes:
    """Fetch a file from the Debian package, which is unpacked and not installed."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise OSError(f"{program} is not installed")

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=directory, timeout=300)

    with tempfile.TemporaryDirectory() as directory:
        run("apt-get", "download", DEBIAN_PACKAGE)
        archive = next(Path(directory).glob("*.deb"))
        run("dpkg-deb", "-x", archive.name, "unpacked")
        found = list((Path(directory) / "unpacked").rglob(f"{name}.gz"))
        if not found:
            raise ValueError(f"{archive.name} holds no {name}")
        return gzip.decompress(found[0].read_bytes())


def main(config: Config) -> dict[str, Any]:
    parts: tuple[Part, ...] = ("training", "held_out", "test")
    sizes = {part: len(images("fashion", part).labels) for part in parts}
    for name, size in sizes.items():
        print(f"{name:>9}: {size:6,} images, SHA-256 as expected")
    print(f"in {cache_directory()}")
    return {"num_images": sizes, "sha256": SHA256, "cache": str(cache_directory())}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
