"""NEST's trains of spikes onto neurons with pair STDP, of `experiments.parity.learning`.

NEST's settings belong to the process: run this in a process of its own
(`experiments.parity.apart`).
"""

import numpy as np

from experiments.balanced.network import DT, Run
from experiments.parity.learning import NEURON, NUM_POST, NUM_PRE, RULE, W_MAX, Learnt, Start
from experiments.parity.nest import nest, spike_list


def simulate(start: Start, delay: int) -> Learnt:
    """Run with a delay in steps."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=DT)
    post = nest.Create("iaf_psc_exp", NUM_POST)
    post.set(
        {
            "C_m": 1e3 * NEURON["tau_m"] / NEURON["r_m"],
            "tau_m": NEURON["tau_m"],
            "E_L": NEURON["v_rest"],
            "V_m": NEURON["v_rest"],
            "V_th": NEURON["v_thresh"],
            "V_reset": NEURON["v_reset"],
            "t_ref": NEURON["tau_refrac"],
            "tau_syn_ex": NEURON["tau_syn_e"],
            "tau_minus": RULE["tau_minus"],
        }
    )
    pre = nest.Create("spike_train_injector", NUM_PRE)
    pre.set([{"spike_times": (np.flatnonzero(train) + 1) * DT} for train in start.trains.T])
    synapses = {
        "synapse_model": "stdp_synapse",
        "weight": 1e3 * start.weights.T,
        "delay": delay * DT,
        "lambda": RULE["a_plus"] / W_MAX,
        "alpha": RULE["a_minus"] / RULE["a_plus"],
        "mu_plus": 0.0,
        "mu_minus": 0.0,
        "tau_plus": RULE["tau_plus"],
        "Wmax": 1e3 * W_MAX,
    }
    nest.Connect(pre, post, "all_to_all", synapses)
    spikes = nest.Create("spike_recorder")
    nest.Connect(post, spikes)
    num_steps = len(start.trains)
    nest.Simulate((num_steps + delay) * DT)  # spikes of the last step learn in the time of a delay
    found = nest.GetConnections(pre, post).get(["source", "target", "weight"])
    weights = np.zeros_like(start.weights)
    sources, targets = np.array(found["source"]) - pre[0].global_id, np.array(found["target"]) - 1
    weights[sources, targets] = 1e-3 * np.array(found["weight"])
    steps, neurons = spike_list(spikes)
    within = steps < num_steps
    return Learnt(Run(steps[within], neurons[within], 0.0, 0.0), weights)
