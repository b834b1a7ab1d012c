"""Pattern: a small network learns to spike a picture, as in Zenke & Ganguli 2018.

Input neurons spike at random times that stay the same, and each output neuron learns to spike at
the times of one row of the picture. The loss is the van Rossum distance of the trains.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import optax

import jsnn
from experiments import cli

if TYPE_CHECKING:
    from jsnn.plot import Figure

NUM_STEPS, NUM_INPUTS, NUM_OUTPUTS = 200, 100, 40  # steps of 1 ms
RATE, TAU, TAU_SYN = 0.04, 5.0, 5.0  # spikes per step, ms, ms
NEURON = {"tau_m": 10.0, "r_m": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
NEURON |= {"tau_refrac": 0.0}
WITHIN = 2  # steps from a target spike to one that matches it


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute."""

    gradient: Literal["surrogate", "exact"] = "surrogate"
    """Rule by which gradients are made."""
    hidden: int = 100
    """Number of hidden neurons."""
    recurrent: bool = False
    """Let hidden neurons excite and inhibit each other."""
    delays: bool = False
    """Learn a delay for each synapse from the input too."""
    updates: int = 500
    """Number of presentations, with an update after each."""
    full: bool = False
    """Learn for 5,000 presentations."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/pattern.png")
    """File for the figure."""


def picture() -> np.ndarray:
    """Return a face, bool [T, outputs]: True where an output neuron is to spike."""
    x = np.linspace(-1.1, 1.1, NUM_STEPS)[:, None]
    y = np.linspace(-1.1, 1.1, NUM_OUTPUTS)[None]
    pitch = 2.2 / NUM_OUTPUTS
    radius, mouth = np.hypot(x, y), np.hypot(x, y - 0.1)
    inked = (np.abs(radius - 1) < pitch / 2) | ((np.abs(mouth - 0.6) < pitch / 2) & (y < -0.1))
    inked |= np.hypot(np.abs(x) - 0.35, y - 0.4) < 1.5 * pitch
    return inked & (np.arange(NUM_STEPS)[:, None] % 5 == np.arange(NUM_OUTPUTS) % 5)


def draw(config: Config) -> jsnn.Network:
    """Draw the network, 100 - hidden - 40."""
    random = np.random.default_rng(config.seed)
    sizes = {"input": NUM_INPUTS, "hidden": config.hidden, "output": NUM_OUTPUTS}

    def projection(pre: str, post: str, scale: float, learns_delays: bool) -> jsnn.Projection:
        shape = sizes[pre], sizes[post]
        weights = random.normal(0.05, scale / sizes[pre] ** 0.5, shape).astype(np.float32)
        steps = random.uniform(1, 10, shape).astype(np.float32)
        dense = jsnn.LearntDelays(weights, steps, 20) if learns_delays else jsnn.Dense(weights)
        return jsnn.Projection(pre, post, dense, jsnn.EXPONENTIAL, {"tau": TAU_SYN})

    populations = [jsnn.Population("input", NUM_INPUTS, jsnn.SPIKE_SOURCE)]
    populations += [
        jsnn.Population(name, sizes[name], jsnn.LIF, NEURON, {"v": 0.0})
        for name in ("hidden", "output")
    ]
    projections = [
        projection("input", "hidden", 3.0, config.delays),
        projection("hidden", "output", 3.0, False),
    ]
    if config.recurrent:
        projections.append(projection("hidden", "hidden", 1.0, False))
    return jsnn.Network(populations, projections)


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "hidden", "updates")
    updates = 5000 if config.full else config.updates
    network, target = draw(config), picture()
    trains = np.random.default_rng([config.seed, 1]).random((NUM_STEPS, NUM_INPUTS)) < RATE
    drive = {"input": jsnn.over_time(trains)}
    training = jsnn.fit(
        *(network, {"input": jsnn.over_time(trains[None])}, target[None].astype(np.float32)),
        *(NUM_STEPS, jsnn.losses.van_rossum("output", TAU)),
        optax.adam(optax.cosine_decay_schedule(0.01, updates)),
        epochs=updates,
        batch_size=1,
        train={p.name: ["weights"] for p in network.projections}
        | ({"input_to_hidden": ["weights", "delays"]} if config.delays else {}),
        gradient=getattr(jsnn.gradients, config.gradient)(),
        checkpoint=config.checkpoint,
    )
    rasters = {}
    for when, shown in (("before", network), ("after", jsnn.deployed(training.network))):
        record = {"spikes": jsnn.Spikes("output")}
        rasters[when] = np.asarray(
            jsnn.simulate(shown, drive, NUM_STEPS, record=record)[1]["spikes"]
        )
    losses = training.course("loss")
    results = {
        "distance": {"before": losses[0], "after": losses[-1]},
        "target_spikes": int(target.sum()),
        "spikes": {when: int(raster.sum()) for when, raster in rasters.items()},
        "matched": {when: matched(raster, target) for when, raster in rasters.items()},
        "seconds": float(training.course("seconds").sum()),
    }
    print(
        f"van Rossum distance {losses[0]:.1f} -> {losses[-1]:.1f}; "
        f"{results['matched']['after']} of {target.sum()} target spikes within {WITHIN} ms, "
        f"{results['spikes']['after']} spikes; "
        f"{updates} updates in {results['seconds']:.0f} s"
    )
    cli.write_figure(config.out, draw_figure(losses, target, rasters))
    print(f"wrote {config.out}")
    return results | {"figure": str(config.out)}


def matched(spikes: np.ndarray, target: np.ndarray) -> int:
    """Count the target spikes, [T, outputs], that have an output spike within 2 ms."""
    padded = np.pad(spikes, ((WITHIN, WITHIN), (0, 0)))
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * WITHIN + 1, axis=0).any(-1)
    return int(near[target].sum())


@cli.drawing
def draw_figure(losses: np.ndarray, target: np.ndarray, rasters: dict[str, np.ndarray]) -> "Figure":
    """Draw the spikes of the output before and after learning, and the loss."""
    figure, (*panels, course) = jsnn.plot.figure(1, 3, height=58)
    for axes, (when, spikes) in zip(panels, rasters.items(), strict=True):
        axes.plot(*np.nonzero(target), "o", color="0.75", markersize=3, label="target")
        axes.plot(*np.nonzero(spikes), "k.", markersize=1.5, label=f"{when} learning")
        axes.set(xlabel="time [ms]", ylabel="output neuron index", xlim=(0, NUM_STEPS))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, markerscale=1.5)
    course.semilogy(losses, linewidth=0.8)
    jsnn.plot.log_ticks(course.yaxis)
    course.set(xlabel="update", ylabel="van Rossum distance")
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
