"""Neuron with two inputs: a shunt moves the f-I curve, its slope stays (Holt & Koch 1997)."""

import jax
import jax.numpy as jnp
from matplotlib import pyplot as plt

import jsnn


def update(p, x, given, dt):  # c_m dV/dt = I - (g_leak + g) V
    current, g = given["current"], p["g_leak"] + given["shunt"]
    return jsnn.exponential_euler(lambda y: {"v": (current - g * y["v"]) / p["c_m"]}, x, dt)


shunted = jsnn.NeuronModel(
    params={"c_m": 0.5, "g_leak": 0.025, "v_thresh": 15.0},  # nF, uS, mV above rest
    variables={"v": 0.0},
    inputs=("current", "shunt"),  # nA, uS
    update=update,
    threshold=lambda p, x: x["v"] - p["v_thresh"],
    reset=lambda p, x: {"v": 0 * x["v"]},
)
currents, weight = jnp.linspace(0.0, 1.5, 61), jnp.float32(0.00125)  # nA, uS
source = jsnn.Population("inhibitory", 100, jsnn.POISSON_NEURON)
cells = jsnn.Population("cells", len(currents), shunted)
every = jsnn.AllToAll(weight, source.size, cells.size)
synapses = jsnn.Projection("inhibitory", "cells", every, jsnn.EXPONENTIAL, target="shunt")
network = jsnn.Network([source, cells], [synapses], dt=0.1)  # ms

curves, record, key = {}, {"rate": jsnn.Rate("cells")}, jax.random.key(0)
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for rate in (0, 20, 40):  # Hz
    drive = {"cells": {"current": currents}, "inhibitory": {"rate": rate}}
    _, recorded = jsnn.simulate(network, drive, 20_000, record=record, key=key)
    curves[rate] = recorded["rate"]
    print(f"inhibition at {rate} Hz: {curves[rate][-1]:.1f} Hz at {currents[-1]} nA")
    axes.plot(currents, curves[rate], label=f"inhibition at {rate} Hz")
axes.set(xlabel="current [nA]", ylabel="firing rate [Hz]")
axes.legend()
figure.savefig("two_inputs.png")
