"""Figures of the mushroom body."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments.mushroom_body.network import DT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 7.0  # inches, a page's text width

PUBLISHED_ACCURACY = 0.7832
"""Accuracy of the GeNN tutorial after 60,000 images, one draw of the inputs, all 10,000 tests."""


_HEIGHTS = {"PN": 2.0, "KC": 3.0, "GGN": 0.4, "MBON": 1.7}
_NAMES = {
    "PN": "projection neurons",
    "KC": "Kenyon cells",
    "GGN": "giant inhibitory neuron",
    "MBON": "output neurons",
}


def one_image(
    spikes: Mapping[str, np.ndarray], potential: np.ndarray, label: int, title: str
) -> "Figure":
    """Draw all spikes while an image is shown, and the potentials of the output neurons.

    Args:
      spikes: {population: bool [steps, N]}.
      potential: of the output neurons at the end of each step, [steps, 10], in mV.
      label: the true digit.
      title: above the figure.
    """
    heights = [*_HEIGHTS.values(), 1.7]
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.0 + sum(heights)), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for axes, (name, full_name) in zip(panels[:-1], _NAMES.items(), strict=True):
        steps, neurons = jsnn.spike_list(spikes[name])
        size = spikes[name].shape[1]
        axes.scatter(steps * DT, neurons, s=3 if size > 20 else 9, c="k", linewidths=0)
        axes.set_ylim(-0.5, size - 0.5)
        axes.set_ylabel(name)
        axes.set_title(
            f"{size:,} {full_name}, {len(steps):,} spike{'s' * (len(steps) != 1)}",
            loc="left",
            fontsize=9,
        )
    panels[2].set_yticks([])
    panels[3].set_yticks(range(0, potential.shape[1], 3))
    panels[3].axhline(label, color="tab:red", linestyle="--", linewidth=1)
    time = (np.arange(len(potential)) + 1) * DT
    others = np.delete(potential, label, axis=1)
    lines = panels[4].plot(time, others, color="0.6", linewidth=0.8)
    lines[0].set_label("other digits")
    panels[4].plot(
        time, potential[:, label], color="tab:red", linewidth=1.2, label=f"digit {label}"
    )
    panels[4].set_title("their membrane potentials", loc="left", fontsize=9)
    panels[4].set_ylabel("V [mV]")
    panels[4].legend(fontsize=8)
    panels[4].set_xlabel("time [ms]")
    panels[4].set_xlim(0, len(potential) * DT)
    figure.align_ylabels()
    figure.suptitle(title, fontsize=11)
    return figure


def accuracy_against_images(seen: np.ndarray, accuracy: np.ndarray) -> "Figure":
    """Draw the share of right answers against the number of training images.

    Args:
      seen: int [m], numbers of images.
      accuracy: [m], fractions.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(seen, 100 * accuracy, "o-", markersize=4, linewidth=1.5, label="jsnn")
    axes.plot(
        60_000, 100 * PUBLISHED_ACCURACY, "k*", markersize=9, label="GeNN's tutorial", zorder=3
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("training images")
    axes.set_ylabel("accuracy [%]")
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def weight_histogram(weights: np.ndarray, w_max: float) -> "Figure":
    """Draw the number of learnt synapses against their weight.

    Args:
      weights: [KC, MBON], in nA.
      w_max: the largest weight that the rule allows.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.hist(1000 * weights.ravel(), bins=np.linspace(0, 1000 * w_max, 61), color="0.35")
    axes.set_yscale("log")
    axes.set_xlim(0, 1000 * w_max)
    axes.set_xlabel("weight from Kenyon cell to output neuron [pA]")
    axes.set_ylabel("synapses")
    at_zero = float(np.mean(weights == 0))
    axes.set_title(f"{weights.size:,} synapses, {at_zero:.1%} of them at 0", loc="left", fontsize=9)
    return figure
