"""Latency MNIST: one layer of spiking neurons learns digits from one spike for each pixel.

The brighter a pixel, the earlier its spike. Leaky integrate-and-fire neurons with exponential
synapses read the spikes, and the class is that of the leaky readout with the highest mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training.course import draw_course, rows
from experiments.training.data.latency_mnist import LatencyImages, latency_mnist

NUM_STEPS = 20  # of 1 ms
READOUT = jsnn.mean_voltage("classes")
TAU_SYN = 5.0  # ms
NEURON = {"tau_m": 20.0, "r_m": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
LEARNING_RATE = 0.01  # of Adam, at the start of a cosine schedule


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute or two on a part of the training images."""

    gradient: Literal["surrogate", "exact", "eprop"] = "surrogate"
    """Rule by which gradients are made."""
    hidden: int = 128
    """Number of hidden neurons."""
    recurrent: bool = False
    """Let hidden neurons excite and inhibit each other."""
    images: int = 10_000
    """Number of training images, at most 55,000."""
    epochs: int = 3
    """Passes over the training images."""
    batch_size: int = 128
    """Images per update."""
    full: bool = False
    """Learn all 55,000 images in 30 epochs."""
    test: bool = False
    """Measure on the test images at the end; for the last measurement only."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/latency_mnist.png")
    """File for the figure."""


def draw(hidden: int, recurrent: bool, seed: int) -> jsnn.Network:
    """Draw the network, 784 - hidden - 10."""
    random = np.random.default_rng(seed)

    def projection(pre: str, post: str, mean: float, sd: float) -> jsnn.Projection:
        drawn = random.normal(mean, sd, (sizes[pre], sizes[post])).astype(np.float32)
        return jsnn.Projection(pre, post, jsnn.Dense(drawn), jsnn.EXPONENTIAL, {"tau": TAU_SYN})

    sizes = {"pixels": 784, "hidden": hidden, "classes": 10}
    readout = {name: NEURON[name] for name in ("tau_m", "r_m", "v_rest")}
    populations = [
        jsnn.Population("pixels", 784, jsnn.SPIKE_SOURCE),
        jsnn.Population("hidden", hidden, jsnn.LIF, NEURON | {"tau_refrac": 0.0}, {"v": 0.0}),
        jsnn.Population("classes", 10, jsnn.LEAKY_INTEGRATOR, readout),
    ]
    projections = [
        projection("pixels", "hidden", 0.06, 0.1),
        projection("hidden", "classes", 0.0, 4 / hidden**0.5),
    ]
    if recurrent:
        projections.append(projection("hidden", "hidden", 0.0, 1 / hidden**0.5))
    return jsnn.Network(populations, projections)


def drive(times: np.ndarray) -> dict[str, Any]:
    """Return the drive of a few images whose pixels spike at `times`, [n, 784]."""
    steps = np.where(np.isfinite(times), times, -1).astype(np.int8)  # pixels spike once at most
    return {"pixels": jsnn.over_time(steps[:, None] == np.arange(NUM_STEPS)[:, None])}


@dataclass(frozen=True)
class Batches:
    """Batches of images, shuffled in each epoch, whose spikes are made when they are needed."""

    images: LatencyImages
    size: int
    seed: int

    def __len__(self) -> int:
        return -(-len(self.images.labels) // self.size)

    def batches(self, epoch: int, first: int) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.images.labels))
        for start in range(first * self.size, len(order), self.size):
            chosen = order[start : start + self.size]
            yield drive(self.images.times[chosen]), self.images.labels[chosen]


def main(config: Config) -> dict[str, Any]:
    for flag in ("hidden", "images", "epochs", "batch_size"):
        if getattr(config, flag) < 1:
            raise ValueError(
                f"--{flag.replace('_', '-')}: given {getattr(config, flag)}; expected at least 1"
            )
    whole, held_out = latency_mnist("training"), latency_mnist("held_out")
    number = len(whole.labels) if config.full else config.images
    epochs = 30 if config.full else config.epochs
    batches = Batches(LatencyImages(*(x[:number] for x in whole)), config.batch_size, config.seed)
    training = jsnn.fit(
        draw(config.hidden, config.recurrent, config.seed),
        *(batches, None, NUM_STEPS),
        jsnn.losses.cross_entropy(READOUT),
        optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, epochs * len(batches))),
        epochs=epochs,
        batch_size=config.batch_size,
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
            training.network, drive(test.times), test.labels, NUM_STEPS, READOUT
        )
        results["test_accuracy"] = measured.accuracy
    print(", ".join(f"{name.replace('_', ' ')} {value:.2%}" for name, value in results.items()))
    cli.write_figure(config.out, draw_course(training))
    print(f"wrote {config.out}")
    return {
        "gradient": config.gradient,
        "hidden": config.hidden,
        "recurrent": config.recurrent,
        "images": number,
        "epochs": rows(training),
        "figure": str(config.out),
        **results,
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
