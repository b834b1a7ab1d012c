"""Evaluation (part 2): show every test image to the spiking network and count right answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsnn
from experiments import cli
from experiments.mnist.data import Images, test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, spiking_evaluation

BETWEEN = {"fresh": jsnn.fresh, "carry": jsnn.keep_in_flight}


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, with the tutorial's settings as defaults, except that every image starts fresh."""

    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    num_steps: int = NUM_STEPS
    """Length of a presentation, in steps of 1 ms."""
    v_thresh: float = V_THRESH
    """Threshold of every neuron."""
    input_scale: float = INPUT_SCALE
    """Input current per grey level."""
    batch_size: int | None = None
    """Images per compiled call; the results do not depend on it."""
    limit: int | None = None
    """Number of test images, from the first on; all if None."""
    between_images: Literal["fresh", "carry"] = "fresh"
    """The state between images. fresh: every image is independent. carry: the tutorial's protocol,
    images in sequence; voltages and counts are zeroed, spikes in flight reach the next image."""
    print_each: bool = False
    """Print a line for each image."""


def main(config: Config) -> dict[str, Any]:
    weights = jsnn.load_weights(config.weights)
    result = spiking_evaluation(
        weights,
        _first(test_images(), config.limit),
        num_steps=config.num_steps,
        v_thresh=config.v_thresh,
        input_scale=config.input_scale,
        between=BETWEEN[config.between_images],
        batch_size=config.batch_size,
    )
    if config.print_each:
        for i, (label, prediction) in enumerate(
            zip(result.labels, result.predictions, strict=True)
        ):
            print(f"Example={i}, true label={label}, predicted label={prediction}")
    num_images = len(result.labels)
    peak = cli.peak_memory_mb()
    print(f"accuracy: {result.accuracy:.2%} of {num_images} images")
    for name, mean in result.spikes_per_presentation.items():
        print(f"{name}: {mean:10.4f} spikes per image")
    print(
        f"run {result.run_seconds:.2f} s ({num_images / result.run_seconds:,.0f} images/s), "
        f"compile {result.compile_seconds:.2f} s, peak memory {peak:.0f} MB"
    )
    return {
        "accuracy": result.accuracy,
        "num_images": num_images,
        "spikes_per_image": list(result.spikes_per_presentation.values()),
        "predictions": result.predictions.tolist(),
        "confusion_matrix": result.confusion_matrix.tolist(),
        "run_seconds": result.run_seconds,
        "compile_seconds": result.compile_seconds,
        "peak_memory_mb": peak,
    }


def _first(images: Images, limit: int | None) -> Images:
    if limit is None:
        return images
    if not 1 <= limit <= len(images.labels):
        raise ValueError(f"--limit: given {limit}; expected 1 to {len(images.labels)}")
    return Images(images.pixels[:limit], images.labels[:limit])


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
