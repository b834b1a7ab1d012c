"""Animation of one test image: the digit, the spikes of all layers as they come, and the votes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import jsnn
from experiments import cli
from experiments.mnist.data import test_image
from experiments.mnist.network import (
    INPUT_SCALE,
    NUM_STEPS,
    WEIGHTS,
    output_of,
    spikes_of_image,
    spiking_network,
)

FRAME_STEPS = 2
"""Steps from one frame to the next."""
FRAMES_PER_SECOND = 12
DOTS_PER_INCH = 110
HELD_FRAMES = 24
"""Frames for which the end stands still."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags."""

    image_index: int = 0
    """Index of the test image, 0 to 9999."""
    out: cli.OutputFile = Path("results/digit.gif")
    """File for the animation, a GIF."""


def main(config: Config) -> dict[str, Any]:
    pixels, label = test_image(config.image_index, "--image-index")
    if config.out.suffix != ".gif":
        raise ValueError(f"--out: given {config.out}; expected .gif")
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    spikes = spikes_of_image(network, pixels, NUM_STEPS, INPUT_SCALE)
    votes = spikes[output_of(network)].cumsum(axis=0)
    with jsnn.plot.style():
        animate(pixels.reshape(28, 28), spikes, votes, config.out)
    print(f"true label={label}, most votes={votes[-1].argmax()}")
    print(f"wrote {config.out}")
    return {"label": label, "prediction": int(votes[-1].argmax()), "animation": str(config.out)}


def animate(
    digit: np.ndarray, spikes: dict[str, np.ndarray], votes: np.ndarray, path: Path
) -> None:
    """Write the animation.

    Args:
      digit: [28, 28].
      spikes: {population: bool [T, N]}, three of them.
      votes: [T, 10], the spikes of the output neurons so far.
      path: of the GIF.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure: Any = jsnn.plot.Figure(height=80)
    left, middle, right = figure.subfigures(1, 3, width_ratios=(1.5, 4, 1.5))
    image = left.subplots()
    image.imshow(digit, cmap="gray_r")
    image.axis("off")
    dots = []
    panels = middle.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1.4))
    labels = ("784 pixels", "128 hidden", "10 digits")
    for axes, label, trains in zip(panels, labels, spikes.values(), strict=True):
        dots.append(axes.scatter([], [], s=2 if trains.shape[1] > 10 else 7, c="k", linewidths=0))
        axes.set(xlim=(0, len(votes)), ylim=(-0.5, trains.shape[1] - 0.5), yticks=[])
        axes.set_ylabel(label)
    panels[0].invert_yaxis()  # the top of the digit is at the top
    panels[-1].set_xlabel("time [ms]")
    counts = right.subplots()
    bars = counts.barh(range(10), np.zeros(10), color="0.75")
    counts.set(xlim=(0, votes.max() * 1.1), yticks=range(10), xlabel="votes [spikes]")

    def draw(step: int) -> None:
        for shown, trains in zip(dots, spikes.values(), strict=True):
            steps, neurons = np.nonzero(trains[:step])
            shown.set_offsets(np.column_stack([steps, neurons]))
        now = votes[step - 1]
        for bar, count in zip(bars, now, strict=True):
            bar.set_width(count)
            bar.set_color("0.75")
        bars[now.argmax()].set_color(jsnn.plot.MARK)

    steps = [*range(FRAME_STEPS, len(votes) + 1, FRAME_STEPS)]
    film = FuncAnimation(figure, draw, [*steps, *([steps[-1]] * HELD_FRAMES)])
    film.save(path, PillowWriter(FRAMES_PER_SECOND), dpi=DOTS_PER_INCH)


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
