"""STDP turns equal weights into a bimodal distribution and calms the neuron that they excite.

Song, Miller & Abbott 2000, Nat. Neurosci. 3, 919-926, but it learns four times as fast. A pair
within one step counts as pre before post, so a_minus is 1.075 a_plus here and not 1.05.
"""

import jax
import numpy as np
from matplotlib import pyplot as plt

import jsnn

dt, num_inputs, r_m = 0.5, 1000, 100.0  # ms, MOhm
g_max, g_inhibitory = 0.015 / r_m, 0.05 / r_m  # uS
lif = {"tau_m": 20.0, "r_m": r_m, "v_rest": -70.0, "v_reset": -60.0, "v_thresh": -54.0}  # ms, mV
learning = {"a_plus": 0.02 * g_max, "a_minus": 1.075 * 0.02 * g_max, "w_max": g_max}
stdp = jsnn.Plasticity(jsnn.STDP, learning)
weights = jsnn.Dense(np.full((num_inputs, 1), g_max, np.float32))
inputs = jsnn.Population("inputs", num_inputs, jsnn.POISSON_NEURON, {"rate": 12.0})  # Hz
cell = jsnn.Population("cell", 1, jsnn.LIF_COND_EXP, lif)
synapses = jsnn.Projection("inputs", "cell", weights, target="excitatory", plasticity=stdp)
poisson = {"rate": 200 * 10.0, "weight": g_inhibitory}  # 200 neurons at 10 Hz
inhibition = jsnn.CurrentSource("inhibition", "cell", jsnn.POISSON_INPUT, poisson, {}, "inhibitory")
network = jsnn.Network([inputs, cell], [synapses], [inhibition], dt)

record, state = {"rate": jsnn.Rate("cell")}, jsnn.init(network, jax.random.key(0))
weights, rates, times = [], [], range(15, 151, 15)  # s
for time in times:
    state, recorded = jsnn.simulate(network, {}, jsnn.steps(15_000, dt), record=record, state=state)
    learnt = state.projections["inputs_to_cell"].plasticity.synapses["weight"]
    weights.append(np.asarray(learnt[:, 0]) / g_max)
    rates.append(float(recorded["rate"][0]))
    print(f"{time:3} s: {rates[-1]:5.1f} Hz, synapses {np.histogram(weights[-1], 5, (0, 1))[0]}")
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist([weights[0], weights[-1]], 20, histtype="stepfilled", alpha=0.6, label=["15 s", "150 s"])
left.set(xlabel="weight [maximum]", ylabel="synapses")
left.legend()
right.plot(times, rates, "o-")
right.set(xlabel="time [s]", ylabel="rate [Hz]", ylim=(0, None))
figure.savefig("stdp_bimodal.png")
