"""A small network that is read from NIR and trained in jsnn, with the steps of another program."""

import nir
import numpy as np
import optax

import jsnn

DT = 0.1  # ms; snnTorch takes every graph for that
STEPS, INPUTS = 200, 10


def graph(seed: int) -> nir.NIRGraph:
    """Make 10-20-20-2 leaky integrate-and-fire neurons with random weights and biases."""
    random = np.random.default_rng(seed)

    def lif(size: int) -> nir.LIF:
        return nir.LIF(*(np.full(size, value) for value in (5e-3, 1.0, 0.0, 0.1, 0.0)))

    def affine(pre: int, post: int) -> nir.Affine:
        bias = random.normal(0, 0.03, post).astype(np.float32)
        return nir.Affine(random.normal(0.2, 0.6, (post, pre)).astype(np.float32), bias)

    layers = ((affine(a, b), lif(b)) for a, b in ((INPUTS, 20), (20, 20), (20, 2)))
    return nir.NIRGraph.from_list(*(node for layer in layers for node in layer))


def presentations(seed: int, number: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Return spike trains [n, T, inputs] and labels: the half of the inputs that is busier."""
    random = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    busy = (np.arange(INPUTS) < INPUTS // 2) == (labels[:, None] == 0)
    rates = np.where(busy, 0.3, 0.2)[:, None]
    return (random.random((number, STEPS, INPUTS)) < rates).astype(np.float32), labels


def trained(reading: jsnn.nir.Reading, seed: int) -> tuple[jsnn.Network, float]:
    """Train the weights for 20 epochs; return the network and its accuracy on new trains."""
    (shown,) = reading.outputs.values()
    readout = jsnn.spike_count(shown)
    trains, labels = presentations(seed)
    training = jsnn.fit(
        reading.network,
        reading.drive(trains),
        labels,
        num_steps=STEPS,
        loss=jsnn.losses.cross_entropy(readout),
        optimizer=optax.adam(0.02),
        epochs=20,
        batch_size=32,
        readout=readout,
    )
    new, their_labels = presentations(seed + 1)
    result = jsnn.evaluate(training.network, reading.drive(new), their_labels, STEPS, readout)
    return training.network, float(result.accuracy)
