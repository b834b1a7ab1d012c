"""f-I curve of a leaky integrate-and-fire neuron: one simulation, mapped over the current."""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn

dt, duration = 0.1, 5000.0  # ms
tau_m, r_m, tau_refrac = 20.0, 20.0, 2.0  # ms, MOhm, ms
v_rest, v_thresh = -70.0, -51.0  # mV
lif = {"tau_m": tau_m, "r_m": r_m, "tau_refrac": tau_refrac}
lif |= {"v_rest": v_rest, "v_reset": v_rest, "v_thresh": v_thresh}
network = jsnn.Network([jsnn.Population("cell", 1, jsnn.LIF, lif)], dt=dt)


def rate(network, current):
    record = {"rate": jsnn.Rate("cell")}
    steps = jsnn.steps(duration, dt)
    _, recorded = jsnn.simulate(network, {"cell": current}, steps, record=record)
    return recorded["rate"][0]


currents = np.linspace(0.0, 3.0, 61)  # nA
rates = jax.jit(jax.vmap(rate, in_axes=(None, 0)))(network, currents)  # Hz

rheobase = (v_thresh - v_rest) / r_m  # nA
above = currents[currents > rheobase + 1e-6]
interval = tau_refrac - tau_m * np.log(1 - rheobase / above)  # ms
print(f"rheobase {rheobase:.2f} nA, {rates[-1]:.1f} Hz at {currents[-1]:.1f} nA")

figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
axes.plot(currents, rates, ".", label="simulated")
axes.plot(above, 1000 / interval, "k", linewidth=1, label="closed form")
axes.set(xlabel="current [nA]", ylabel="firing rate [Hz]")
axes.legend()
figure.savefig("f_i_curve.png")
