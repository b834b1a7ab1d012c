"""Digits as Poisson spike trains: accuracy against time for three rates of a white pixel.

The weights are those of an artificial network 784-128-10, without any conversion.
"""

import jax
import numpy as np
from experiments.mnist.data import held_out_images
from experiments.mnist.network import WEIGHTS
from matplotlib import pyplot as plt

import jsnn

num_images, num_steps = 1000, 100  # of 1 ms
into_hidden, into_digits = map(jsnn.Dense, jsnn.load_weights(WEIGHTS))
populations = [
    jsnn.Population("pixels", 784, jsnn.POISSON_NEURON),
    jsnn.Population("hidden", 128, jsnn.IF_SOFT_RESET),
    jsnn.Population("digits", 10, jsnn.IF_SOFT_RESET),
]
synapses = [
    jsnn.Projection("pixels", "hidden", into_hidden),
    jsnn.Projection("hidden", "digits", into_digits),
]
network = jsnn.Network(populations, synapses, dt=1.0)
pixels, labels = held_out_images()
brightness, labels = np.float32(pixels[:num_images] / 255), labels[:num_images]
readout, record = jsnn.spike_count("digits"), {"digits": jsnn.Spikes("digits")}  # [n, T, 10]

figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
accuracy = {}
for rate in (20, 60, 180):  # Hz
    drives = {"pixels": rate * brightness}
    result = jsnn.evaluate(
        network, drives, labels, num_steps, readout, record=record, key=jax.random.key(0)
    )
    answers = np.cumsum(result.recorded["digits"], axis=1).argmax(axis=-1)  # after each step
    accuracy[rate] = np.mean(answers == labels[:, None], axis=0)
    axes.plot(accuracy[rate])
    print(rate, result)
figure.savefig("poisson_images.png")
