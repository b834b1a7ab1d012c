"""f-I curve of a leaky integrate-and-fire neuron: one simulation, mapped over the current."""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn

tau_m, r_m, to_threshold, tau_refrac = 20.0, 20.0, 19.0, 2.0  # ms, MOhm, mV, ms
dt, duration = 0.1, 5000.0  # ms
lif = {
    "tau_m": tau_m,
    "r_m": r_m,
    "v_rest": -70.0,
    "v_reset": -70.0,
    "v_thresh": -70.0 + to_threshold,
    "tau_refrac": tau_refrac,
}
network = jsnn.Network([jsnn.Population("cell", 1, jsnn.LIF, lif)], dt=dt)


def rate(network, current):
    record = {"rate": jsnn.Rate("cell")}
    _, recorded = jsnn.simulate(network, {"cell": current}, round(duration / dt), record=record)
    return recorded["rate"][0]


currents = np.linspace(0.0, 3.0, 61)  # nA
rates = jax.jit(jax.vmap(rate, in_axes=(None, 0)))(network, currents)  # Hz

above = currents[r_m * currents > to_threshold]
interval = tau_refrac - tau_m * np.log(1 - to_threshold / (r_m * above))  # ms
print(f"rheobase {to_threshold / r_m:.2f} nA, {rates[-1]:.1f} Hz at {currents[-1]:.1f} nA")

figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
axes.plot(currents, rates, ".", label="simulated")
axes.plot(above, 1000 / interval, "k", linewidth=1, label="closed form")
axes.set(xlabel="current [nA]", ylabel="firing rate [Hz]")
axes.legend()
figure.savefig("f_i_curve.png")
