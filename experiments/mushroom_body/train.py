"""Learning of MNIST by spike-timing-dependent plasticity, with 20,000 Kenyon cells."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import jsnn
from experiments import cli
from experiments.checkpoints import only_process_in
from experiments.mnist.data import Images, held_out_images, test_images, training_images
from experiments.mushroom_body import figures
from experiments.mushroom_body.learning import Learnt, learn_all, weights_of
from experiments.mushroom_body.network import (
    NUM_STEPS,
    SYMMETRIC_STDP,
    VARIANTS,
    Variant,
    answering_network,
    draw_inputs,
    input_currents,
    learning_network,
)
from jsnn.network.weight_files import check_no_others

if TYPE_CHECKING:
    from jsnn.plot import Figure

WEIGHTS = "weights"
"""Folder of the learnt weights, in the directory of results."""

MEASURED_ON = 500
"""Number of test images on which the accuracy is measured while the network learns."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a share of the images, learnt by the better of two variants."""

    variant: Literal["tutorial", "graded"] = "graded"
    """The network. tutorial: as in GeNN, the output neuron that spikes first names the digit; it
    has no answer before it has learnt a few thousand images. graded: the neuron of the highest
    potential names the digit."""
    num_train: int = 4_000
    """Number of training images to learn, of 60,000, each once."""
    num_test: int = 2_000
    """Number of test images, of 10,000."""
    full: bool = False
    """Learn and test on all images."""
    image: int = 0
    """Index of the test image in the raster plot."""
    out: cli.OutputDirectory = Path("results/mushroom_body")
    """Directory for figures, weights and the state of a run, so that it can be resumed."""


@contextmanager
def main(config: Config) -> Iterator[dict[str, Any]]:
    cli.check_directory(config.out / WEIGHTS, "out")
    check_no_others(config.out / WEIGHTS, 1)
    with only_process_in(config.out):
        learnt, results = learn_and_test(config)
        yield results
        learnt.checkpoints.remove()


def learn_and_test(config: Config) -> tuple[Learnt, dict[str, Any]]:
    training, test = _images(config)
    if not 0 <= config.image < len(test.labels):
        raise ValueError(f"--image: given {config.image}; expected 0 to {len(test.labels) - 1}")
    variant, inputs = VARIANTS[config.variant], draw_inputs(config.seed)

    def evaluation(weights: np.ndarray, images: Images) -> jsnn.Evaluation:
        return jsnn.evaluate(
            answering_network(inputs, weights, variant),
            {"PN": input_currents(images.pixels)},
            images.labels,
            NUM_STEPS,
            variant.readout,
            progress=True,
        )

    few = _first(test, min(MEASURED_ON, len(test.labels)), "")
    network = learning_network(inputs, variant)
    learnt = learn_all(
        network,
        training,
        config.out,
        lambda weights: evaluation(weights, few).accuracy,
        measured_on=(config.variant, few),
    )
    weights = weights_of(learnt.state)
    result = evaluation(weights, test)

    print(f"{result.accuracy:.2%} of {len(test.labels):,} test images right")
    print(f"{np.mean(learnt.kc_spikes):.1f} Kenyon cell spikes per training image")
    for name, mean in result.spikes_per_presentation.items():
        print(f"{name:>4}: {mean:8.2f} spikes per test image")
    _write(
        config.out,
        {
            "raster": _one_image(inputs, weights, variant, test, config.image),
            "accuracy": figures.accuracy_against_images(learnt.seen, learnt.accuracy),
            "weights": figures.weight_histogram(weights, SYMMETRIC_STDP.params["w_max"].default),
        },
    )
    jsnn.save_weights(config.out / WEIGHTS, [weights])
    return learnt, {
        "variant": config.variant,
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
        "testing_seconds": result.run_seconds,
    }


def _images(config: Config) -> tuple[Images, Images]:
    """Return the images to learn, in the order of MNIST's file, and the images to test."""
    parts = zip(training_images(), held_out_images(), strict=True)
    training, test = Images(*map(np.concatenate, parts)), test_images()
    if config.full:
        return training, test
    return (
        _first(training, config.num_train, "--num-train"),
        _first(test, config.num_test, "--num-test"),
    )


def _first(images: Images, number: int, flag: str) -> Images:
    if not 1 <= number <= len(images.labels):
        raise ValueError(f"{flag}: given {number}; expected 1 to {len(images.labels)}")
    return Images(images.pixels[:number], images.labels[:number])


def _one_image(
    inputs: np.ndarray, weights: np.ndarray, variant: Variant, images: Images, index: int
) -> "Figure":
    network = answering_network(inputs, weights, variant)
    record: dict[str, Any] = {name: jsnn.Spikes(name) for name in network.sizes}
    _, kept = jsnn.simulate(
        network,
        {"PN": input_currents(images.pixels[index : index + 1])[0]},
        NUM_STEPS,
        record=record | {"potential": jsnn.Variable("MBON")},
    )
    kept = {name: np.asarray(value) for name, value in kept.items()}
    label = int(images.labels[index])
    return figures.one_image(kept, kept["potential"], label)


def _write(directory: Path, drawn: dict[str, "Figure"]) -> None:
    for name, figure in drawn.items():
        cli.write_figure(directory / f"{name}.png", figure)
        print(f"wrote {directory / f'{name}.png'}")


if __name__ == "__main__":
    # Each computation has one thread, as splitting 20,000 neurons over two costs more than it
    # gains. A neuron's update is computed once instead of once for each of its results, and fewer
    # arrays are copied in every step. XLA reads these settings when JAX is first used.
    os.environ.setdefault("PJRT_NPROC", "1")
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion "
        "--xla_cpu_copy_insertion_use_region_analysis=true",
    )
    cli.run(Config, main, __doc__ or "")
