"""A run that is saved and resumed goes on to the same bits as one that was never interrupted.

Inhibitory synapses learn to keep excitatory neurons at 5 Hz: Vogels et al. 2011, Science 334.
"""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn
from jsnn import analysis

sizes, weights, dt = {"e": 400, "i": 100}, {"e": 0.1, "i": -0.1}, 0.5  # neurons, nA, ms
vogels = {"eta": -0.002, "target_rate": 5.0, "w_min": -5.0, "w_max": 0.0}  # nA, Hz
keys = iter(jax.random.split(jax.random.key(0), 5))
synapses = []
for pre, weight in weights.items():
    for post in sizes:
        drawn = jsnn.fixed_probability(next(keys), sizes[pre], sizes[post], 0.1, weight)
        rule = jsnn.Plasticity(jsnn.VOGELS_2011, vogels) if pre + post == "ie" else None
        synapses.append(jsnn.Projection(pre, post, drawn, jsnn.EXPONENTIAL, plasticity=rule))
cells = [jsnn.Population(name, size, jsnn.LIF, {"i_offset": 1.0}) for name, size in sizes.items()]
noise = [jsnn.CurrentSource(f"to {n}", n, jsnn.GAUSSIAN_NOISE, {"sd": 2.0}) for n in sizes]
network = jsnn.Network(cells, synapses, noise, dt)
half, record = jsnn.steps(10_000, dt), {"spikes": jsnn.Spikes("e")}

start = jsnn.init(network, next(keys))
_, whole = jsnn.simulate(network, {}, 2 * half, record=record, state=start)
middle, before = jsnn.simulate(network, {}, half, record=record, state=start)
jsnn.save("half.jsnn", network, middle)

network, state = jsnn.load("half.jsnn")  # in another process, tomorrow
_, after = jsnn.simulate(network, {}, half, record=record, state=state)
joined = np.concatenate([before["spikes"], after["spikes"]])
print("equal spikes:", np.array_equal(whole["spikes"], joined))
rate = analysis.population_rate(analysis.SpikeTrains.of_recorded(joined, dt), 200.0)
print(rate)
