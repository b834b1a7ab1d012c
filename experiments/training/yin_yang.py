"""Yin-Yang: the first spike of three neurons tells the class of a point, learnt by spike times.

The network of Göltz et al. 2021: a point makes four spikes and a neuron spikes once at most. Times
are in units of the synaptic time constant. What is learnt is evaluated with finer steps, and with
whole delays. `--delays` learns a delay for each synapse too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training.course import draw_course, rows
from experiments.training.data.yin_yang import Points, yin_yang
from experiments.training.yin_yang_network import END, draw, drive, evaluate, on_finer_grid

if TYPE_CHECKING:
    from jsnn.plot import Figure

GRADIENTS = {
    "exact": jsnn.gradients.exact(),
    "surrogate": jsnn.gradients.surrogate(jsnn.surrogates.superspike(width=0.2)),
}
LOSS = jsnn.losses.first_spike_loss("classes", tau=1.0, xi=0.05, silent=2.0)
LARGEST_GRADIENT = 1.0  # a neuron that just reaches the threshold has a huge one
BATCH_SIZE = 50
FINE = 0.01


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute or two."""

    gradient: Literal["exact", "surrogate"] = "exact"
    """Rule by which gradients are made."""
    hidden: int = 30
    """Number of hidden neurons."""
    recurrent: bool = False
    """Let hidden neurons excite and inhibit each other."""
    delays: bool = False
    """Learn a delay for each synapse too."""
    epochs: int = 10
    """Passes over the 5,000 training points."""
    full: bool = False
    """Learn for 60 epochs, with half the step."""
    dt: float = 0.04
    """Length of a step while it learns, in synaptic time constants."""
    learning_rate: float = 0.01
    """Learning rate of Adam at the start of a cosine schedule."""
    test: bool = False
    """Measure on the test points at the end; for the last measurement only."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/yin_yang.png")
    """File for the figure of the decision regions; that of the course is beside it."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "hidden", "epochs")
    if not FINE <= config.dt <= 0.25:
        raise ValueError(f"--dt: given {config.dt}; expected {FINE} to 0.25")
    if not 0 < config.learning_rate <= 1:
        raise ValueError(f"--learning-rate: given {config.learning_rate}; expected 0 to 1")
    epochs, dt = (60, config.dt / 2) if config.full else (config.epochs, config.dt)
    learnt, held_out = yin_yang(5000, seed=42), yin_yang(1000, seed=41)
    network = draw(
        config.hidden,
        recurrent=config.recurrent,
        delays=config.delays,
        dt=dt,
        seed=config.seed,
    )
    names = ["weights", "delays"] if config.delays else ["weights"]
    updates = epochs * -(-len(learnt.labels) // BATCH_SIZE)
    training = jsnn.fit(
        *(network, drive(learnt.values), learnt.labels, round(END / dt), LOSS),
        optax.chain(
            optax.clip_by_global_norm(LARGEST_GRADIENT),
            optax.adam(optax.cosine_decay_schedule(config.learning_rate, updates)),
        ),
        epochs=epochs,
        batch_size=BATCH_SIZE,
        train={p.name: names for p in network.projections},
        gradient=GRADIENTS[config.gradient],
        readout=jsnn.first_spike("classes"),
        validation=(drive(held_out.values), held_out.labels),
        seed=config.seed,
        checkpoint=config.checkpoint,
        progress=True,
    )
    print(training)
    trained = on_finer_grid(training.network, FINE)
    measured = {"held_out_accuracy": evaluate(trained, held_out).accuracy}
    if config.test:
        measured["test_accuracy"] = evaluate(trained, yin_yang(1000, seed=40)).accuracy
    print(", ".join(f"{name.replace('_', ' ')} {value:.2%}" for name, value in measured.items()))
    course = config.out.with_stem(f"{config.out.stem}_course")
    cli.write_figure(config.out, draw_regions(trained, held_out))
    cli.write_figure(course, draw_course(training))
    print(f"wrote {config.out} and {course}")
    return {
        "gradient": config.gradient,
        "hidden": config.hidden,
        "recurrent": config.recurrent,
        "delays": config.delays,
        "dt": dt,
        "epochs": rows(training),
        "figure": str(config.out),
        **measured,
    }


@cli.drawing
def draw_regions(network: jsnn.Network, points: Points) -> "Figure":
    """Draw the class of every place of the figure, and points with their own class."""
    from matplotlib.colors import ListedColormap

    x, y = (each.ravel() for each in np.meshgrid(np.linspace(0, 1, 81), np.linspace(0, 1, 81)))
    inside = np.hypot(x - 0.5, y - 0.5) <= 0.5
    grid = np.stack([x, y, 1 - x, 1 - y], axis=1)[inside]
    regions = np.full(inside.shape, np.nan)
    regions[inside] = evaluate(network, Points(grid, np.zeros(len(grid), np.int32))).predictions
    figure, axes = jsnn.plot.figure(width="single", height=85)
    image = {"cmap": ListedColormap(jsnn.plot.PALETTE[1:4]), "vmin": 0, "vmax": 2}
    axes.pcolormesh(x.reshape(81, 81), y.reshape(81, 81), regions.reshape(81, 81), **image)
    axes.scatter(
        *points.values[:300, :2].T,
        c=points.labels[:300],
        s=9,
        edgecolor="w",
        linewidths=0.5,
        **image,
    )
    axes.set(aspect="equal", xlabel="x", ylabel="y")
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
