"""Digits as Poisson spike trains: accuracy over time for several rates of a white pixel."""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn
from experiments.mnist.data import held_out_images
from experiments.mnist.network import WEIGHTS

num_steps = 100  # of 1 ms
into_hidden, into_digits = map(jsnn.Dense, jsnn.load_weights(WEIGHTS))  # of an artificial network
populations = [
    jsnn.Population("pixels", 784, jsnn.POISSON_NEURON),
    jsnn.Population("hidden", 128, jsnn.IF_SOFT_RESET),
    jsnn.Population("digits", 10, jsnn.IF_SOFT_RESET),
]
first = jsnn.Projection("pixels", "hidden", into_hidden)
second = jsnn.Projection("hidden", "digits", into_digits)
network = jsnn.Network(populations, [first, second])
pixels, labels = (data[:1000] for data in held_out_images())
white = np.float32(pixels / 255)  # [n, 784]

readout, record = jsnn.spike_count("digits"), {"digits": jsnn.Spikes("digits")}
accuracy, key = {}, jax.random.key(0)
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for rate in (10, 30, 100):  # Hz
    given = {"pixels": rate * white}
    result = jsnn.evaluate(network, given, labels, num_steps, readout, record=record, key=key)
    answers = result.recorded["digits"].cumsum(axis=1).argmax(axis=2)  # so far, after each step
    accuracy[rate] = np.mean(answers == labels[:, None], axis=0)
    print(
        f"{rate} Hz: {result.accuracy:.1%}, {result.spikes_per_presentation['pixels']:.0f} spikes"
    )
    axes.plot(np.arange(num_steps) + 1, 100 * accuracy[rate], label=f"{rate} Hz")
axes.set(xlabel="time [ms]", ylabel="accuracy [%]", xlim=(0, num_steps), ylim=(0, 100))
axes.legend(title="rate of a white pixel")
figure.savefig("poisson_images.png")
