"""Training on MNIST through time: each pixel spikes once, the brighter the earlier.

The network learns 4,000 of the held-out training images and is validated on the other 1,000.
"""

import jax
import numpy as np
import optax
from matplotlib import pyplot as plt

import jsnn
from experiments.mnist.data import held_out_images

num_steps, num_hidden, num_train, rng = 30, 100, 4000, np.random.default_rng(0)  # steps of 1 ms
pixels, labels = held_out_images()
times = jsnn.encoding.latency(pixels / 255, last=20.0, least=0.1)  # ms; dark pixels stay silent
trains = np.asarray(jax.vmap(lambda t: jsnn.encoding.trains_from_times(t, num_steps))(times))
to_hidden = rng.normal(0, 0.2, (784, num_hidden)).astype(np.float32)  # nA
to_digits = rng.normal(0, 0.1, (num_hidden, 10)).astype(np.float32)
source = jsnn.Population("pixels", 784, jsnn.SPIKE_SOURCE)
hidden = jsnn.Population("hidden", num_hidden, jsnn.LIF)
digits = jsnn.Population("digits", 10, jsnn.LEAKY_INTEGRATOR)
first = jsnn.Projection("pixels", "hidden", jsnn.Dense(to_hidden), jsnn.EXPONENTIAL)
second = jsnn.Projection("hidden", "digits", jsnn.Dense(to_digits), jsnn.EXPONENTIAL)
network = jsnn.Network([source, hidden, digits], [first, second])
learnt, kept = ({"pixels": jsnn.over_time(x)} for x in np.split(trains, [num_train]))
targets, kept_labels = np.split(labels, [num_train])
readout = jsnn.max_voltage("digits")
loss, adam = jsnn.losses.cross_entropy(readout), optax.adam(0.01)
assess = {"readout": readout, "validation": (kept, kept_labels)}
training = jsnn.fit(
    network, learnt, targets, num_steps, loss, adam, epochs=6, batch_size=100, **assess
)
print(training)
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for name in ("accuracy", "validation_accuracy"):
    axes.plot(range(1, 7), 100 * training.course(name), "o-", label=name.replace("_", " "))
axes.set(xlabel="epoch", ylabel="accuracy [%]")
axes.legend()
figure.savefig("train_latency_mnist.png")
