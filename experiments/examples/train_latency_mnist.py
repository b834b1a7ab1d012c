"""Training on MNIST: a spike for each pixel, the brighter the earlier; learning through time.

The network learns 4,000 held-out training images and is assessed on 1,000 others.
"""

import jax
import numpy as np
import optax
from experiments.mnist.data import held_out_images
from matplotlib import pyplot as plt

import jsnn

num_steps, hidden, (pixels, labels) = 40, 100, held_out_images()
times = jsnn.encoding.latency(pixels / 255, last=20.0, least=0.1)  # ms; no spike below 0.1
make = jax.vmap(lambda t: jsnn.encoding.trains_from_times(t, num_steps))
trains = np.asarray(make(times))
rng = np.random.default_rng(0)


def dense(num_pre, num_post, scale):
    weights = rng.normal(0, scale / num_pre**0.5, (num_pre, num_post))
    return jsnn.Dense(weights.astype(np.float32))


network = jsnn.Network(
    [
        jsnn.Population("pixels", 784, jsnn.SPIKE_SOURCE),
        jsnn.Population("hidden", hidden, jsnn.LIF),
        jsnn.Population("digits", 10, jsnn.LEAKY_INTEGRATOR),
    ],
    [
        jsnn.Projection("pixels", "hidden", dense(784, hidden, 6.0), jsnn.EXPONENTIAL),
        jsnn.Projection("hidden", "digits", dense(hidden, 10, 1.0), jsnn.EXPONENTIAL),
    ],
)
readout = jsnn.max_voltage("digits")
training = jsnn.fit(
    network,
    {"pixels": jsnn.over_time(trains[:4000])},
    labels[:4000],
    num_steps,
    jsnn.losses.cross_entropy(readout),
    optax.adam(0.01),
    epochs=5,
    batch_size=100,
    readout=readout,
    validation=({"pixels": jsnn.over_time(trains[4000:])}, labels[4000:]),
)
print(training)
