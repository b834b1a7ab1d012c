"""Fit of the four weights of an excitatory-inhibitory network to rates and irregularity.

The targets are given, or come from a network with known weights. The network goes on running while
it is fitted, and each update takes the gradient of its last half second. `four_weights` beside this
file says what the gradient is. In the end the network runs with new noise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training.four_weights import (
    KNOWN,
    SIZES,
    differentiated,
    draw,
    run,
    statistics,
    weights_of,
)

if TYPE_CHECKING:
    from jsnn.plot import Figure

LEARNING_RATE = 0.1  # of Adam, of the logarithms of weights, at the start of a cosine schedule
NAMES = ("excitatory rate", "inhibitory rate", "excitatory CV", "inhibitory CV")


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for two minutes."""

    rates: tuple[float, float] | None = None
    """Rates to reach, excitatory and inhibitory, Hz; by default those of a known network."""
    cv: tuple[float, float] | None = None
    """Coefficients of variation to reach; by default those of a known network."""
    updates: int = 120
    """Number of updates, one for each half second that the network runs."""
    full: bool = False
    """Fit in 500 updates."""
    out: cli.OutputFigure = Path("results/fit_rates.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    cli.check_at_least_1(config, "updates")
    for flag in ("rates", "cv"):
        if min(getattr(config, flag) or (1.0,)) <= 0:
            raise ValueError(f"--{flag}: given {getattr(config, flag)}; expected numbers > 0")
    start_key, known_key, new_key = jax.random.split(jax.random.key(config.seed), 3)
    targets = statistics(run(draw(KNOWN, config.seed + 1), known_key))
    for row, given in enumerate((config.rates, config.cv)):
        targets[row] = targets[row] if given is None else given
    random = np.random.default_rng(config.seed)
    start = {name: weight * np.exp(random.uniform(-0.5, 0.5)) for name, weight in KNOWN.items()}
    network = draw(start, config.seed)
    weights, course = fit(
        network, start, start_key, targets, 500 if config.full else config.updates
    )
    fitted = network.with_params(weights)
    rasters = {"before": run(network, new_key), "after": run(fitted, new_key)}
    measured = {when: statistics(raster) for when, raster in rasters.items()}
    found = {name: float(of_name["weight"]) for name, of_name in weights.items()}
    print("|  | target | before | after | off |\n|---|---|---|---|---|")
    for name, target, before, after in zip(
        NAMES, targets.ravel(), measured["before"].ravel(), measured["after"].ravel(), strict=True
    ):
        print(f"| {name} | {target:.3f} | {before:.3f} | {after:.3f} | {after / target - 1:+.1%} |")
    print("weights: " + ", ".join(f"{name} {weight:.3g}" for name, weight in found.items()))
    cli.write_figure(config.out, draw_figure(course, targets, rasters))
    print(f"wrote {config.out}")
    return {
        "targets": targets.tolist(),
        "before": measured["before"].tolist(),
        "after": measured["after"].tolist(),
        "weights": {"known": KNOWN, "start": start, "fitted": found},
        "course": course.tolist(),
        "figure": str(config.out),
    }


def fit(
    network: jsnn.Network,
    start: dict[str, float],
    key: jax.Array,
    targets: np.ndarray,
    updates: int,
) -> tuple[Any, np.ndarray]:
    """Return the fitted weights, and rates and CV in the course of the updates, [updates, 2, 2]."""
    logarithms = {name: jnp.log(jnp.float32(abs(weight))) for name, weight in start.items()}
    optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, updates))
    state, course = optimizer.init(logarithms), []
    running = jsnn.init(network, key), {n: jnp.full(size, -1) for n, size in SIZES.items()}
    with cli.progress_bar(updates, "update") as bar:
        for _ in range(updates):
            (loss, (measured, running)), gradient = differentiated(
                logarithms, network, running, jnp.float32(targets)
            )
            changes, state = optimizer.update(gradient, state)
            logarithms = optax.apply_updates(logarithms, changes)
            course.append(np.asarray(measured))
            bar.set_postfix(loss=f"{loss:.2g}", refresh=False)
            bar.update()
    return weights_of(logarithms), np.stack(course)


@cli.drawing
def draw_figure(course: np.ndarray, targets: np.ndarray, rasters: dict[str, Any]) -> "Figure":
    """Draw rates and CV over updates, and the spikes of 200 ms before and after the fit."""
    figure, (courses, panels) = jsnn.plot.figure(2, 2, height=115)
    colours = dict(zip(SIZES, (jsnn.plot.EXCITATORY, jsnn.plot.INHIBITORY), strict=True))
    for row, (axes, label) in enumerate(
        zip(courses, ("rate [Hz]", "CV of intervals"), strict=True)
    ):
        for column, (name, colour) in enumerate(colours.items()):
            axes.plot(course[:, row, column], color=colour, label=name)
            axes.axhline(targets[row, column], color=colour, linestyle="--", linewidth=0.8)
        axes.plot([], [], "--", color="0.5", linewidth=0.8, label="target")
        axes.set(xlabel="update", ylabel=label, ylim=(0, None))
        axes.legend(ncols=3)
    for axes, (when, spikes) in zip(panels, rasters.items(), strict=True):
        shown = {name: np.asarray(spikes[name])[400:800] for name in SIZES}
        jsnn.plot.raster(shown, dt=0.5, ax=axes)
        axes.set_ylabel(f"{when} the fit\nneuron index")
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
