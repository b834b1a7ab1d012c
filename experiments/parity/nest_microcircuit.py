"""NEST's cortical microcircuit, from synapses that are given one by one.

NEST's settings belong to the process: run this in a process of its own
(`experiments.parity.apart`).
"""

import time

import numpy as np

from experiments.balanced.network import DT, Run
from experiments.microcircuit.network import C_M, NEURON, TAU_SYN
from experiments.parity.microcircuit import Wired
from experiments.parity.nest import nest, spike_list

NEURON_PARAMS = {
    "C_m": 1e3 * C_M,
    "tau_m": NEURON["tau_m"],
    "E_L": NEURON["v_rest"],
    "V_th": NEURON["v_thresh"],
    "V_reset": NEURON["v_reset"],
    "t_ref": NEURON["tau_refrac"],
    "tau_syn_ex": TAU_SYN,
    "tau_syn_in": TAU_SYN,
}
"""Parameters of `iaf_psc_exp`."""


def simulate(wired: Wired, num_steps: int, seed: int = 0, threads: int = 1) -> Run:
    """Return every spike of a run; `seed` is that of the external spikes."""
    began = time.perf_counter()
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=DT, local_num_threads=threads, rng_seed=seed + 1)
    neurons = nest.Create("iaf_psc_exp", len(wired.v))
    neurons.set(NEURON_PARAMS)
    neurons.set({"V_m": wired.v, "I_e": wired.currents})
    synapses = {
        "synapse_model": "static_synapse",
        "weight": wired.weights,
        "delay": wired.delays * DT,
    }
    # node 1 is the first
    nest.Connect(wired.pre + 1, wired.post + 1, "one_to_one", synapses)
    for rate in np.unique(wired.poisson_rates[wired.poisson_rates > 0]):
        external = nest.Create("poisson_generator", params={"rate": rate})
        reached = neurons[np.flatnonzero(wired.poisson_rates == rate).tolist()]
        nest.Connect(external, reached, syn_spec={"weight": wired.poisson_weight, "delay": DT})
    spikes = nest.Create("spike_recorder")
    nest.Connect(neurons, spikes)
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(num_steps * DT)
    ran = time.perf_counter()
    nest.Cleanup()
    return Run(*spike_list(spikes), ran - built, built - began)
