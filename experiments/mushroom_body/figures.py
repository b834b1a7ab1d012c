"""Figures of the mushroom body."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

import jsnn
from experiments import cli
from experiments.mushroom_body.network import DT

if TYPE_CHECKING:
    from jsnn.plot import Figure

PUBLISHED_ACCURACY = 0.7832
"""Accuracy of the GeNN tutorial after 60,000 images, one draw of the inputs, all 10,000 tests."""


@cli.drawing
def one_image(spikes: Mapping[str, np.ndarray], potential: np.ndarray, label: int) -> "Figure":
    """Draw all spikes while an image is shown, and the potentials of the output neurons.

    Args:
      spikes: {population: bool [steps, N]}.
      potential: of the output neurons at the end of each step, [steps, 10], in mV.
      label: the true digit.
    """
    figure, (pn, kc, mbon) = jsnn.plot.figure(3, height=150, sharex=True, height_ratios=(2, 3, 2))
    jsnn.plot.raster({"PN": spikes["PN"]}, dt=DT, ax=pn)
    jsnn.plot.raster({"KC": spikes["KC"]}, dt=DT, ax=kc)
    pn.set_ylabel("projection neurons\nneuron index")
    kc.set_ylabel("Kenyon cells\nneuron index")
    inhibited = DT * np.flatnonzero(spikes["GGN"][:, 0])
    kc.vlines(inhibited, -0.5, spikes["KC"].shape[1] - 0.5, color=jsnn.plot.INHIBITORY)
    kc.plot(
        [],
        [],
        color=jsnn.plot.INHIBITORY,
        label=f"spikes of the giant inhibitory neuron: {len(inhibited)}",
    )
    kc.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    time = (np.arange(len(potential)) + 1) * DT
    for digit, trace in enumerate(potential.T):
        own = digit == label
        name = (
            f"digit {label}, the image"
            if own
            else "other digits"
            if digit == (label == 0)
            else None
        )
        look = {"color": jsnn.plot.MARK, "zorder": 3} if own else {"color": "0.6", "linewidth": 0.8}
        mbon.plot(time, trace, label=name, **look)
    at = np.nonzero(spikes["MBON"])
    mbon.plot(time[at[0]], potential[at], "k.", zorder=4, label=f"spikes: {len(at[0])}")
    mbon.set(xlabel="time [ms]", ylabel="output neurons\nmembrane potential [mV]")
    mbon.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2)
    figure.align_ylabels()
    return figure


@cli.drawing
def accuracy_against_images(seen: np.ndarray, accuracy: np.ndarray) -> "Figure":
    """Draw the share of right answers against the number of training images.

    Args:
      seen: int [m], numbers of images.
      accuracy: [m], fractions.
    """
    figure, axes = jsnn.plot.figure(width="single", height=60)
    axes.plot(seen, 100 * accuracy, ".-", label="jsnn")
    axes.plot(
        60_000, 100 * PUBLISHED_ACCURACY, "k*", markersize=8, label="GeNN's tutorial", zorder=3
    )
    axes.set_xscale("log")
    jsnn.plot.log_ticks(axes.xaxis)
    axes.set_xlabel("training images")
    axes.set_ylabel("accuracy [%]")
    axes.set_ylim(0, 100)
    axes.grid()
    axes.legend(loc="lower right")
    return figure


@cli.drawing
def weight_histogram(weights: np.ndarray, w_max: float) -> "Figure":
    """Draw the number of learnt synapses against their weight.

    Args:
      weights: [KC, MBON], in nA.
      w_max: the largest weight that the rule allows.
    """
    figure, axes = jsnn.plot.figure(width="single", height=60)
    axes.hist(1000 * weights.ravel(), bins=np.linspace(0, 1000 * w_max, 61), color="0.35")
    axes.set_yscale("log")
    jsnn.plot.log_ticks(axes.yaxis)
    axes.set_xlim(0, 1000 * w_max)
    axes.set_xlabel("weight from Kenyon cell to output neuron [pA]")
    at_zero = float(np.mean(weights == 0))
    axes.set_ylabel(f"number of synapses ({at_zero:.1%} at 0)")
    return figure
