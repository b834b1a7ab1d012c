"""Comparison of the gradients of jsnn: how far they agree, what they train to, and what they cost.

Networks of spiking layers read latency MNIST. For each depth there are the cosines between the
gradients of the first batch, layer by layer, and time and memory of a gradient. The shallowest
network is then trained by each of them, and by the mean of surrogate and exact gradients, in which
the one sees spikes that may appear or vanish, and the other their times.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training import latency_mnist_network as task
from experiments.training.course import rows
from experiments.training.data.latency_mnist import LatencyImages, latency_mnist
from experiments.training.gradients_of_batch import (
    BOTH,
    GRADIENTS,
    INTERPOLATED,
    LOSS,
    compared,
    draw,
)

if TYPE_CHECKING:
    from jsnn.plot import Figure

LOOKED_AT = ("surrogate", "exact", "interpolated", "surrogate + exact", "e-prop")
"""Gradients in the order of their colours."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for some two minutes."""

    depth: int = 2
    """Most hidden layers for which gradients are compared."""
    interpolated: bool = False
    """Compare interpolated exact gradients too, which take a minute to compile."""
    hidden: int = 128
    """Number of neurons in each hidden layer."""
    recurrent: bool = False
    """Let the neurons of each hidden layer excite and inhibit each other."""
    images: int = 2000
    """Number of training images, at most 55,000."""
    epochs: int = 3
    """Passes over the training images by each gradient."""
    batch_size: int = 128
    """Images per update."""
    full: bool = False
    """Learn 55,000 images in 10 epochs."""
    out: cli.OutputFigure = Path("results/compare_gradients.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "depth", "hidden", "images", "epochs", "batch_size")
    number, epochs = (55_000, 10) if config.full else (config.images, config.epochs)
    images = LatencyImages(*(x[:number] for x in latency_mnist("training")))
    batches = task.Batches(images, config.batch_size, config.seed)
    gradients = GRADIENTS | (INTERPOLATED if config.interpolated else {})
    first = next(batches.batches(0, 0))
    network_of = partial(draw, hidden=config.hidden, recurrent=config.recurrent, seed=config.seed)
    depths = {
        d: compared(network_of(d), gradients, first, f"depth {d}")
        for d in range(1, config.depth + 1)
    }
    held_out = latency_mnist("held_out")
    trained = {}
    for name, gradient in (GRADIENTS | BOTH).items():
        training = jsnn.fit(
            *(network_of(1), batches, None, task.NUM_STEPS, LOSS),
            optax.adam(optax.cosine_decay_schedule(task.LEARNING_RATE, epochs * len(batches))),
            epochs=epochs,
            batch_size=config.batch_size,
            gradient=gradient,
            readout=task.READOUT,
            validation=(task.drive(held_out.times), held_out.labels),
            progress=True,
        )
        trained[name] = rows(training)
        print(
            f"trained by {name}: held out accuracy {trained[name][-1]['validation_accuracy']:.2%}"
        )
    cli.write_figure(config.out, draw_figure(depths, trained))
    print(f"wrote {config.out}")
    return {"depths": depths, "trained": trained, "figure": str(config.out)}


@cli.drawing
def draw_figure(depths: dict[int, Any], trained: dict[str, Any]) -> "Figure":
    """Draw the cosines with the surrogate gradient over the layers, and accuracy over epochs."""
    colours = dict(zip(LOOKED_AT, jsnn.plot.PALETTE, strict=True))
    figure, (cosines, accuracy) = jsnn.plot.figure(1, 2, height=65)
    for depth, found in depths.items():
        for pair, values in found["cosines"].items():
            one, other = pair.split(" and ")
            if one == "surrogate":
                x, label = (
                    depth + np.linspace(-0.3, 0.3, len(values)),
                    other if depth == 1 else None,
                )
                cosines.plot(x, list(values.values()), ".-", color=colours[other], label=label)
    for name, epochs in trained.items():
        values = [100 * epoch["validation_accuracy"] for epoch in epochs]
        line = "--" if name == "e-prop" else "-"  # equal to the surrogate's without recurrence
        accuracy.plot(range(1, len(values) + 1), values, line, color=colours[name], label=name)
    cosines.set(xlabel="hidden layers (first to last projection)", xticks=list(depths))
    cosines.set(ylabel="cosine with the surrogate gradient")
    accuracy.set(xlabel="epoch", ylabel="held out accuracy [%]", xticks=range(1, len(values) + 1))
    for axes in (cosines, accuracy):
        axes.legend()
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
