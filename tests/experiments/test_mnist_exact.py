"""Spike for spike on real images: every neuron of every layer against NumPy by the book."""

import numpy as np
import pytest

import jsnn
from experiments.mnist.data import input_currents
from experiments.mnist.data import test_images as mnist_test_images
from experiments.mnist.network import WEIGHTS, spiking_network
from tests.reference import chain, integrate_fire

NUM_STEPS, V_THRESH = 100, 5.0
LAYERS = ("layer0", "layer1", "layer2")


def counts_by_the_book(weights, currents, *, carry):
    """Spike counts {layer: [images, N]}; with `carry`, spikes in flight stay for the next image."""
    sizes, links = chain(weights)
    history, counts = None, {name: [] for name in LAYERS}
    for current in currents:
        drive = {"layer0": current}
        run = integrate_fire(sizes, links, drive, NUM_STEPS, v_thresh=V_THRESH, history=history)
        for name in LAYERS:
            counts[name].append(run.counts(name))
        if carry:
            history = {name: past[-1:] for name, past in run.history.items()}
    return {name: np.array(rows) for name, rows in counts.items()}


@pytest.mark.parametrize(
    ("between", "carry"), [(jsnn.fresh, False), (jsnn.keep_in_flight, True)], ids=["fresh", "carry"]
)
@pytest.mark.parametrize("num_images", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_images_spike_as_in_numpy(between, carry, num_images):
    weights = jsnn.load_weights(WEIGHTS)
    images = mnist_test_images()
    currents = input_currents(images.pixels[:num_images], 0.01)
    result = jsnn.evaluate(
        spiking_network(weights, V_THRESH),
        {"layer0": currents},
        images.labels[:num_images],
        NUM_STEPS,
        jsnn.spike_count("layer2"),
        between=between,
        batch_size=30 * num_images // 100,
        record={name: jsnn.SpikeCount(name) for name in LAYERS},
    )
    expected = counts_by_the_book(weights, currents, carry=carry)
    for name in LAYERS:
        np.testing.assert_array_equal(result.recorded[name], expected[name])
        np.testing.assert_array_equal(result.spikes[name], expected[name].sum(axis=1))
    np.testing.assert_array_equal(result.predictions, expected["layer2"].argmax(axis=1))
