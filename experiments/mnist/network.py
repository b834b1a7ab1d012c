"""Spiking network of the tutorial: integrate-and-fire layers under the weights of a small ANN."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import jsnn
from experiments.mnist.data import Images, input_currents
from jsnn.evaluation.between import Between
from jsnn.recording import Recordings

WEIGHTS = Path(__file__).parent / "weights"
"""Directory of the shipped weights, made by `experiments.mnist.train` with its defaults."""

NUM_STEPS = 100
V_THRESH = 5.0
INPUT_SCALE = 0.01
"""Current per grey level; steps of 1 ms, threshold and scale are the tutorial's settings."""


def spiking_network(weights: Sequence[np.ndarray], v_thresh: float = V_THRESH) -> jsnn.Network:
    """Make the network: V <- V + I dt, V >= v_thresh: spike, V <- 0, in every layer; dt = 1 ms."""
    return jsnn.feedforward(weights, jsnn.IF, params={"v_thresh": v_thresh})


def output_of(network: jsnn.Network) -> str:
    """Return the name of the last layer."""
    return network.populations[-1].name


def spikes_of_image(
    network: jsnn.Network, pixels: np.ndarray, num_steps: int, input_scale: float
) -> dict[str, np.ndarray]:
    """Show one image, [784], for `num_steps`; return all spikes, {layer: bool [T, N]}."""
    check_pixels(network, pixels[None])
    names = list(network.sizes)
    drive = {names[0]: input_currents(pixels, input_scale)}
    record = {name: jsnn.Spikes(name) for name in names}
    _, spikes = jsnn.simulate(network, drive, num_steps, record=record)
    return {name: np.asarray(spikes[name]) for name in names}


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
    scheduled: bool = True,
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
        scheduled=scheduled,
    )
