"""Liquid state machine: spikes of a network tell a readout earlier words (Maass et al. 2002)."""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn

size, num_words, num_train, rng = 135, 8, 900, np.random.default_rng(0)
words = rng.random((2, 50, 4)) < 0.04  # two, each 4 spike trains of 50 steps of 1 ms, at 40 Hz
labels = rng.integers(2, size=(1200, num_words))  # the words of each trial
trains = words[labels].reshape(len(labels), -1, 4)
trains &= rng.random(trains.shape) < 0.9  # a tenth of the spikes fails

enter = jsnn.fixed_probability(jax.random.key(0), 4, size, 0.3, jsnn.initializers.normal(0, 3))
place, near = jsnn.spatial.grid((15, 3, 3), (15.0, 3.0, 3.0)), jsnn.spatial.gaussian(0.3, sd=2.0)
among = jsnn.by_distance(jax.random.key(1), place, place, near, 1.0)
weights = np.where(rng.random(size) < 0.2, -0.4, 0.2)  # nA; a fifth of the neurons inhibits
among = among.with_weights(weights[among.pre].astype(np.float32))
lif = {"tau_m": 30.0, "i_offset": 0.92}  # ms, nA: rests just below the threshold
source = jsnn.Population("source", 4, jsnn.SPIKE_SOURCE)
liquid = jsnn.Population("liquid", size, jsnn.LIF, lif)
pairs = {"source": enter, "liquid": among}
synapses = [jsnn.Projection(pre, "liquid", made, jsnn.EXPONENTIAL) for pre, made in pairs.items()]
network, record = jsnn.Network([source, liquid], synapses), {"spikes": jsnn.Spikes("liquid")}
run = jax.vmap(lambda net, x: jsnn.simulate(net, x, trains.shape[1], record=record)[1], (None, 0))
spikes = jax.jit(run)(network, {"source": jsnn.over_time(trains)})["spikes"]  # [trials, steps, N]

accuracy, recent = {}, np.exp(-np.arange(trains.shape[1])[::-1] / 30.0)  # weighs the last 30 ms
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for name, of_trials in {"liquid": spikes, "input alone": trains}.items():
    states = np.tensordot(recent, np.insert(of_trials, 0, True, axis=2), axes=(0, 1))
    readout = np.linalg.lstsq(states[:num_train], 2.0 * labels[:num_train] - 1)[0]
    right = (states[num_train:] @ readout > 0) == labels[num_train:]
    accuracy[name] = 100 * right.mean(axis=0)[::-1]  # the last word first
    print(f"{name}: {accuracy[name].round()} %")
    axes.plot(accuracy[name], "o-", label=name)
axes.set(xlabel="words ago", ylabel="correct [%]")
axes.legend()
figure.savefig("liquid_state_machine.png")
