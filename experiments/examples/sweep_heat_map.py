"""Rates of 169 networks, by `jax.vmap` over the strength of inhibition and the external rate.

Model A of Brunel 2000, J. Comput. Neurosci. 8: inhibition outweighs excitation beyond g = 4.
"""

import jax
import jax.numpy as jnp
from matplotlib import pyplot as plt

import jsnn

num_e, num_i, jump, dt = 800, 200, 0.5, 0.5  # neurons, neurons, mV, ms
lif = {"tau_m": 20.0, "v_rest": 0.0, "v_reset": 10.0, "v_thresh": 20.0, "tau_refrac": 2.0}  # ms, mV
threshold_rate = 1000 * lif["v_thresh"] / (jump * lif["tau_m"])  # Hz; moves V to v_thresh
cells = jsnn.Population("cells", num_e + num_i, jsnn.LIF, lif, {"v": 10.0})
of_e = jsnn.fixed_in_degree(jax.random.key(0), num_e, cells.size, 80, jump)
of_i = jsnn.fixed_in_degree(jax.random.key(1), num_i, cells.size, 20, jump)
pre, post = jnp.append(of_e.pre, num_e + of_i.pre), jnp.append(of_e.post, of_i.post)
drawn = jsnn.Sparse(pre, post, jnp.full(len(pre), jump), cells.size, cells.size)
synapses = jsnn.Projection("cells", "cells", drawn, delay=jsnn.steps(1.5, dt), target="v")
poisson = jsnn.CurrentSource("out", "cells", jsnn.POISSON_INPUT, {"weight": jump}, target="v")
network = jsnn.Network([cells], [synapses], [poisson], dt)


def mean_rate(network, g, external):
    weights = jnp.where(drawn.pre < num_e, jump, -g * jump)
    network = network.with_params({"cells_to_cells": {"weights": weights}})
    drive, record = {"out": {"rate": external * threshold_rate}}, {"rate": jsnn.Rate("cells")}
    _, recorded = jsnn.simulate(network, drive, 800, record=record, key=jax.random.key(2))
    return recorded["rate"].mean()


g, external = jnp.linspace(2, 8, 13), jnp.linspace(0.8, 3.2, 13)  # external in threshold_rate
over_g = jax.vmap(mean_rate, in_axes=(None, 0, None))
rates = jax.jit(jax.vmap(over_g, in_axes=(None, None, 0)))(network, g, external)  # [external, g]
print(f"{rates[-1, 0]:.0f} Hz at g = {g[0]:.0f}, {rates[-1, -1]:.0f} Hz at g = {g[-1]:.0f}")
figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
figure.colorbar(axes.pcolormesh(g, external, rates, norm="log"), label="rate [Hz]")
axes.set(xlabel="inhibition over excitation, g", ylabel="external rate [threshold rate]")
figure.savefig("sweep_heat_map.png")
