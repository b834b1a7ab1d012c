"""NEST's CUBA and COBA, from the same definition.

CUBA is `iaf_psc_exp`, which integrates exactly as Brian2 does; a membrane of 20 pF and 20 ms makes
a current in pA the mV of g_e and g_i. COBA is `iaf_cond_exp`; a leak of 1 nS makes a conductance in
nS one in units of the leak. An adaptive Runge-Kutta method integrates COBA, so its statistics agree
with those of exponential Euler, but its spikes do not.

NEST's settings belong to the process: run this in a process of its own
(`experiments.parity.apart`).
"""

import os
import time
from typing import Any

import numpy as np

from experiments.balanced.network import DT, STEPS_HELD, Constants, Definition, Edges, Model, Run

os.environ.setdefault("PYNEST_QUIET", "1")  # no greeting on import
import nest

NEURON: dict[Model, str] = {"cuba": "iaf_psc_exp", "coba": "iaf_cond_exp"}


def simulate(definition: Definition, num_steps: int, delay: int = 1, threads: int = 2) -> Run:
    """Return every spike of a run; `delay` is in steps, at least 1, as Brian2 counts it."""
    began = time.perf_counter()
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=DT, local_num_threads=threads)
    spikes = build(definition, delay)
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(num_steps * DT)
    ran = time.perf_counter()
    nest.Cleanup()
    return Run(*spike_list(spikes), ran - built, built - began)


def build(definition: Definition, delay: int) -> Any:
    """Make the network and return its spike recorder."""
    neurons = nest.Create(NEURON[definition.model], definition.num_neurons)
    neurons.set(neuron_params(definition.model, definition.constants))
    neurons.V_m = definition.v
    if definition.model == "coba":
        neurons.set({"g_ex": definition.g_e, "g_in": definition.g_i})

    def connect(edges: Edges, weight: float) -> None:
        nest.Connect(
            edges.pre + 1,  # node 1 is the first
            edges.post + 1,
            "one_to_one",
            {
                "synapse_model": "static_synapse",
                "weight": np.full(len(edges.pre), weight),
                "delay": np.full(len(edges.pre), delay * DT),
            },
        )

    c = definition.constants
    connect(definition.excitatory, c.w_e)
    connect(definition.inhibitory, -abs(c.w_i))  # the sign makes the synapse inhibitory in NEST
    spikes = nest.Create("spike_recorder")
    nest.Connect(neurons, spikes)
    return spikes


def neuron_params(model: Model, c: Constants) -> dict[str, float]:
    shared = {
        "C_m": c.tau_m,
        "E_L": c.v_rest,
        "V_th": c.v_thresh,
        "V_reset": c.v_reset,
        "t_ref": STEPS_HELD * DT,
        "tau_syn_ex": c.tau_e,
        "tau_syn_in": c.tau_i,
    }
    if model == "cuba":
        return shared | {"tau_m": c.tau_m}
    return shared | {"g_L": 1.0, "E_ex": c.e_e, "E_in": c.e_i}


def spike_list(spikes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, neurons), sorted by both; NEST dates a spike to the end of its step."""
    events = spikes.events
    steps = np.rint(events["times"] / DT).astype(np.int64) - 1
    neurons = np.asarray(events["senders"], np.int64) - 1
    order = np.lexsort((neurons, steps))
    return steps[order], neurons[order]
