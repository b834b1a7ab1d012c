"""Neuron with two inputs: a shunt moves the f-I curve to the right and leaves its slope as it is.

Holt & Koch 1997, "Shunting inhibition does not have a divisive effect on firing rates".
"""

import jax
import jax.numpy as jnp
from matplotlib import pyplot as plt

import jsnn


def update(p, x, given, dt):
    g = p["g_leak"] + given["shunt"]
    return jsnn.exponential_euler(lambda x: {"v": (given["current"] - g * x["v"]) / p["c_m"]}, x, dt)


shunted = jsnn.NeuronModel(
    params={"c_m": 0.5, "g_leak": 0.025, "v_thresh": 15.0},  # nF, uS, mV above rest
    variables={"v": 0.0},
    inputs=("current", "shunt"),
    update=update,
    threshold=lambda p, x: x["v"] - p["v_thresh"],
    reset=lambda p, x: {"v": 0 * x["v"]},
)
currents, inhibition = jnp.linspace(0.0, 1.5, 61), jnp.array([0.0, 20.0, 40.0])  # nA, Hz
sources = jsnn.Population("inhibitory", 100, jsnn.POISSON_NEURON)
cells = jsnn.Population("cells", len(currents), shunted)
weight = jsnn.AllToAll(jnp.float32(0.00125), sources.size, cells.size)  # uS
synapses = jsnn.Projection("inhibitory", "cells", weight, jsnn.EXPONENTIAL, target="shunt")
network = jsnn.Network([sources, cells], [synapses], dt=0.1)  # ms

figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for rate in inhibition:
    drive = {"cells": {"current": currents}, "inhibitory": {"rate": rate}}
    key, record = jax.random.key(0), {"rate": jsnn.Rate("cells")}
    _, recorded = jsnn.simulate(network, drive, 20_000, record=record, key=key)
    axes.plot(currents, recorded["rate"], label=f"inhibition at {rate:g} Hz")
    print(f"inhibition at {rate:g} Hz: {recorded['rate'][-1]:.1f} Hz at {currents[-1]:g} nA")
figure.savefig("two_inputs.png")
