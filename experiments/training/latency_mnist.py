"""Latency MNIST: one layer of spiking neurons learns digits from one spike for each pixel.

The brighter a pixel, the earlier its spike. Leaky integrate-and-fire neurons with exponential
synapses read the spikes, and the class is that of the leaky readout with the highest mean.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optax

import jsnn
from experiments import cli
from experiments.training.course import draw_course, rows
from experiments.training.data.latency_mnist import LatencyImages, latency_mnist
from experiments.training.latency_mnist_network import (
    FIRST_WIDTH,
    LEARNING_RATE,
    NUM_STEPS,
    READOUT,
    Batches,
    draw,
    drive,
)


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute or two on a part of the training images."""

    gradient: Literal["surrogate", "exact", "eprop"] = "surrogate"
    """Rule by which gradients are made."""
    hidden: int = 128
    """Number of hidden neurons."""
    recurrent: bool = False
    """Let hidden neurons excite and inhibit each other."""
    delays: bool = False
    """Learn a delay for each synapse from a pixel too."""
    shift: int = 0
    """Move training images by up to so many pixels at random."""
    images: int = 10_000
    """Number of training images, at most 55,000."""
    epochs: int = 3
    """Passes over the training images."""
    batch_size: int = 128
    """Images per update."""
    full: bool = False
    """Learn all 55,000 images in 30 epochs, moved by up to a pixel."""
    test: bool = False
    """Measure on the test images at the end; for the last measurement only."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/latency_mnist.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "hidden", "images", "epochs", "batch_size")
    if not 0 <= config.shift < 28:
        raise ValueError(f"--shift: given {config.shift}; expected 0 to 27")
    whole, held_out = latency_mnist("training"), latency_mnist("held_out")
    number = len(whole.labels) if config.full else config.images
    epochs, shift = (30, 1) if config.full else (config.epochs, config.shift)
    images = LatencyImages(*(x[:number] for x in whole))
    batches = Batches(images, config.batch_size, config.seed, shift)
    network = draw(
        config.hidden, recurrent=config.recurrent, delays=config.delays, seed=config.seed
    )
    train = {p.name: ["weights"] for p in network.projections}
    sharpening = {}
    if config.delays:
        train["pixels_to_hidden"] += ["delays"]
        sharpening = {"pixels_to_hidden": {"width": lambda n: FIRST_WIDTH * 0.05 ** (n / epochs)}}
    training = jsnn.fit(
        *(network, batches, None, NUM_STEPS),
        jsnn.losses.cross_entropy(READOUT),
        optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, epochs * len(batches))),
        epochs=epochs,
        batch_size=config.batch_size,
        train=train,
        over_epochs=sharpening,
        gradient=getattr(jsnn.gradients, config.gradient)(),
        readout=READOUT,
        validation=(drive(held_out.times), held_out.labels),
        checkpoint=config.checkpoint,
        progress=True,
    )
    print(training)
    results = {"held_out_accuracy": training.history[-1].validation_accuracy}
    if config.test:
        test = latency_mnist("test")
        measured = jsnn.evaluate(
            jsnn.deployed(training.network), drive(test.times), test.labels, NUM_STEPS, READOUT
        )
        results["test_accuracy"] = measured.accuracy
    print(", ".join(f"{name.replace('_', ' ')} {value:.2%}" for name, value in results.items()))
    cli.write_figure(config.out, draw_course(training))
    print(f"wrote {config.out}")
    return {
        "gradient": config.gradient,
        "hidden": config.hidden,
        "recurrent": config.recurrent,
        "delays": config.delays,
        "shift": shift,
        "images": number,
        "epochs": rows(training),
        "figure": str(config.out),
        **results,
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
