"""A run that is saved and resumed goes on to the same bits as one that nothing interrupted.

Inhibition learns to keep excitatory neurons at 5 Hz: Vogels et al. 2011, Science 334, 1569-1573.
"""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn
from jsnn import analysis

sizes, weights, dt = {"e": 400, "i": 100}, {"e": 0.1, "i": -0.1}, 0.5  # neurons, nA, ms
vogels = {"eta": -0.004, "target_rate": 5.0, "w_min": -5.0, "w_max": 0.0}  # nA, Hz
keys = iter(jax.random.split(jax.random.key(0), 5))
synapses = []
for pre in sizes:
    for post in sizes:
        drawn = jsnn.fixed_probability(next(keys), sizes[pre], sizes[post], 0.1, weights[pre])
        rule = jsnn.Plasticity(jsnn.VOGELS_2011, vogels) if (pre, post) == ("i", "e") else None
        synapses.append(jsnn.Projection(pre, post, drawn, jsnn.EXPONENTIAL, plasticity=rule))
cells = [jsnn.Population(name, size, jsnn.LIF, {"i_offset": 1.0}) for name, size in sizes.items()]
noise = [jsnn.CurrentSource(f"to {n}", n, jsnn.GAUSSIAN_NOISE, {"sd": 2.0}) for n in sizes]
network = jsnn.Network(cells, synapses, noise, dt)
half, record, key = jsnn.steps(5000, dt), {"e": jsnn.Spikes("e")}, next(keys)
_, whole = jsnn.simulate(network, {}, 2 * half, record=record, key=key)
middle, before = jsnn.simulate(network, {}, half, record=record, key=key)
jsnn.save("half.jsnn", network, middle)  # and, in another process or on another day:
network, state = jsnn.load("half.jsnn")
_, after = jsnn.simulate(network, {}, half, record=record, state=state)
print("the same spikes:", np.array_equal(whole["e"], np.concatenate([before["e"], after["e"]])))

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
parts = {"never interrupted": (whole, 0.0), "before": (before, 0.0), "resumed": (after, 5.0)}
for (name, (spikes, start)), style in zip(parts.items(), ("k-", "C0--", "C1--"), strict=True):
    rate = analysis.population_rate(analysis.SpikeTrains.of_recorded(spikes["e"], dt), 100.0)  # Hz
    axes.plot(start + 0.1 * np.arange(len(rate)), rate, style, label=name)
axes.set(xlabel="time [s]", ylabel="rate of excitatory neurons [Hz]")
axes.legend()
figure.savefig("save_and_resume.png")
