"""Rates and irregularity of excitatory and inhibitory neurons in balance.

Model A of Brunel 2000, J. Comput. Neurosci. 8, 183-208, with 5,000 neurons, g = 5 and twice the
external rate that brings a neuron to its threshold.
"""

import jax
from matplotlib import pyplot as plt

import jsnn
from jsnn import analysis

sizes, in_degrees, weights = {"e": 4000, "i": 1000}, {"e": 400, "i": 100}, {"e": 0.2, "i": -1.0}
lif = {"tau_m": 20.0, "v_rest": 0.0, "v_reset": 10.0, "v_thresh": 20.0, "tau_refrac": 2.0}  # ms, mV
dt, duration = 0.1, 600.0  # ms
rate = 2 * lif["v_thresh"] / (weights["e"] * lif["tau_m"]) * 1000  # Hz, of the external spikes
noise = {"rate": rate, "weight": weights["e"]}  # a spike moves V by its weight in mV

keys = iter(jax.random.split(jax.random.key(0), 5))
cells, synapses, outside = [], [], []
for post, size in sizes.items():
    cells.append(jsnn.Population(post, size, jsnn.LIF, lif, {"v": 10.0}))
    outside.append(jsnn.CurrentSource(f"to {post}", post, jsnn.POISSON_INPUT, noise, target="v"))
    for pre, degree in in_degrees.items():
        drawn = jsnn.fixed_in_degree(next(keys), sizes[pre], size, degree, weights[pre])
        delay = jsnn.steps(1.5, dt)
        synapses.append(jsnn.Projection(pre, post, drawn, jsnn.DELTA, delay=delay, target="v"))
network = jsnn.Network(cells, synapses, outside, dt)
record = {name: jsnn.Spikes(name) for name in sizes}
_, spikes = jsnn.simulate(network, {}, jsnn.steps(duration, dt), record=record, key=next(keys))

figure, (raster, irregular) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name in sizes:
    trains = analysis.SpikeTrains.of_recorded(spikes[name], dt).after(100.0)  # ms
    print(f"{name}: {analysis.rates(trains).mean():.1f} Hz,", end=" ")
    print(f"CV of intervals {analysis.cv_of_intervals(trains).mean():.2f}")
figure.savefig("balanced_rates.png")
