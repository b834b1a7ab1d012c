"""Script that makes gradients in sparx, one for each line that it reads, and prints their seconds.

sparx needs Python 3.12 and an environment of its own, so this file imports nothing from jsnn, and
no other file imports this one. `python sparx_peer.py BATCH STEPS INPUTS HIDDEN CLASSES SHARE`
"""

import sys
import time

import flax.linen as nn
import jax
import numpy as np
import optax
import sparx.nn

batch, steps, inputs, hidden, classes = map(int, sys.argv[1:6])


class Network(nn.Module):
    """Neurons with exponential synapses, and a leaky readout."""

    @nn.compact
    def __call__(self, spikes):
        neurons = sparx.nn.Synaptic(tau=20.0, tau_synapse=5.0, reset="zero")
        hidden_spikes = neurons(nn.Dense(hidden, use_bias=False)(spikes))
        return sparx.nn.LI(tau=20.0)(nn.Dense(classes, use_bias=False)(hidden_spikes))


random = np.random.default_rng(0)
spikes = (random.random((steps, batch, inputs)) < float(sys.argv[6])).astype(np.float32)
labels = random.integers(0, classes, batch)
network = Network()
variables = network.init(jax.random.key(0), spikes)


@jax.jit
def gradient(variables, spikes, labels):
    def loss(variables):
        scores = network.apply(variables, spikes).mean(0)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    return jax.grad(loss)(variables)


for _ in sys.stdin:
    began = time.perf_counter()
    jax.block_until_ready(gradient(variables, spikes, labels))
    print(time.perf_counter() - began, flush=True)
