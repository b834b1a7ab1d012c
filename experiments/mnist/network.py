"""The tutorial's spiking network: integrate-and-fire layers under the weights of a small ANN."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import jsnn
from experiments.mnist.data import Images, input_currents
from jsnn.evaluation.between import Between
from jsnn.recording import Recordings

WEIGHTS = Path(__file__).parent / "weights"
"""The shipped weights, made by `python -m experiments.mnist.train` with its defaults."""

NUM_STEPS = 100
V_THRESH = 5.0
INPUT_SCALE = 0.01
"""The tutorial's settings: steps of 1 ms per image, the threshold, current per grey level."""


def spiking_network(weights: Sequence[np.ndarray], v_thresh: float = V_THRESH) -> jsnn.Network:
    """V <- V + I dt, spike at V >= v_thresh, V <- 0, in every layer; dt = 1 ms."""
    return jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": v_thresh})


def output_of(network: jsnn.Network) -> str:
    """The name of the last layer."""
    return network.populations[-1].name


def check_pixels(network: jsnn.Network, pixels: np.ndarray) -> None:
    """Raise ValueError if the network's input layer does not have one neuron for each pixel."""
    layer = network.populations[0]
    if layer.size != pixels.shape[1]:
        raise ValueError(
            f"weights_0_1.npy: given {layer.size} presynaptic neurons; expected {pixels.shape[1]}, "
            "one for each pixel (transposed weights?)"
        )


def spiking_evaluation(
    weights: Sequence[np.ndarray],
    images: Images,
    *,
    num_steps: int = NUM_STEPS,
    v_thresh: float = V_THRESH,
    input_scale: float = INPUT_SCALE,
    between: Between = jsnn.fresh,
    batch_size: int | None = None,
    record: Recordings | None = None,
    plain: bool = False,
) -> jsnn.Evaluation:
    """Show every image for `num_steps`; the output neuron that spiked most names the digit."""
    network = spiking_network(weights, v_thresh)
    check_pixels(network, images.pixels)
    return jsnn.evaluate(
        network,
        {network.populations[0].name: input_currents(images.pixels, input_scale)},
        images.labels,
        num_steps,
        jsnn.spike_count(output_of(network)),
        between=between,
        batch_size=batch_size,
        record=record,
        progress=True,
        scheduled=not plain,
    )
