"""The figures of the mushroom body."""

import numpy as np
from matplotlib.figure import Figure

_WIDTH = 7.0  # inches, a page's text width

PUBLISHED_ACCURACY = 0.7832
"""Of the GeNN tutorial after 60,000 images, one random draw of the inputs, all 10,000 tests."""


def accuracy_against_images(seen: np.ndarray, accuracy: np.ndarray) -> Figure:
    """The share of right answers after so many training images.

    Args:
      seen: int [m].
      accuracy: [m], fractions.
    """
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


def weight_histogram(weights: np.ndarray, w_max: float) -> Figure:
    """How many of the learnt synapses have which weight.

    Args:
      weights: [KC, MBON], in nA.
      w_max: the largest weight that the rule allows.
    """
    figure = Figure(figsize=(_WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.hist(1000 * weights.ravel(), bins=np.linspace(0, 1000 * w_max, 61), color="0.35")
    axes.set_yscale("log")
    axes.set_xlim(0, 1000 * w_max)
    axes.set_xlabel("weight from Kenyon cell to output neuron [pA]")
    axes.set_ylabel("synapses")
    silent = float(np.mean(weights == 0))
    axes.set_title(f"{weights.size:,} synapses, {silent:.1%} of them at 0", loc="left", fontsize=9)
    return figure
