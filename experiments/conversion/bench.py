"""Time to convert a network and to report on many images, with compilation and again without.

The images are training images, as many as there are test images.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsnn
from experiments import cli
from experiments.conversion.catalogue import NUM_CALIBRATION
from experiments.conversion.checkpoints import load, load_architecture
from experiments.conversion.data import images
from experiments.conversion.models import inputs_of
from jsnn.conversion import recipes


@dataclass(frozen=True)
class Config(cli.Config):
    """Measure a network that is trained already."""

    model: Path = Path("results/conversion/trained/qcfs-1200/seed0")
    """Directory of the trained network."""
    steps: int = 32
    """Length of a presentation."""
    num_images: int = 10_000
    """Number of images."""
    repeats: int = 3
    """Repetitions after the first time, which compiles."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "steps", "repeats")
    if not 1 <= config.num_images <= 55_000:
        raise ValueError(f"--num-images: given {config.num_images}; expected 1 to 55000")
    architecture, model = load_architecture(config.model), load(config.model)
    shown = images("mnist", "training")
    x = inputs_of(architecture, shown.pixels[: config.num_images])
    seconds = []
    for _ in range(1 + config.repeats):
        started = time.perf_counter()
        network, conversion = jsnn.convert(
            model, x[:NUM_CALIBRATION], recipes.rueckauer_2017(v_init=0.5)
        )
        jsnn.conversion.assess(
            network, conversion, x, shown.labels[: config.num_images], config.steps
        )
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds[1:])
    print(
        f"{architecture.title}, {config.num_images:,} images, T = {config.steps}: "
        f"{seconds[0]:.1f} s the first time, then {median:.1f} s "
        f"(median of {config.repeats})"
    )
    return {"model": str(config.model), "first": seconds[0], "again": seconds[1:], "median": median}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
