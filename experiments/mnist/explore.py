"""Exploration (part 3): the shortest presentation, and the fewest spikes, that still do.

(a) Accuracy against presentation time, for every T out of one run over the test images.
(b) A grid over threshold and input scale. The cheapest setting that is at most 0.1 percentage
    points below the default is chosen on held-out training images, then measured once on the test
    images.
(c) Both for a network of your own: --weights.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import jsnn
from experiments import cli
from experiments.checkpoints import only_process_in
from experiments.mnist.data import Images, held_out_images, test_images
from experiments.mnist.network import (
    INPUT_SCALE,
    NUM_STEPS,
    V_THRESH,
    WEIGHTS,
    output_of,
    spiking_evaluation,
    spiking_network,
)
from experiments.mnist.sweep import Sweep, sweep
from experiments.mnist.train import ann_accuracy
from jsnn.network.whole_files import write_whole
from jsnn.recording import SpikesOf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSS_ALLOWED = 0.001  # 0.1 percentage points


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags. A full run shows 405,000 images for 100 steps; --quick, 25,000."""

    weights: Path = WEIGHTS
    """Directory of weights_0_1.npy, weights_1_2.npy, ..."""
    num_steps: int = NUM_STEPS
    """Length of a presentation, in steps of 1 ms."""
    quick: bool = False
    """Take a coarser grid, on 1,000 of the 5,000 held-out images."""
    out: cli.OutputDirectory = Path("results/explore")
    """Directory for the figures, the table, and the sums from which a broken sweep resumes."""


def grid(default: float, quick: bool) -> list[float]:
    """Return factors of sqrt 2 (quick: 2) around the default, from a quarter to four times it."""
    exponents = np.arange(-2, 2.01, 1.0 if quick else 0.5)
    return [float(default * 2**e) for e in exponents]


def spikes_of_step(state: jsnn.State, spikes: SpikesOf) -> Any:
    """Return the number of spikes of a step in all layers."""
    return sum(s.sum() for s in spikes.values())


def over_time(weights: Sequence[np.ndarray], images: Images, num_steps: int) -> dict[str, Any]:
    """Return accuracy and spikes per image after 1, 2, ..., num_steps steps, out of one run."""
    output = output_of(spiking_network(weights))
    result = spiking_evaluation(
        weights,
        images,
        num_steps=num_steps,
        record={"output": jsnn.Spikes(output), "spikes": spikes_of_step},
    )
    counts = np.cumsum(result.recorded["output"], axis=1, dtype=np.int32)
    accuracy = np.mean(np.argmax(counts, axis=2) == result.labels[:, None], axis=0)
    spikes = np.cumsum(result.recorded["spikes"].mean(axis=0, dtype=np.float64))
    return {"accuracy": accuracy, "spikes": spikes}


def cheapest_good_setting(grid: Sweep) -> tuple[int, int]:
    """Return the indices of the fewest spikes within the allowed loss of the default's accuracy."""
    default = default_setting(grid)
    good = grid.accuracy >= grid.accuracy[default] - LOSS_ALLOWED - 1e-9  # a sum of rounded terms
    cheapest = np.argmin(np.where(good, grid.spikes, np.inf))
    return tuple(int(i) for i in np.unravel_index(cheapest, grid.spikes.shape))


def default_setting(grid: Sweep) -> tuple[int, int]:
    """Return the indices of the tutorial's setting."""
    return int(np.argmin(abs(grid.v_thresh - V_THRESH))), int(
        np.argmin(abs(grid.input_scale - INPUT_SCALE))
    )


@contextmanager
def main(config: Config) -> Iterator[dict[str, Any]]:
    with only_process_in(config.out):
        swept, results = explored(config)
        yield results
        swept.checkpoints.remove()


def explored(config: Config) -> tuple[Sweep, dict[str, Any]]:
    weights = jsnn.load_weights(config.weights)
    test, held_out = test_images(), held_out_images()
    if config.quick:
        held_out = Images(held_out.pixels[:1000], held_out.labels[:1000])
    time_course = over_time(weights, test, config.num_steps)
    swept = sweep(
        weights,
        held_out,
        grid(V_THRESH, config.quick),
        grid(INPUT_SCALE, config.quick),
        config.num_steps,
        config.out,
    )
    rows = []
    settings = {"tutorial": default_setting(swept), "chosen": cheapest_good_setting(swept)}
    for name, (i, j) in settings.items():
        v_thresh, scale = float(swept.v_thresh[i]), float(swept.input_scale[j])
        measured = spiking_evaluation(
            weights, test, num_steps=config.num_steps, v_thresh=v_thresh, input_scale=scale
        )
        rows.append(
            {
                "setting": name,
                "v_thresh": v_thresh,
                "input_scale": scale,
                "held_out_accuracy": float(swept.accuracy[i, j]),
                "held_out_spikes": float(swept.spikes[i, j]),
                "test_accuracy": measured.accuracy,
                "test_spikes": sum(measured.spikes_per_presentation.values()),
            }
        )
    table = markdown(rows, time_course)
    print(table)
    figures = draw(swept, settings, time_course, ann_accuracy(weights, test))
    for name, figure in figures.items():
        cli.write_figure(config.out / name, figure)
    write_whole(config.out / "table.md", table.encode())
    print(f"wrote {', '.join(str(config.out / name) for name in [*figures, 'table.md'])}")
    front = jsnn.plot.pareto_front(swept.spikes.ravel(), swept.accuracy.ravel())
    return swept, {
        "over_time": {name: values.tolist() for name, values in time_course.items()},
        "grid": {
            name: getattr(swept, name).tolist()
            for name in ("v_thresh", "input_scale", "accuracy", "spikes")
        },
        "pareto_front": [
            {
                "v_thresh": float(swept.v_thresh[i]),
                "input_scale": float(swept.input_scale[j]),
                "accuracy": float(swept.accuracy[i, j]),
                "spikes": float(swept.spikes[i, j]),
            }
            for i, j in zip(*np.unravel_index(front, swept.spikes.shape), strict=True)
        ],
        "settings": rows,
    }


def markdown(rows: Sequence[dict[str, Any]], time_course: dict[str, np.ndarray]) -> str:
    """Return both answers as Markdown tables."""
    settings = [
        f"| {row['setting']} | {row['v_thresh']:.4g} | {row['input_scale']:.4g} "
        f"| {row['held_out_accuracy']:.2%} | {row['test_accuracy']:.2%} "
        f"| {row['test_spikes']:,.0f} |"
        for row in rows
    ]
    num_steps = len(time_course["accuracy"])
    durations = [steps for steps in (10, 20, 30, 40, 60, 80) if steps < num_steps] + [num_steps]
    times = [
        f"| {steps} | {time_course['accuracy'][steps - 1]:.2%} "
        f"| {time_course['spikes'][steps - 1]:,.0f} |"
        for steps in durations
    ]
    columns = "setting|v_thresh|input scale|held-out accuracy|test accuracy|spikes per image"
    return "\n".join(
        [
            f"| {columns.replace('|', ' | ')} |",
            "|---|---|---|---|---|---|",
            *settings,
            "",
            "| steps | test accuracy | spikes per image |",
            "|---|---|---|",
            *times,
            "",
        ]
    )


def draw(
    swept: Sweep,
    settings: dict[str, tuple[int, int]],
    time_course: dict[str, np.ndarray],
    ann: float,
) -> dict[str, "Figure"]:
    """Draw the two figures, by file name."""
    marked = {
        f"{name}: threshold {swept.v_thresh[i]:.3g}, scale {swept.input_scale[j]:.3g}": int(
            np.ravel_multi_index((i, j), swept.spikes.shape)
        )
        for name, (i, j) in settings.items()
    }
    return {
        "accuracy_over_time.png": jsnn.plot.accuracy_over_time(
            {"spiking network": time_course["accuracy"]}, reference=ann
        ),
        "spikes_against_accuracy.png": jsnn.plot.spikes_against_accuracy(
            swept.spikes.ravel(), swept.accuracy.ravel(), marked=marked
        ),
    }


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
