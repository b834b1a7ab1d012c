"""SuperSpike: a network of two layers learns 50 spikes at given times, by feedback of its errors.

The task of Zenke & Ganguli 2018, in the form of GeNN's demo but smaller. Errors reach the hidden
layer through the transposed weights of the layer above, as they are while they learn.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import jsnn
from experiments import cli
from experiments.superspike.learning import RATES, TRIAL, draw, learn, matched

if TYPE_CHECKING:
    from jsnn.plot import Figure


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags of a run."""

    seeds: int = 3
    """Number of networks and tasks, with the seeds from --seed on."""
    trials: int = 400
    """Number of trials of 500 ms; the rate of learning falls to a tenth after 200 and 350."""
    out: cli.OutputFigure = Path("results/superspike.png")
    """File for the figure."""


def main(config: Config) -> dict[str, Any]:
    for flag, most in (("seeds", 2**32 - config.seed), ("trials", len(RATES))):
        if not 1 <= getattr(config, flag) <= most:
            raise ValueError(f"--{flag}: given {getattr(config, flag)}; expected 1 to {most}")
    rates = RATES[: config.trials]
    rows, shown, compiled = [], {}, None
    for seed in range(config.seed, config.seed + config.seeds):
        network, drive = draw(np.random.default_rng(seed))
        compiled = compiled or learn.lower(network, drive, rates).compile()
        began = time.perf_counter()
        spikes = np.asarray(compiled(network, drive, rates))
        seconds = time.perf_counter() - began
        target = np.asarray(drive["output"]["target"].values)
        by_trial = [matched(trial, target) for trial in spikes]
        rows.append(
            {
                "seed": seed,
                "targets": int(target.sum()),
                "matched": by_trial[-1],
                "spikes": int(spikes[-1].sum()),
                "matched_by_trial": by_trial,
                "seconds": seconds,
            }
        )
        print(
            f"seed {seed}: {by_trial[-1]} of {target.sum():.0f} target spikes within 3 ms, "
            f"{rows[-1]['spikes']} spikes, {config.trials} trials in {seconds:.1f} s"
        )
        shown[seed] = target, spikes[-1]
    last = [row["matched"] for row in rows]
    print(f"matched: mean {np.mean(last):.1f}, from {min(last)} to {max(last)}")
    cli.write_figure(config.out, draw_figure(rows, *shown[config.seed]))
    print(f"wrote {config.out}")
    return {"trials": config.trials, "runs": rows, "figure": str(config.out)}


@cli.drawing
def draw_figure(rows: list[dict[str, Any]], target: np.ndarray, spikes: np.ndarray) -> "Figure":
    """Draw the matched spikes over trials, and the last trial of one seed, [steps, outputs]."""
    figure, (course, raster) = jsnn.plot.figure(1, 2, height=70)
    for index, row in enumerate(rows):
        colour, dashes = jsnn.plot.PALETTE[index % 5], ("-", "--", ":", "-.")[index // 5 % 4]
        course.plot(
            row["matched_by_trial"],
            color=colour,
            linestyle=dashes,
            linewidth=0.8,
            label=f"seed {row['seed']}",
        )
    course.set(xlabel="trial", ylabel="target spikes within 3 ms", ylim=(0, None))
    course.axhline(rows[0]["targets"], color="0.55", linewidth=0.6, zorder=0)
    course.legend(loc="lower right")
    raster.plot(*np.nonzero(target), "o", color="0.7", markersize=6, label="target")
    raster.plot(*np.nonzero(spikes), "|", color="k", markersize=6, label="spike")
    raster.set(xlabel="time [ms]", ylabel="output neuron index", xlim=(0, TRIAL), ylim=(-0.5, None))
    raster.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    return figure


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
