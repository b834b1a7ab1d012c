"""Yin-Yang: the first spike of three neurons tells the class of a point, learnt by spike times.

The network of Göltz et al. 2021: a point makes four spikes and a neuron spikes once at most. Times
are in units of the synaptic time constant. `--delays` learns a delay for each synapse too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training.course import rows
from experiments.training.data.yin_yang import Points, input_times, yin_yang

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST, LAST, END = 0.15, 2.0, 4.0
NEURON = {"tau_m": 2.0, "r_m": 2.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
NEURON |= {"tau_refrac": 100.0}
READOUT = jsnn.first_spike("classes")
GRADIENTS = {
    "exact": jsnn.gradients.exact(),
    "surrogate": jsnn.gradients.surrogate(jsnn.surrogates.superspike(width=0.2)),
}


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute or two."""

    gradient: Literal["exact", "surrogate"] = "exact"
    """Rule by which gradients are made."""
    hidden: int = 30
    """Number of hidden neurons."""
    delays: bool = False
    """Learn a delay for each synapse too."""
    epochs: int = 30
    """Passes over the 5,000 training points."""
    full: bool = False
    """Learn for 300 epochs, with a finer step."""
    dt: float = 0.05
    """Length of a step, in synaptic time constants."""
    learning_rate: float = 0.01
    """Learning rate of Adam at the start of a cosine schedule."""
    test: bool = False
    """Measure on the test points at the end; for the last measurement only."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/yin_yang.png")
    """File for the figure."""


def draw(hidden: int, delays: bool, dt: float, seed: int) -> jsnn.Network:
    """Draw the network, 4 - hidden - 3."""
    random = np.random.default_rng(seed)
    sizes = {"points": 4, "hidden": hidden, "classes": 3}

    def projection(pre: str, post: str, mean: float, sd: float) -> jsnn.Projection:
        shape = sizes[pre], sizes[post]
        weights = random.normal(mean, sd, shape).astype(np.float32)
        longest = round(1 / dt)
        steps = np.float32(1 + random.uniform(0, 0.5, shape) / dt)
        dense = jsnn.LearntDelays(weights, steps, longest) if delays else jsnn.Dense(weights)
        return jsnn.Projection(pre, post, dense, jsnn.EXPONENTIAL, {"tau": 1.0})

    return jsnn.Network(
        [
            jsnn.Population("points", 4, jsnn.SPIKE_SOURCE),
            jsnn.Population("hidden", hidden, jsnn.LIF, NEURON, {"v": 0.0}),
            jsnn.Population("classes", 3, jsnn.LIF, NEURON, {"v": 0.0}),
        ],
        [
            projection("points", "hidden", 1.0, 1.0),
            projection("hidden", "classes", 30 / hidden * 0.5, 30 / hidden * 0.5),
        ],
        dt=dt,
    )


def drive(values: np.ndarray, dt: float) -> dict[str, Any]:
    """Return the drive of points, [n, 4], in steps of dt."""
    steps = np.rint(input_times(values, FIRST, LAST) / dt) - 1  # a spike is at the end of its step
    return {"points": jsnn.over_time(steps[:, None] == np.arange(round(END / dt))[:, None])}


def _distance_of_silent(recorded: dict[str, Any], target: Any) -> jax.Array:
    return jnp.mean(jnp.where(recorded["count"] > 0, 0, 1 - recorded["highest"]))


WAKE = jsnn.losses.Loss(
    {"highest": jsnn.MaxVariable("classes"), "count": jsnn.SpikeCount("classes")},
    _distance_of_silent,
)
"""The distance from the threshold of silent output neurons, whose times have no gradient."""


def main(config: Config) -> dict[str, Any]:
    for flag in ("hidden", "epochs"):
        if getattr(config, flag) < 1:
            raise ValueError(f"--{flag}: given {getattr(config, flag)}; expected at least 1")
    if not 1e-3 <= config.dt <= 0.25:
        raise ValueError(f"--dt: given {config.dt}; expected 0.001 to 0.25")
    epochs, dt = (300, config.dt / 2) if config.full else (config.epochs, config.dt)
    learnt, held_out = yin_yang(5000, seed=42), yin_yang(1000, seed=41)
    network, num_steps = draw(config.hidden, config.delays, dt, config.seed), round(END / dt)
    names = ["weights", "delays"] if config.delays else ["weights"]
    training = jsnn.fit(
        *(network, drive(learnt.values, dt), learnt.labels, num_steps),
        jsnn.losses.first_spike_loss("classes", tau=1.0) + WAKE,
        optax.adam(optax.cosine_decay_schedule(config.learning_rate, epochs * 34)),
        epochs=epochs,
        batch_size=150,
        train={p.name: names for p in network.projections},
        gradient=GRADIENTS[config.gradient],
        readout=READOUT,
        validation=(drive(held_out.values, dt), held_out.labels),
        seed=config.seed,
        checkpoint=config.checkpoint,
        progress=True,
    )
    print(training)
    trained = jsnn.deployed(training.network)
    measured = {"held_out_accuracy": evaluate(trained, held_out).accuracy}
    if config.test:
        measured["test_accuracy"] = evaluate(trained, yin_yang(1000, 40)).accuracy
    print(", ".join(f"{name.replace('_', ' ')} {value:.2%}" for name, value in measured.items()))
    cli.write_figure(config.out, draw_regions(trained, held_out))
    print(f"wrote {config.out}")
    return {"epochs": rows(training), "dt": dt, "figure": str(config.out), **measured}


def evaluate(network: jsnn.Network, points: Points) -> jsnn.Evaluation:
    dt = float(network.dt)
    trains = drive(points.values, dt)
    return jsnn.evaluate(network, trains, points.labels, round(END / dt), READOUT)


def draw_regions(network: jsnn.Network, points: Points) -> "Figure":
    """Draw the class of every place of the figure, and points with their own class."""
    from matplotlib.figure import Figure

    x, y = (each.ravel() for each in np.meshgrid(np.linspace(0, 1, 81), np.linspace(0, 1, 81)))
    inside = np.hypot(x - 0.5, y - 0.5) <= 0.5
    grid = np.stack([x, y, 1 - x, 1 - y], axis=1)[inside]
    told = evaluate(network, Points(grid, np.zeros(len(grid), np.int32)))
    regions = np.full(inside.shape, np.nan)
    regions[inside] = told.predictions
    figure = Figure(figsize=(4.0, 4.0), layout="constrained")
    axes = figure.subplots()
    image = {"cmap": "viridis", "vmin": 0, "vmax": 2}
    axes.pcolormesh(x.reshape(81, 81), y.reshape(81, 81), regions.reshape(81, 81), **image)
    axes.scatter(*points.values[:300, :2].T, c=points.labels[:300], s=12, edgecolor="w", **image)
    axes.set(aspect="equal", xlabel="x", ylabel="y", title="decision regions")
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
