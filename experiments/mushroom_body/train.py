"""MNIST learnt by spike-timing-dependent plasticity, by 20,000 Kenyon cells."""

import io
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import jsnn
from experiments import cli
from experiments.mnist.data import Images, held_out_images, test_images, training_images
from experiments.mushroom_body import figures
from experiments.mushroom_body.learning import learn_all, weights_of
from experiments.mushroom_body.network import (
    DT,
    NUM_STEPS,
    SYMMETRIC_STDP,
    draw_inputs,
    input_currents,
    learning_network,
    answering_network,
)
from jsnn import plot

MEASURED_ON = 500
"""The accuracy while learning is that on so many test images."""


@dataclass(frozen=True)
class Config(cli.Config):
    """The tutorial's network; by default a small share of its images."""

    num_train: int = 2_000
    """Learn the first so many of the 60,000 training images."""
    num_test: int = 2_000
    """Test on the first so many of the 10,000 test images."""
    full: bool = False
    """Learn and test on all images. Started again after an interruption, it goes on."""
    image: int = 0
    """Which test image the raster plot shows."""
    out: Path = Path("results/mushroom_body")
    """Directory for figures, weights and the state of an interrupted run."""


def main(config: Config) -> dict[str, Any]:
    cli.check_writable(config.out)
    training, test = _images(config)
    inputs = draw_inputs(config.seed)
    network = learning_network(inputs)

    def accuracy_so_far(weights: np.ndarray) -> float:
        return tested(inputs, weights, _first(test, MEASURED_ON)).accuracy

    began = time.perf_counter()
    learnt = learn_all(network, training, config.out, accuracy_so_far)
    learning_seconds = time.perf_counter() - began
    weights = weights_of(learnt.state)
    result = tested(inputs, weights, test)

    print(f"{result.accuracy:.2%} of {len(test.labels):,} test images right")
    print(f"{np.mean(learnt.kc_spikes):.1f} Kenyon cell spikes per training image")
    for name, mean in result.spikes_per_presentation.items():
        print(f"{name:>4}: {mean:8.2f} spikes per test image")
    spikes = _spikes_of_one(inputs, weights, test, config.image)
    title = f"MNIST test image {config.image}: a {test.labels[config.image]}"
    _write(
        config.out,
        {
            "raster": plot.raster(spikes, dt=DT, label=int(test.labels[config.image]), title=title),
            "accuracy": figures.accuracy_against_images(learnt.seen, learnt.accuracy),
            "weights": figures.weight_histogram(weights, SYMMETRIC_STDP.params["w_max"]),
        },
    )
    jsnn.save_weights(config.out / "weights", [weights])
    return {
        "seed": config.seed,
        "num_train": len(training.labels),
        "num_test": len(test.labels),
        "accuracy": result.accuracy,
        "seen": learnt.seen.tolist(),
        "accuracy_so_far": learnt.accuracy.tolist(),
        "kc_spikes": learnt.kc_spikes.tolist(),
        "spikes_per_test_image": result.spikes_per_presentation,
        "predictions": result.predictions.tolist(),
        "confusion_matrix": result.confusion_matrix.tolist(),
        "learning_seconds": learning_seconds,
        "testing_seconds": result.run_seconds,
    }


def tested(inputs: np.ndarray, weights: np.ndarray, images: Images) -> jsnn.Evaluation:
    """The digit of each image is that of the output neuron that spikes first."""
    return jsnn.evaluate(
        answering_network(inputs, weights),
        {"PN": input_currents(images.pixels)},
        images.labels,
        NUM_STEPS,
        jsnn.first_spike("MBON"),
        progress=True,
    )


def _images(config: Config) -> tuple[Images, Images]:
    """The training images in the order of the file, and the test images."""
    first, last = training_images(), held_out_images()
    training = Images(*(np.concatenate(both) for both in zip(first, last, strict=True)))
    test = test_images()
    if config.full:
        return training, test
    return (
        _first(training, config.num_train, "--num-train"),
        _first(test, config.num_test, "--num-test"),
    )


def _first(images: Images, number: int, flag: str = "") -> Images:
    if not 1 <= number <= len(images.labels) and flag:
        raise ValueError(f"{flag}: given {number}; expected 1 to {len(images.labels)}")
    return Images(images.pixels[:number], images.labels[:number])


def _spikes_of_one(
    inputs: np.ndarray, weights: np.ndarray, images: Images, index: int
) -> dict[str, Any]:
    """{population: bool [steps, N]} while one image is shown."""
    if not 0 <= index < len(images.labels):
        raise ValueError(f"--image: given {index}; expected 0 to {len(images.labels) - 1}")
    network = answering_network(inputs, weights)
    _, spikes = jsnn.simulate(
        network,
        {"PN": input_currents(images.pixels[index : index + 1])[0]},
        NUM_STEPS,
        record={name: jsnn.Spikes(name) for name in network.sizes},
    )
    return spikes


def _write(directory: Path, drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        cli.write_atomically(directory / f"{name}.png", png.getvalue())
        print(f"wrote {directory / f'{name}.png'}")


if __name__ == "__main__":
    # One thread for each computation, as splitting 20,000 neurons over two costs more than it
    # gains, and the update of a neuron computed once instead of once for each of its results.
    # XLA reads both when JAX is first used.
    os.environ.setdefault("PJRT_NPROC", "1")
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
    )
    cli.run(Config, main, __doc__ or "")
